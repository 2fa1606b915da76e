import subprocess
import sys

import numpy as np
import pytest
import torch

from sceneseg.config.conversion import from_dict
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.devices import resolve_engine
from sceneseg.errors import ConfigError
from sceneseg.inference import engines
from sceneseg.inference.engines import OpenVINONetwork
from sceneseg.inference.predictor import SemanticModel
from sceneseg.models.cost import segmentation_models
from sceneseg.tasks.semantic import create_model
from sceneseg.toy import draw_scene

pytest.importorskip("openvino")

FAST = ("fast_scnn", "espnet", "segformer")  # the others convert as well, but it takes them a second or ten


def make(name: str) -> SemanticModel:
    return create_model(from_dict({"model": {"name": name}}), LABEL_SPACE, "32-true")


@pytest.fixture(scope="module")
def model() -> SemanticModel:
    return make("fast_scnn")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in FAST else pytest.mark.slow) for n in segmentation_models()]
)
def test_openvino_predicts_what_torch_predicts(name):
    model = make(name)
    image = draw_scene((72, 136)).image  # not a multiple of any stride
    wanted = model.predict(image).coarse.values
    model.compute_with("openvino")
    found = model.predict(image).coarse.values
    again = model.predict(image).coarse.values  # by what was compiled for this size
    variation = (wanted - wanted.mean((2, 3), keepdim=True)).norm()
    assert found.shape == wanted.shape
    assert (again - wanted).norm() < 5e-3 * variation
    assert (found - wanted).norm() < 5e-3 * variation  # where SegNet's pooling is nearly tied, rounding decides


@pytest.mark.parametrize("facts", [{"target_size": (40, 72)}, {"target_size": (40, 72), "resize": "opencv_bilinear"}])
def test_engines_see_the_same_picture(model, facts):
    image = draw_scene((72, 136)).image
    model.input.__dict__.update(facts)
    model.compute_with("torch")
    wanted = model.predict(image)
    model.compute_with("openvino")
    found = model.predict(image)
    assert found.coarse.extent == wanted.coarse.extent
    assert torch.allclose(
        found.coarse.values, wanted.coarse.values, atol=1e-4 * float(wanted.coarse.values.abs().max())
    )
    model.compute_with("torch")
    model.input.__dict__.update(target_size=None, resize="opencv")


def test_several_pictures_at_once(model):
    images = np.stack([draw_scene((64, 128), index=i).image for i in range(3)])
    one_by_one = np.stack([model.predict(image).labels for image in images])
    assert (model.predict_labels(images) == one_by_one).mean() > 0.999
    model.compute_with("openvino")
    assert (model.predict_labels(images) == one_by_one).mean() > 0.999
    model.compute_with("torch")


def test_a_size_is_compiled_when_it_comes_again_and_few_are_kept(model, monkeypatch):
    compiled = []
    original = OpenVINONetwork._compile

    def noted(self, pictures):
        compiled.append(pictures.shape[2])
        return original(self, pictures)

    monkeypatch.setattr(OpenVINONetwork, "_compile", noted)
    monkeypatch.setattr(engines, "SIZES_KEPT", 2)
    network = OpenVINONetwork(model.network)
    for width in (64, 64, 72, 64, 80, 64, 72, 72):  # 72 was used longest ago when 80 comes
        network.of_pictures(np.zeros((1, 64, width, 3), np.uint8))
    assert compiled == [64, 72]
    assert network._traces == 1


SIZES = [(61 + 3 * i, 141 - 2 * i) for i in range(6)]


def pictures_of(sizes):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


@pytest.mark.parametrize("traces", [0, 2])
def test_a_trace_that_holds_for_one_size_alone_is_noticed(model, monkeypatch, traces):
    class Sized(type(model.network)):
        def coarse_logits(self, image):
            return (super().coarse_logits(image)[0] * float(image.shape[-1]),)

    monkeypatch.setattr(engines, "TRACES", traces)
    sized = Sized(3)
    sized.load_state_dict(type(model.network)(3).state_dict())
    sized.eval()
    network = OpenVINONetwork(sized)
    for picture in pictures_of(SIZES):
        for _ in range(2):
            with torch.inference_mode():
                wanted = sized.coarse_logits(engines.as_input(picture[None]))[0]
            assert torch.allclose(network.of_pictures(picture[None]), wanted, atol=1e-4 * float(wanted.abs().max()))
    assert network._traces == 1 + traces


FORTY = """
import numpy as np
from sceneseg.config.conversion import from_dict
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.tasks.semantic import create_model

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 2**20

model = create_model(from_dict({"model": {"name": "fast_scnn"}}), LABEL_SPACE, "32-true")
rng = np.random.default_rng(0)
pictures = [rng.integers(0, 256, (100 + 3 * i, 201 - 2 * i, 3), dtype=np.uint8) for i in range(41)]
wanted = [model.predict(picture).labels for picture in pictures]
model.compute_with("openvino")
model.predict(pictures[0])
before = resident()
equal = min((model.predict(p).labels == w).mean() for p, w in zip(pictures[1:], wanted[1:]))
print(resident() - before, equal)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_forty_sizes_take_no_more_memory_than_a_few():
    done = subprocess.run([sys.executable, "-c", FORTY], check=True, capture_output=True, text=True)
    grown, equal = map(float, done.stdout.split())
    assert grown < 150  # MiB; 29 for each size before
    assert equal > 0.999


def test_a_network_that_cannot_be_converted_says_what_to_do(model):
    class Odd(type(model.network)):
        def coarse_logits(self, image):
            return (torch.special.bessel_j0(super().coarse_logits(image)[0]),)

    odd = Odd(3)
    with pytest.raises(engines.ModelError, match="engine torch"):
        OpenVINONetwork(odd).of_pictures(np.zeros((1, 64, 64, 3), np.uint8))


def test_bfloat16_is_used_only_where_the_model_has_it(model):
    image = draw_scene((64, 128)).image[None]
    exact = model.predict(image[0]).coarse.values
    full, half = (OpenVINONetwork(model.network, p).of_pictures(image) for p in ("32-true", "bf16-mixed"))
    assert (full - exact).norm() < 1e-5 * exact.norm()
    if torch.cpu._is_avx512_bf16_supported():
        assert 1e-5 * exact.norm() < (half - exact).norm() < 0.1 * exact.norm()


def test_engines_are_resolved():
    assert resolve_engine("auto", "cpu") == "openvino"
    assert resolve_engine("auto", "cuda") == "torch"
    with pytest.raises(ConfigError, match='Did you mean "openvino"'):
        resolve_engine("openvin", "cpu")
    with pytest.raises(ConfigError, match="Choose the device cpu"):
        resolve_engine("openvino", "cuda")


def test_openvino_is_imported_without_its_telemetry():
    code = (
        "import sys; from sceneseg.records.environment import import_openvino; import_openvino();"
        "print('openvino_telemetry.backend' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"
