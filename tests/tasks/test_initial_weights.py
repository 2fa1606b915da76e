"""Which weights a run may start from, and what may be frozen then."""

import pytest

from sceneseg import models
from sceneseg.config.conversion import from_dict
from sceneseg.errors import ModelError
from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.records import run_directory
from sceneseg.tasks.initial_weights import prepare

SPACE = LabelSpace("street", (LabelClass("road", (1, 2, 3), (0,)), LabelClass("sky", (4, 5, 6), (1,))))
SMALL = {"pyramid_channels": 32, "decoder_channels": 32}


def weights(file, name, **arguments):
    network = models.create(name, num_classes=2, **arguments)
    header = {"model": {"name": name, **arguments}}
    segments = name != "classifier"
    run_directory.save_weights(
        file, network.state_dict(), header | ({"label_space": SPACE.to_dict()} if segments else {})
    )
    return str(file)


def start(train, name, **arguments):
    network = models.create(name, num_classes=2, **arguments)
    return prepare(network, from_dict({"model": {"name": name, **arguments}, "train": train}), SPACE)


@pytest.mark.parametrize(
    ("name", "arguments"), [("fast_scnn", {"width": 0.25}), ("classifier", {"encoder": "resnet18"})]
)
def test_weights_of_another_architecture_are_refused(tmp_path, name, arguments):
    file = weights(tmp_path / "w.safetensors", name, **arguments)
    with pytest.raises(ModelError, match=f"weights of {name}, and separable_unet is trained.*train.encoder_weights"):
        start({"weights": file}, "separable_unet", width=4)


def test_the_same_architecture_of_another_width_is_refused(tmp_path):
    file = weights(tmp_path / "w.safetensors", "fast_scnn", width=0.5)
    with pytest.raises(ModelError, match=r"fast_scnn width 0.5\).*at least 50% must"):
        start({"weights": file}, "fast_scnn", width=0.25)


def test_what_fits_starts_and_may_be_frozen(tmp_path):
    file = weights(tmp_path / "w.safetensors", "classifier", encoder="resnet18")
    said = start({"encoder_weights": file, "freeze": ["encoder"]}, "fpn", encoder="resnet18", **SMALL)
    assert "tensors kept, 0 new" in said[0]
    assert said[1] == "frozen, weights and BatchNorm statistics: encoder"


@pytest.mark.parametrize(
    ("freeze", "encoder", "problem"),
    [
        (["encoder"], "mobilenetv2_035", "% of the encoder's parameters"),
        (["encoder"], "resnet34", r"train.freeze encoder: \d+ of its 108 parameters didn't come from the weights"),
        (
            ["segmentation_head"],
            "resnet18",
            "train.freeze segmentation_head: .* parameters didn't come from the weights",
        ),
    ],
)
def test_what_no_weights_were_found_for_is_not_frozen(tmp_path, freeze, encoder, problem):
    file = weights(tmp_path / "w.safetensors", "classifier", encoder="resnet18")
    network = models.create("fpn", num_classes=2, encoder=encoder, **SMALL)
    parts = [name for name, _ in network.named_children()]
    freeze = [parts[-1] if name not in parts else name for name in freeze]
    with pytest.raises(ModelError, match=problem.replace("segmentation_head", freeze[0])):
        start({"encoder_weights": file, "freeze": freeze}, "fpn", encoder=encoder, **SMALL)
