"""Weights of other authors: imported by the command, scored by the command, equal to what their own code says."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image

from sceneseg.errors import ConfigError, RunError, UnknownNameError
from sceneseg.evaluation import scoring
from sceneseg.inference.predictor import SemanticModel
from sceneseg.publishing.foreign import import_checkpoint

FILES = {
    "espnet_camvid": ("espnet", "espnet_camvid/espnet_p_2_q_8_camvid.pth"),
    "espnet_city": ("espnet", "espnet_city/espnet_p_2_q_8.pth"),
    "espnetv2_city": ("espnet_v2", "espnetv2_city/espnetv2_s_1.0_city_1024x512.pth"),
}


@pytest.fixture(scope="module")
def imported(shared_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    for name, (kind, file) in FILES.items():
        found = import_checkpoint(shared_data / "parity" / file, folder / f"{name}.safetensors")
        assert found.conversion.name == kind
    return folder


@pytest.mark.parametrize("name", sorted(FILES))
def test_predictions_equal_the_authors_own(shared_data, imported, name):
    """The whole way, resizing included, from the weights file alone."""
    case = sorted((shared_data / "parity" / name).glob("*__*.npz"))[0]
    image = next((shared_data / "parity" / "images").glob(f"{case.stem.split('__')[1]}*"))
    width, height = map(int, case.stem.split("__")[2].split("x"))
    model = SemanticModel.load(imported / f"{name}.safetensors", "cpu")
    model.input.target_size = (height, width)
    expected = np.load(case)["argmax"]
    void = model.void_output
    with Image.open(image) as picture:
        size = (picture.height, picture.width)
    prediction = model.predict(image).labels
    wanted = np.array(Image.fromarray(expected).resize((size[1], size[0]), Image.Resampling.NEAREST))
    agree = prediction == np.where(wanted == void, 255, wanted)
    assert agree.mean() >= 0.9999


def request(shared_data, **changes):
    values = {
        "data": "camvid",
        "root": str(shared_data / "camvid"),
        "split": "test",
        "target_size": None,
        "void": "ignore",
        "device": "cpu",
    }
    return scoring.Request(**values | changes)


@pytest.mark.slow
def test_published_scores_of_espnet(shared_data, imported):
    path = imported / "espnet_camvid.safetensors"
    scores, _ = scoring.score_weights(path, request(shared_data))
    assert scores.means["mean_iou"] == pytest.approx(0.571748, abs=1e-4)
    assert scores.means["class_accuracy"] == pytest.approx(0.683025, abs=1e-4)
    scores, _ = scoring.score_weights(path, request(shared_data, void="false_positive"))
    assert scores.means["mean_iou"] == pytest.approx(0.556493, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "figures"), [("espnetv2_city", "espnetv2"), ("espnet_city", "espnet")])
def test_scores_across_label_spaces(shared_data, imported, name, figures):
    wanted = {"espnetv2": (0.509665, 0.826550, 0.683322), "espnet": (0.337735, 0.641006, 0.500918)}[figures]
    mapping = shared_data / "parity" / "cityscapes_to_camvid.yaml"
    asked = request(shared_data, target_size=(480, 640), label_map=mapping)
    scores, _ = scoring.score_weights(imported / f"{name}.safetensors", asked)
    found = (scores.means["mean_iou"], scores.means["pixel_accuracy"], scores.means["class_accuracy"])
    assert found == pytest.approx(wanted, abs=1e-4)
    assert scores.protocol.label_map == "cityscapes -> camvid"


def test_label_maps_are_checked(shared_data, imported, tmp_path):
    model = SemanticModel.load(imported / "espnet_city.safetensors", "cpu")
    from sceneseg.datasets.camvid import LABEL_SPACE

    file = tmp_path / "map.yaml"
    for text, message in (
        ("raod: Road", 'cityscapes has no class "raod".*Did you mean "road"'),
        ("road: Raod", 'camvid has no class "Raod".*Did you mean "Road"'),
        ("road: Road", "no entry for sidewalk"),
    ):
        file.write_text(text)
        with pytest.raises(ConfigError, match=message):
            scoring.read_label_map(file, model, LABEL_SPACE)


def test_nothing_untrusted_is_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("executed",))

    file = tmp_path / "evil.pth"
    file.write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(RunError, match="expected named tensors"):
        import_checkpoint(file, tmp_path / "out.safetensors")
    file.write_bytes(b"\xff\xd8\xff\xe0 a photograph")
    with pytest.raises(RunError, match="another format") as error:
        import_checkpoint(file, tmp_path / "out.safetensors")
    assert "\n" not in str(error.value)
    torch.save({"a": torch.ones(1)}, file)
    with pytest.raises(RunError, match="found tensors like a"):
        import_checkpoint(file, tmp_path / "out.safetensors")
    with pytest.raises(UnknownNameError, match='"espnt".*Did you mean "espnet"'):
        import_checkpoint(file, tmp_path / "out.safetensors", "espnt")
    assert not (tmp_path / "out.safetensors").exists()
