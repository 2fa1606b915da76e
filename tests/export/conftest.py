"""A small network that has learned something, translated once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from sceneseg.datasets.base import Scene
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.export.exported import ExportedModel
from sceneseg.export.onnx import finish, translate
from sceneseg.export.plan import Plan, make_plan
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.models.base import SegmentationModel
from sceneseg.models.layers import ConvNormAct
from sceneseg.toy import draw_scene

SIZES = [(96, 160), (131, 203)]  # the second must be padded for any divisor


class Street(SegmentationModel):
    """A network that is translated in a second: logits at 1/8, padded to multiples of 16."""

    size_divisor = 16
    name = "street"

    def __init__(self, num_classes: int, in_channels: int = 3) -> None:
        super().__init__(num_classes, in_channels)
        steps = [ConvNormAct(a, b, stride=2) for a, b in ((in_channels, 32), (32, 64), (64, 96))]
        self.body = torch.nn.Sequential(*steps, ConvNormAct(96, 96))
        self.head = torch.nn.Conv2d(96, num_classes, 1)

    def coarse_logits(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (self.head(self.body(self.prepare(image))),)


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    """Two labeled streets."""
    drawn = [draw_scene(size, seed=3, index=i) for i, size in enumerate(SIZES)]
    return [Scene(d.image, LABEL_SPACE.encode(d.label_ids), None, str(i)) for i, d in enumerate(drawn)]


@pytest.fixture(scope="session")
def pictures(scenes) -> list[np.ndarray]:
    return [scene.image for scene in scenes]


@pytest.fixture(scope="session")
def state(scenes) -> dict[str, torch.Tensor]:
    """Weights that tell the streets' classes apart."""
    torch.manual_seed(0)
    network = Street(19).train()
    optimizer = torch.optim.AdamW(network.parameters(), 5e-3)
    images = torch.stack([torch.from_numpy(s.image[:96, :160].copy()).permute(2, 0, 1).float() / 255 for s in scenes])
    labels = torch.stack([torch.from_numpy(s.labels[:96, :160].copy()).long() for s in scenes])
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(images), labels, ignore_index=255).backward()
        optimizer.step()
    return network.eval().state_dict()


@pytest.fixture(scope="session")
def make(state) -> Callable[..., SemanticModel]:
    """Make the model that has learned, with other facts of its input."""

    def make(**facts) -> SemanticModel:
        network = Street(19).eval()
        network.load_state_dict(state)
        return SemanticModel(network, LABEL_SPACE, {"name": "street"}, Preprocessing(**facts))

    return make


@pytest.fixture(scope="session")
def model(make) -> SemanticModel:
    return make()


@pytest.fixture(scope="session")
def body(model) -> onnx.ModelProto:
    """The network translated for images of any size."""
    return translate(model, make_plan(model))


@pytest.fixture
def opened(tmp_path) -> Callable[..., ExportedModel]:
    """Write a translated network with what a plan puts around it, and open the file."""

    def opened(body: onnx.ModelProto, model: SemanticModel, plan: Plan) -> ExportedModel:
        file = Path(tmp_path) / "model.onnx"
        onnx.save(finish(body, model, plan), file)
        return ExportedModel.load(file)

    return opened
