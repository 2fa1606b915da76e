"""Which loss is asked of which output, and what happens where they don't fit."""

import pytest
import torch
from lightning_fabric import Fabric

from sceneseg import losses, models
from sceneseg.config.conversion import from_dict
from sceneseg.errors import ConfigError, DataError
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.loading.scene_samples import Batch
from sceneseg.tasks.training_step import TrainingStep
from sceneseg.training.gradients import GradientAccumulator, freeze_statistics
from sceneseg.transforms.base import DeviceTransform

PIDNET = {"ohem": {"thresh": 0.9, "min_kept": 500}, "boundary_bce": 20.0, "boundary_aware": {"threshold": 0.4}}


def made(loss, aux_loss=None, name="pidnet", width=8, class_weights=None, **arguments):
    torch.manual_seed(0)
    network = models.create(name, num_classes=3, width=width, **arguments)
    config = from_dict({"loss": loss, "aux_loss": aux_loss or {}, "train": {"aux_weight": 0.4}})
    return TrainingStep(network, config, class_weights).double()


def batch(samples=4):
    generator = torch.Generator().manual_seed(1)
    image = torch.randint(0, 256, (samples, 3, 64, 64), dtype=torch.uint8, generator=generator)
    labels = torch.zeros(samples, 64, 64, dtype=torch.uint8)
    for i in range(samples):
        labels[i, 10 * i :, 20:] = 1
        labels[i, 30:, : 8 * i + 9] = 2
        labels[i, : 3 * i] = 255
    color = torch.tensor([[1.0, 1, 1, 0]]).expand(samples, 4).contiguous()
    return Batch(image, labels, None, {"color_jitter": color}, [f"s{i}" for i in range(samples)])


def test_pidnets_losses_are_the_papers():
    step, given = made(PIDNET, {"cross_entropy": 1}, boundary=True).train(), batch()
    outputs = step.outputs(given.image.double() / 255)
    main, aux, boundary = (CoarseLogits(output, (64, 64)) for output in outputs)
    ohem = losses.create("ohem", thresh=0.9, min_kept=500)(main, given.labels)
    bce = losses.create("boundary_bce")(boundary, given.labels)
    aware = losses.create("boundary_aware", threshold=0.4)(main, boundary, given.labels)
    helper = losses.create("cross_entropy")(aux, given.labels)
    assert aware > 0
    torch.testing.assert_close(step.loss(outputs, given.labels), ohem + 20 * bce + aware + 0.4 * helper)


@pytest.mark.parametrize(
    ("loss", "aux_loss"),
    [(PIDNET, {"cross_entropy": 1}), (PIDNET, None), ({"cross_entropy": 1.0, "boundary_bce": 5.0}, None)],
)
@pytest.mark.parametrize("micro_batch", [3, 1])
def test_parts_have_the_gradients_of_the_whole(loss, aux_loss, micro_batch):
    found = []
    for size in (4, micro_batch):
        step = made(loss, aux_loss, boundary=True)
        fabric = Fabric(accelerator="cpu", devices=1)
        module = fabric.setup(step)
        module.train()
        freeze_statistics(module)
        value = GradientAccumulator(fabric, module, step, size).compute(batch(), print)
        found.append((value, {name: p.grad for name, p in step.named_parameters()}))
    (whole, expected), (value, actual) = found
    assert value == pytest.approx(whole, rel=1e-9)
    for name, gradient in expected.items():
        assert (actual[name] - gradient).abs().max() <= 1e-7 * gradient.abs().max().clamp(min=1e-8), name


@pytest.mark.parametrize("aux_loss", [None, {"focal": 0.5}])
def test_parts_of_means_with_other_losses_on_auxiliary_heads(aux_loss):
    found = []
    for size in (4, 3):
        step = made({"cross_entropy": {"label_smoothing": 0.1}}, aux_loss, name="fast_scnn", width=0.25, aux=True)
        assert (step.weights(batch().labels).numel() == 2) == bool(aux_loss)
        fabric = Fabric(accelerator="cpu", devices=1)
        module = fabric.setup(step)
        module.train()
        freeze_statistics(module)
        torch.manual_seed(3)
        for part in module.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
        value = GradientAccumulator(fabric, module, step, size).compute(batch(), print)
        found.append((value, [p.grad for p in step.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-7)
    for a, b in zip(found[0][1], found[1][1], strict=True):
        assert (a - b).abs().max() <= 1e-6 * a.abs().max().clamp(min=1e-8)


def test_the_loss_falls():
    step, given = made(PIDNET, {"cross_entropy": 1}, boundary=True).float().train(), batch()
    optimizer = torch.optim.SGD(step.parameters(), lr=0.02, momentum=0.9)
    values = []
    for _ in range(12):
        loss = step(given.image, given.params, given.labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.7 * values[0]


def test_class_weights_of_the_data_go_to_the_losses_that_take_them():
    step = made(PIDNET, class_weights=[1.0, 2.0, 3.0], boundary=True)
    assert [c.class_weights.tolist() for c in (step.main.criteria[0], step.main.criteria[2].cross_entropy)] == [
        [1, 2, 3]
    ] * 2


def test_what_does_not_fit_is_a_sentence():
    with pytest.raises(ConfigError, match="boundary_bce needs a boundary head.*model.boundary = true"):
        made({"cross_entropy": 1, "boundary_bce": 1})
    with pytest.raises(ConfigError, match=r"boundary_bce needs a boundary head.*Leave loss\.boundary_bce out"):
        made({"cross_entropy": 1, "boundary_bce": 1}, name="fast_scnn", width=0.25)
    with pytest.raises(ConfigError, match=r"No loss trains the boundary of pidnet.*loss\.boundary_bce = 1"):
        made({"cross_entropy": 1, "boundary_aware": 1}, boundary=True)
    with pytest.raises(ConfigError, match="No loss trains the classes of pidnet.*cross_entropy"):
        made({"boundary_bce": 1}, boundary=True)
    with pytest.raises(ConfigError, match="class logits alone; aux_loss has boundary_bce"):
        made(PIDNET, {"boundary_bce": 1}, boundary=True)


def test_a_device_transform_that_changes_sizes_is_a_sentence():
    class Halved(DeviceTransform):
        def draw(self, rng, sample):
            return rng.random(1)

        def apply(self, image, drawn):
            return image[..., ::2]

    step, given = made(PIDNET, boundary=True), batch()
    step.transforms["halved"] = Halved()
    with pytest.raises(DataError, match=r"halved must return images of the same size.*64\); it returned.*32\)"):
        step(given.image, {**given.params, "halved": given.params["color_jitter"]}, given.labels)
