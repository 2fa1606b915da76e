"""A model is scored by what its classes are called, never by what ids mean in another set of the same name."""

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.errors import ConfigError
from sceneseg.evaluation.matching import matching_space
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import open_scenes
from sceneseg.inference.predictor import SemanticModel
from sceneseg.labels import LabelSpace, choose_space
from sceneseg.models import models
from sceneseg.packing.pack import pack

IDS = np.array([[0, 1, 2, 255]], np.uint8)


def folder(root, names):
    for kind, content in (("images", np.zeros((1, 4, 3), np.uint8)), ("masks", IDS)):
        (root / kind / "val").mkdir(parents=True)
        Image.fromarray(content).save(root / kind / "val" / "a.png")
    (root / "data.yaml").write_text(f"name: set\nnames: [{', '.join(names)}]\n")
    return root


def model_of(root, wanted):
    space = datasets.create("folder", root=root, split="val", label_space=wanted).label_space
    return SemanticModel(models.create("separable_unet", num_classes=len(space), width=4), space, {"name": "x"})


def labels(root, model, data="folder"):
    dataset = open_scenes(Request(data, root, "val"), model, root / "weights.safetensors")
    assert dataset.label_space.names == model.label_space.names
    return dataset.read_labels(0).tolist()[0]


@pytest.mark.parametrize(
    ("names", "wanted", "found"),
    [
        (["sky", "road", "car"], None, [2, 0, 1, 255]),
        (["sky", "road", "car"], "road", [1, 0, 1, 255]),
        (["sky", "road", "car"], "road,sky", [1, 0, 2, 255]),
        (["road", "car", "sky"], "road+void", [0, 1, 1, 2]),
        (["road", "dog", "cat"], "road", [0, 1, 1, 255]),
    ],
)
def test_classes_are_known_by_their_names(tmp_path, names, wanted, found):
    model = model_of(folder(tmp_path / "one", ["road", "car", "sky"]), wanted)
    other = folder(tmp_path / "other", names)
    assert labels(other, model) == found
    pack(datasets.create("folder", root=other, split="val"), tmp_path / "pack")
    assert labels(tmp_path / "pack", model, "packed") == found


@pytest.mark.parametrize("wanted", [None, "road", "road,sky"])
def test_other_classes_are_refused_and_named(tmp_path, wanted):
    model = model_of(folder(tmp_path / "one", ["road", "car", "sky"]), wanted)
    other = folder(tmp_path / "other", ["grass", "water", "sand"])
    with pytest.raises(ConfigError, match="only the model has road.*only the data set has grass, water, sand"):
        labels(other, model)


def test_groups_of_a_file_that_is_gone_need_the_same_ids():
    own = LabelSpace.from_dict(space_of({"road": [0], "car": [1], "sky": [2]}))
    groups = LabelSpace.from_dict({**space_of({"flat": [0], "sky": [1, 2]}), "name": "set:mine"})
    assert matching_space(own, groups) == groups
    for ids in ({"road": [0], "sky": [2]}, {"sky": [0], "car": [1], "x": [2]}, {"road": [0, 1], "sky": [2]}):
        assert matching_space(LabelSpace.from_dict(space_of(ids)), groups) is None
    assert matching_space(own, choose_space(own, "road"), "road").names == ["road", "other"]


def space_of(classes):
    listed = [{"name": name, "color": [i, 0, 0], "label_ids": ids} for i, (name, ids) in enumerate(classes.items())]
    return {"name": "set", "classes": listed, "void_ids": [255], "void_label_id": 255}
