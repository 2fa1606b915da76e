"""What `predict` takes: the same labels for an image in each form that is right, and one sentence for the rest."""

import warnings
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sceneseg import standalone
from sceneseg.errors import DataError, ModelError, ScenesegError
from sceneseg.export.exported import ExportedModel
from sceneseg.inference.classifier import ClassificationModel
from sceneseg.inference.classifier import Preprocessing as ClassifierInput
from sceneseg.inference.predictor import SemanticModel
from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.models.base import SegmentationModel
from sceneseg.records.export_description import ExportDescription, ExportInput, ExportOutput
from sceneseg.records.header import ModelSpec

SPACE = LabelSpace("tones", tuple(LabelClass(f"tone {i}", (i, i, i), (i,)) for i in range(8)))
PICTURE = np.random.default_rng(0).integers(0, 256, (20, 28, 3)).astype(np.uint8)
LABELS = PICTURE[..., 1] // 32
"""What the network below finds."""


class Tones(SegmentationModel):
    """Gives a pixel the class of its green, in steps of 32."""

    size_divisor = 1

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        middles = torch.arange(15.5, 256, 32).view(1, 8, 1, 1) / 255
        return (-((image[:, 1:2] - middles) ** 2),)


class Brightness(torch.nn.Module):
    """ClassificationCounts how bright the whole image is."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, image: Tensor) -> Tensor:
        return torch.stack([image.mean((1, 2, 3)), 1 - image.mean((1, 2, 3))], 1) * self.scale


def tones(images: np.ndarray) -> np.ndarray:
    """Answer as an exported file does, which takes nothing but bytes."""
    assert images.dtype == np.uint8
    assert images.shape[3] == 3
    return images[..., 1] // 32


DESCRIPTION = {
    "output": {"kind": "labels", "align_corners": False},
    "input": {"image_size": None},
    "label_space": SPACE.to_dict(),
}


def described() -> ExportDescription:
    """Return what an exported file of the function above says of itself."""
    colors, ids = [c.color for c in SPACE.classes], [c.label_ids[0] for c in SPACE.classes]
    given = ExportInput("", None, None, "opencv", "logits", 1, (0.0,), (1.0,))
    output = ExportOutput("labels", 255, (), 1, False)
    model = ModelSpec("tones")
    return ExportDescription(1, "0", "semantic", model, SPACE.names, colors, ids, 0, SPACE, given, output, "fp32")


def runner() -> standalone.Runner:
    """Return a runner whose session is the function above."""
    found = object.__new__(standalone.Runner)
    found.description = DESCRIPTION
    found.session = SimpleNamespace(run=lambda _, inputs: [tones(inputs["image"])])
    return found


@pytest.fixture
def model() -> SemanticModel:
    return SemanticModel(Tones(8).eval(), SPACE, {"name": "tones"})


@pytest.fixture(params=["weights", "exported", "exported labels", "runner", "runner output"])
def labels_of(request, model):
    exported = ExportedModel(tones, described())
    return {
        "weights": lambda image: model.predict(image).labels,
        "exported": lambda image: exported.predict(image).labels,
        "exported labels": exported.labels,
        "runner": runner().labels,
        "runner output": runner(),
    }[request.param]


def read_only(array: np.ndarray) -> np.ndarray:
    copy = array.copy()
    copy.flags.writeable = False
    return copy


TAKEN: dict[str, Any] = {
    "uint8": PICTURE,
    "read-only": read_only(PICTURE),
    "of Pillow's": np.asarray(Image.fromarray(PICTURE)),
    "not contiguous": np.repeat(np.repeat(PICTURE, 2, 0), 2, 1)[::2, ::2],
    "mirrored": PICTURE[:, ::-1].copy()[:, ::-1],
    "columns first": np.asfortranarray(PICTURE),
    "planes moved": np.ascontiguousarray(PICTURE.transpose(2, 0, 1)).transpose(1, 2, 0),
    "floats": PICTURE / 255,
    "single floats": PICTURE.astype(np.float32) / 255,
    "half floats": (PICTURE / 255).astype(np.float16),
    "Pillow": Image.fromarray(PICTURE),
    "Pillow RGBA": Image.fromarray(np.dstack([PICTURE, PICTURE[..., :1]])),
}
REFUSED: dict[str, Any] = {
    "uint16": (PICTURE.astype(np.uint16) * 257, r"found \(20, 28, 3\) uint16"),
    "bool": (PICTURE > 128, "bool"),
    "int64": (PICTURE.astype(int), "int64"),
    "floats to 255": (PICTURE.astype(np.float32), "float32 from 0 to 255"),
    "floats around 0": (PICTURE / 127.5 - 1, "float64 from -1 to 1"),
    "not a number": (np.full((4, 4, 3), np.nan), "float64 from nan to nan"),
    "complex": (PICTURE / 255 + 0j, "complex128"),
    "objects": (PICTURE.astype(object), "object"),
    "gray": (PICTURE[..., 0], r"\(20, 28\)"),
    "gray with a channel": (PICTURE[..., :1], r"\(20, 28, 1\)"),
    "RGBA": (np.dstack([PICTURE, PICTURE[..., :1]]), r"\(20, 28, 4\)"),
    "batch": (PICTURE[None], r"\(1, 20, 28, 3\)"),
    "channels first": (PICTURE.transpose(2, 0, 1), r"\(3, 20, 28\)"),
    "empty": (np.zeros((0, 28, 3), np.uint8), r"\(0, 28, 3\)"),
    "empty floats": (np.zeros((0, 28, 3)), r"\(0, 28, 3\)"),
    "empty Pillow": (Image.new("RGB", (0, 0)), r"\(0, 0, 3\)"),
    "a number": (np.uint8(3), "found uint8"),
    "None": (None, "found NoneType"),
    "zero": (0, "found int"),
    "list": (PICTURE.tolist(), "found list"),
    "bytes": (b"abc", "found bytes"),
    "tensor": (torch.from_numpy(PICTURE.copy()), "found Tensor"),
    "Pillow's floats": (Image.fromarray(PICTURE[..., 0].astype(np.float32)), "samples of a kind that isn't read"),
    "Pillow's integers": (Image.fromarray(PICTURE[..., 0].astype(np.int32)), "samples of a kind that isn't read"),
    "Pillow's 12 bits": (Image.fromarray(PICTURE[..., 0].astype(np.uint16)), "12-bit samples, or is nearly black"),
}


@pytest.mark.parametrize("form", TAKEN)
def test_the_right_labels(form, labels_of):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # PyTorch warns of arrays that can't be written to
        found = labels_of(TAKEN[form])
    assert np.array_equal(found, LABELS)


def test_gray_by_pillow(labels_of):
    gray = PICTURE[..., 0]
    for image in (Image.fromarray(gray), Image.fromarray(gray.astype(np.uint16) * 257)):
        assert np.array_equal(labels_of(image), gray // 32)


@pytest.mark.parametrize("form", REFUSED)
def test_one_sentence(form, labels_of):
    image, words = REFUSED[form]
    with pytest.raises((ModelError, standalone.RunnerError), match=words) as caught:
        labels_of(image)
    assert "\n" not in str(caught.value)


def test_a_cut_file_opened_with_pillow(model, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:400])
    with Image.open(tmp_path / "a.png") as opened, pytest.raises(ModelError, match="can't be read"):
        model.predict(opened)


def test_a_folder_is_no_picture(model, tmp_path):
    with pytest.raises(DataError, match="can't be read"):
        model.predict(tmp_path)


def test_names_of_predictions(model, tmp_path):
    Image.fromarray(PICTURE).save(tmp_path / "street.png")
    for predictor in (model, ExportedModel(tones, described())):
        assert predictor.predict(str(tmp_path / "street.png")).name == "street"
        assert predictor.predict(tmp_path / "street.png", "mine").name == "mine"
        assert predictor.predict(PICTURE).name == "image"
        assert predictor.predict(PICTURE / 255).image.dtype == np.uint8


def test_several_at_once(model):
    both = np.stack([PICTURE, PICTURE[::-1]])
    for images in (both, read_only(both), both / 255, both[::-1][::-1]):
        assert np.array_equal(model.predict_labels(images), [LABELS, LABELS[::-1]])
    for wrong in (PICTURE, both.astype(np.uint16), both.transpose(0, 3, 1, 2), both[:0], None, [PICTURE, PICTURE]):
        with pytest.raises(ModelError, match="xpected"):
            model.predict_labels(wrong)


def test_the_classifier():
    model = ClassificationModel(Brightness(), ["bright", "dark"], {"name": "brightness"}, ClassifierInput((16, 16)))
    right = model.predict(PICTURE).probabilities
    for form, image in TAKEN.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert np.allclose(model.predict(image).probabilities, right, atol=1e-6), form
    for image, words in REFUSED.values():
        with pytest.raises(ScenesegError, match=words):
            model.predict(image)
