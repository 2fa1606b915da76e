"""What every architecture promises; runs over the registry, so a new file is tested by existing."""

import inspect

import pytest
import torch

from sceneseg import models
from sceneseg.errors import ConfigError, ModelError
from sceneseg.models import models as shelf
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost
from sceneseg.training.recompute import outermost_blocks

CLASSES = 5
TINY = {
    "bayesian_segnet": {"width": 4},
    "bisenet_v1": {"decoder_channels": 16},
    "bisenet_v2": {"width": 0.25, "head_channels": 16},
    "ddrnet": {"width": 8, "pyramid_channels": 16},
    "deeplab_v3_plus": {"encoder": "mobilenetv2_035", "decoder_channels": 16, "low_level_channels": 8},
    "erfnet": {"width": 8},
    "espnet": {"width": 8, "p": 1, "q": 1},
    "espnet_v2": {"width": 0.5},
    "fast_fcn": {"encoder": "resnet18", "width": 16},
    "fast_scnn": {"width": 0.25},
    "fcn8s": {"encoder": "vgg11", "decoder_channels": 16},
    "fpn": {"encoder": "resnet18", "pyramid_channels": 16, "decoder_channels": 32},
    "hrnet": {"width": 4},
    "ocrnet": {"width": 4, "channels": 16, "key_channels": 8},
    "pidnet": {"width": 8},
    "pspnet": {"encoder": "resnet18", "decoder_channels": 16},
    "segformer": {"width": 8},
    "segmenter": {"embed_dim": 24, "depth": 2, "heads": 2, "image_size": 64},
    "segnet": {"width": 4},
    "separable_unet": {"width": 4},
    "setr": {"embed_dim": 24, "depth": 4, "heads": 2, "channels": 16, "image_size": 64},
    "u2net": {"width": 0.125},
    "u2netp": {"width": 8},
    "unet": {"width": 4},
}
NAMES = [n for n in shelf.names() if inspect.isclass(shelf.get(n)) and issubclass(shelf.get(n), SegmentationModel)]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)


def tiny(name: str) -> SegmentationModel:
    return models.create(name, num_classes=CLASSES, **TINY.get(name, {}))


@pytest.mark.parametrize("name", NAMES)
def test_odd_sizes_and_the_form_of_the_output(name):
    network = tiny(name).eval()
    with torch.inference_mode():
        image = torch.rand(1, 3, 67, 131)
        logits = network(image)
        assert logits.shape == (1, CLASSES, 67, 131)
        assert logits.dtype == torch.float32
        assert len(network.coarse_logits(image)) == 1  # auxiliary heads cost nothing in prediction
        assert torch.equal(logits, network(image)), "evaluation must be deterministic"


@pytest.mark.parametrize("name", NAMES)
def test_gradients_reach_every_parameter(name):
    network = tiny(name).train()
    outputs = network.coarse_logits(torch.rand(2, 3, 64, 96))
    assert isinstance(outputs, tuple)
    assert all(o.shape[:2] == (2, CLASSES) for o in outputs)
    loss = sum((o * torch.randn_like(o)).sum() for o in outputs)
    loss.backward()
    assert not [k for k, p in network.named_parameters() if p.grad is None]


@pytest.mark.parametrize("name", NAMES)
def test_blocks_are_called_as_modules(name):
    """What is computed again on the way back, or put together from shards, hangs on the call of a block."""
    network = tiny(name).train()
    blocks, called = set(outermost_blocks(network)), set()
    for block in blocks:
        block.register_forward_pre_hook(lambda module, _: called.add(module))
    network.coarse_logits(torch.rand(2, 3, 64, 96))
    assert called == blocks


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_of_one_can_be_learned_from(name):
    outputs = tiny(name).train().coarse_logits(torch.rand(1, 3, 64, 96))
    assert all(o.isfinite().all() for o in outputs)


@pytest.mark.parametrize("name", NAMES)
def test_state_dict_round_trip(name):
    first, second = tiny(name).eval(), tiny(name).eval()
    second.load_state_dict(first.state_dict())
    image = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(first(image), second(image))


@pytest.mark.parametrize("name", NAMES)
def test_channels_last_and_bf16(name):
    network = tiny(name).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        expected = network(image)
        actual = network.to(memory_format=torch.channels_last)(image.to(memory_format=torch.channels_last))
        assert (actual - expected).abs().max() <= 1e-4 * expected.abs().max()
        with torch.autocast("cpu", torch.bfloat16):
            assert network(image).isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_other_numbers_of_channels(name):
    network = models.create(name, num_classes=CLASSES, in_channels=4, **TINY.get(name, {})).eval()
    with torch.inference_mode():
        assert network(torch.rand(1, 4, 64, 64)).shape == (1, CLASSES, 64, 64)
    with pytest.raises(ModelError, match=f"{name} takes 4 channels, the image has 3"):
        network(torch.rand(1, 3, 64, 64))


@pytest.mark.parametrize("name", NAMES)
def test_the_default_can_be_counted_without_memory(name):
    cost = model_cost(name, 19, (256, 512))
    assert 0 < cost.parameters <= cost.parameters_training
    assert cost.gmacs > 0
    assert cost.output_stride in (1, 2, 4, 8, 16, 32)


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments_are_named(name):
    with pytest.raises(ConfigError, match=f'model "{name}" has no argument "no_such_thing"'):
        models.create(name, num_classes=2, no_such_thing=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fast_scnn"])
def test_compiles(name):
    network = tiny(name).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        assert torch.allclose(torch.compile(network)(image), network(image), atol=1e-4)
