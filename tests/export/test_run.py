"""The runner: ONNX Runtime and NumPy alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from sceneseg import run
from sceneseg.data.cityscapes import LABEL_SPACE
from sceneseg.export.onnx import finish
from sceneseg.export.plan import make_plan

BLOCKED = ["torch", "cv2", "timm", "yaml", "rich", "numba", "cyclopts", "onnx", "lightning_fabric", "matplotlib"]


@pytest.fixture
def write(model, body, tmp_path):
    def write(**wishes) -> Path:
        file = tmp_path / "street.onnx"
        onnx.save(finish(body, model, make_plan(model, **wishes)), file)
        return file

    return write


def alone(*arguments: object, without: list[str] = BLOCKED) -> subprocess.CompletedProcess:
    """Run the file by itself, with nothing of sceneseg to import and much else missing."""
    block = f"import sys; sys.modules.update(dict.fromkeys({[*without, 'sceneseg']!r})); "
    script = f"sys.argv = {['run', *map(str, arguments)]!r}; import runpy; "
    script += f"runpy.run_path({run.__file__!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", block + script], capture_output=True, text=True, check=False)


def test_it_needs_neither_torch_nor_opencv(write, model, pictures, tmp_path):
    picture = pictures[1]
    Image.fromarray(picture).save(tmp_path / "street.png")
    done = alone(write(), tmp_path / "street.png", "-r", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    labels = model.predict(picture).labels
    ids = np.asarray(Image.open(tmp_path / "out" / "street_labelIds.png"))
    assert (ids == LABEL_SPACE.decode(labels)).mean() > 0.999
    with Image.open(tmp_path / "out" / "street_color.png") as color:
        assert color.mode == "P"
        assert (np.asarray(color) == labels).mean() > 0.999
        assert (np.asarray(color.convert("RGB")) == LABEL_SPACE.palette[labels]).mean() > 0.999
    assert np.asarray(Image.open(tmp_path / "out" / "street_overlay.png")).shape == picture.shape
    name = LABEL_SPACE.names[np.bincount(labels.ravel(), minlength=19).argmax()]
    assert f"street.png: {name} " in done.stdout


@pytest.mark.parametrize("suffix", [".ppm", ".npy"])
def test_two_kinds_of_picture_need_no_pillow(write, pictures, tmp_path, suffix):
    file = tmp_path / f"street{suffix}"
    if suffix == ".ppm":
        Image.fromarray(pictures[0]).save(file)
    else:
        np.save(file, pictures[0])
    done = alone(write(), file, "-r", tmp_path / "out", without=[*BLOCKED, "PIL"])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "street_color.png").is_file()
    refused = alone(write(), tmp_path / "street.onnx", "-r", tmp_path / "out", without=[*BLOCKED, "PIL"])
    assert "needs Pillow" in refused.stderr


@pytest.mark.parametrize("output", ["label_ids", "probabilities", "coarse"])
def test_labels_come_from_every_output(write, model, pictures, output):
    runner = run.Runner(write(output=output), threads=1)
    for picture in pictures:
        assert (runner.labels(picture) == model.predict(picture).labels).mean() > 0.999


def test_mistakes_get_one_sentence(write, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    np.save(tmp_path / "grey.npy", np.zeros((4, 4), np.uint8))
    file = write(image_size=(64, 96))
    np.save(tmp_path / "large.npy", np.zeros((65, 96, 3), np.uint8))
    for arguments, complaint in (
        ((tmp_path / "none.onnx", "a.png"), "there is no such file"),
        ((file, tmp_path / "none.png"), "there is no such file"),
        ((file, tmp_path / "broken.png"), "can't be read as a picture"),
        ((file, tmp_path / "grey.npy"), "expected (H, W, 3) uint8"),
        ((file, tmp_path / "large.npy"), "takes pictures of 64 x 96 pixels, this one has 65 x 96"),
    ):
        done = alone(*arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert complaint in done.stderr
    missing = alone(file, tmp_path / "large.npy", without=["onnxruntime"])
    assert "pip install onnxruntime" in missing.stderr


def test_a_newer_form_is_refused():
    with pytest.raises(run.RunnerError, match=r"another sceneseg \(9.9\)"):
        run.describe('{"format": 2, "sceneseg_version": "9.9"}', "street.onnx")
