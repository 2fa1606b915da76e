"""Every architecture can be exported to ONNX, and then says the same."""

import sys
from pathlib import Path

import pytest
import torch

from sceneseg import models
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.export.exported import ExportedModel
from sceneseg.export.onnx import finish, translate
from sceneseg.export.plan import make_plan
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.models.cost import segmentation_models
from sceneseg.toy import draw_scene

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from test_contract import TINY

QUICK = {"espnet", "fcn8s", "segmenter", "unet"}  # the others take five seconds to half a minute each
PICTURES = [draw_scene(size, seed=5, index=i).image for i, size in enumerate([(96, 160), (131, 203)])]


def untrained(name: str) -> SemanticModel:
    """An untrained network whose logits differ enough for its classes to lie apart."""
    torch.manual_seed(0)
    network = models.create(name, num_classes=19, **TINY.get(name, {})).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.uniform_(0.5, 2)
            module.bias.data.normal_(0, 0.3)
    return SemanticModel(network, LABEL_SPACE, {"name": name}, Preprocessing())


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n in QUICK else pytest.mark.slow) for n in segmentation_models()]
)
def test_every_architecture_can_be_exported(name, tmp_path):
    import onnx

    model = untrained(name)
    plan = make_plan(model)
    onnx.save(finish(translate(model, plan), model, plan), tmp_path / "model.onnx")
    exported = ExportedModel.load(tmp_path / "model.onnx")
    for picture in PICTURES:
        assert (exported.labels(picture) == model.predict(picture).labels).mean() > 0.999
