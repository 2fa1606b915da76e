"""The runner: ONNX Runtime and NumPy alone."""

import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from sceneseg import standalone
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.export.onnx import finish
from sceneseg.export.plan import make_plan


def all_but(*packages: str) -> list[str]:
    """Return what can be imported here from other packages than these, those that they need, and our own."""
    kept, waiting = {"sceneseg"}, list(packages)
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name not in kept:
            kept.add(name)
            needs = metadata.requires(name) or []
            waiting += [re.match(r"[\w.-]+", need)[0] for need in needs if ";" not in need]
    found = {k: v for k, v in metadata.packages_distributions().items() if k not in sys.stdlib_module_names}
    return [
        module for module, owners in found.items() if not kept & {owner.lower().replace("_", "-") for owner in owners}
    ]


BLOCKED = all_but("onnxruntime", "numpy", "pillow")


@pytest.fixture
def write(model, body, tmp_path):
    def write(**wishes) -> Path:
        file = tmp_path / "street.onnx"
        onnx.save(finish(body, model, make_plan(model, **wishes)), file)
        return file

    return write


def alone(*arguments: object, without: list[str] = BLOCKED, installed: bool = False) -> subprocess.CompletedProcess:
    """Run the file by itself, with nothing of sceneseg to import; or `python -m sceneseg.run`, with it installed."""
    missing = without if installed else [*without, "sceneseg"]
    block = f"import sys; sys.modules.update(dict.fromkeys({missing!r})); "
    script = f"sys.argv = {['run', *map(str, arguments)]!r}; import runpy; "
    if installed:
        script += "runpy.run_module('sceneseg.run', run_name='__main__', alter_sys=True)"
    else:
        script += f"runpy.run_path({standalone.__file__!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", block + script], capture_output=True, text=True, check=False)


def test_what_is_missing_is_everything_else():
    assert {"torch", "cv2", "timm", "yaml", "rich", "numba", "cyclopts", "onnx", "lightning_fabric"} <= set(BLOCKED)
    assert not {"numpy", "onnxruntime", "PIL", "sceneseg"} & set(BLOCKED)


@pytest.mark.parametrize("installed", [False, True])
def test_it_needs_neither_torch_nor_opencv(write, model, pictures, tmp_path, installed):
    picture = pictures[1]
    Image.fromarray(picture).save(tmp_path / "street.png")
    done = alone(write(), tmp_path / "street.png", "-r", tmp_path / "out", installed=installed)
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


def test_pictures_of_one_name_do_not_overwrite_each_other(write, pictures, tmp_path, capsys):
    files = [tmp_path / part / "street.npy" for part in "ab"]
    for file, picture in zip(files, pictures, strict=True):
        file.parent.mkdir()
        np.save(file, picture)
    assert standalone.main([str(write()), *map(str, files), "-r", str(tmp_path / "out")]) == 0
    assert "2 predicted" in capsys.readouterr().out
    for name, picture in zip(("street", "street-2"), pictures, strict=True):
        for kind in ("labelIds", "color", "overlay"):
            with Image.open(tmp_path / "out" / f"{name}_{kind}.png") as written:
                assert (written.height, written.width) == picture.shape[:2]


@pytest.mark.parametrize(
    ("names", "numbered"),
    [("ab", ["a", "b"]), ("aba", ["a", "b", "a-2"]), (["a", "a", "a-2", "a"], ["a", "a-3", "a-2", "a-4"])],
)
def test_numbers_for_names_that_occur_twice(names, numbered):
    assert standalone.unique(list(names)) == numbered


@pytest.mark.parametrize("output", ["label_ids", "probabilities", "coarse"])
def test_labels_come_from_every_output(write, model, pictures, output):
    runner = standalone.Runner(write(output=output), threads=1)
    for picture in pictures:
        assert (runner.labels(picture) == model.predict(picture).labels).mean() > 0.999


def test_mistakes_get_one_sentence(write, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    np.save(tmp_path / "gray.npy", np.zeros((4, 4), np.uint8))
    file = write(image_size=(64, 96))
    np.save(tmp_path / "large.npy", np.zeros((65, 96, 3), np.uint8))
    for arguments, complaint in (
        ((tmp_path / "none.onnx", "a.png"), "there is no such file"),
        ((file, tmp_path / "none.png"), "there is no such file"),
        ((file, tmp_path / "broken.png"), "can't be read as an image"),
        ((file, tmp_path / "gray.npy"), "expected (H, W, 3) uint8"),
        ((file, tmp_path / "large.npy"), "takes images of 64 x 96 pixels, this one has 65 x 96"),
    ):
        done = alone(*arguments)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert complaint in done.stderr
    missing = alone(file, tmp_path / "large.npy", without=["onnxruntime"])
    assert "pip install onnxruntime" in missing.stderr


@pytest.mark.parametrize("installed", [False, True])
def test_a_bad_picture_does_not_end_the_call(write, pictures, tmp_path, installed):
    np.save(tmp_path / "good.npy", pictures[0])
    (tmp_path / "bad.ppm").write_bytes(b"P6 0 0 255\n")
    (tmp_path / "folder.png").mkdir()
    files = [tmp_path / name for name in ("bad.ppm", "good.npy", "folder.png")]
    done = alone(write(), *files, "-r", tmp_path / "out", installed=installed)
    assert done.returncode == 1
    assert "bad.ppm: expected (H, W, 3)" in done.stderr
    assert "folder.png: expected an image, found a folder" in done.stderr
    assert "1 predicted" in done.stdout
    assert (tmp_path / "out" / "good_overlay.png").is_file()


def test_results_that_cannot_be_written(write, pictures, tmp_path, capsys):
    np.save(tmp_path / "a.npy", pictures[0])
    (tmp_path / "taken").write_text("")
    for target in (tmp_path / "taken", tmp_path / "taken/x", "/proc/nope", tmp_path / ("n" * 300)):
        assert standalone.main([str(write()), str(tmp_path / "a.npy"), "-r", str(target)]) == 1
        said = capsys.readouterr().err
        assert said.startswith("Error: ")
        assert f"{target}: can't be written" in said
        assert "-r" in said


def test_an_interruption_is_no_traceback(write, pictures, tmp_path, capsys, monkeypatch):
    np.save(tmp_path / "a.npy", pictures[0])

    def stop(file):
        raise KeyboardInterrupt

    monkeypatch.setattr(standalone, "read_picture", stop)
    assert standalone.main([str(write()), str(tmp_path / "a.npy"), "-r", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == "Error: stopped\n"


@pytest.mark.parametrize("threads", ["-1", "99999999", "1e9"])
def test_threads_have_a_range(write, tmp_path, capsys, threads):
    with pytest.raises(SystemExit) as stop:
        standalone.main([str(write()), "a.npy", "--threads", threads])
    assert stop.value.code == 2
    assert "--threads: invalid" in capsys.readouterr().err


def test_16_bit_and_turned_pictures_are_those_of_predict(write, model, pictures, tmp_path):
    runner = standalone.Runner(write(), threads=1)
    exif = Image.Exif()
    exif[0x0112] = 6
    gray = Image.fromarray(pictures[0]).convert("L")
    gray.save(tmp_path / "gray.png")
    Image.fromarray(np.asarray(gray).astype(np.uint16) * 257).save(tmp_path / "gray16.png")
    Image.fromarray(pictures[0]).save(tmp_path / "turned.tif", exif=exif)
    answers = []
    for name in ("gray.png", "gray16.png", "turned.tif"):
        answers.append(runner.labels(standalone.read_picture(tmp_path / name)))
        assert (answers[-1] == model.predict(tmp_path / name).labels).mean() > 0.999
    assert np.array_equal(answers[0], answers[1])


def test_what_a_program_gives_is_checked(write, pictures):
    runner = standalone.Runner(write(), threads=1)
    right = runner.labels(pictures[0])
    for same in (pictures[0] / 255, Image.fromarray(pictures[0]), np.asfortranarray(pictures[0])):
        assert np.array_equal(runner.labels(same), right)
    for wrong in (pictures[0][..., 0], pictures[0][None], pictures[0].astype(np.uint16), pictures[0][:0], None):
        with pytest.raises(standalone.RunnerError, match=r"expected \(H, W, 3\) uint8"):
            runner.labels(wrong)


def test_a_newer_form_is_refused():
    with pytest.raises(standalone.RunnerError, match=r"another sceneseg \(9.9\)"):
        standalone.describe('{"format": 2, "sceneseg_version": "9.9"}', "street.onnx")


def described(**changes) -> dict:
    facts = {"image_size": None, "target_size": None, "enlarge": "logits", "size_divisor": 32}
    output = {"kind": "labels", "train_ids": [0, 1], "align_corners": False}
    known = {"format": 1, "names": ["road", "car"], "colors": [[1, 2, 3], [4, 5, 6]], "label_ids": [7, 26]}
    whole = known | {"void_label_id": 0, "precision": "fp32", "input": facts, "output": output}
    for key, value in changes.items():
        section, _, inner = key.partition("__")
        whole[section] = whole[section] | {inner: value} if inner else value
    return whole


@pytest.mark.parametrize(
    "change",
    [
        {"names": 7},
        {"names": ["road"]},
        {"colors": [[1, 2], [4, 5, 6, 7]]},
        {"colors": [[1, 2, 3], [4, 5, 256]]},
        {"label_ids": ["7", 26]},
        {"void_label_id": None},
        {"precision": None},
        {"input": []},
        {"input__image_size": [0, 5]},
        {"input__target_size": "ab"},
        {"input__enlarge": "x"},
        {"input__size_divisor": 0},
        {"output__kind": "masks"},
        {"output__train_ids": [0, 256]},
        {"output__align_corners": "no"},
        {"names": ["road", "\ud800"]},
    ],
    ids=str,
)
def test_a_damaged_description_is_refused(change):
    assert standalone.describe(json.dumps(described()), "a.onnx")["names"] == ["road", "car"]
    with pytest.raises(standalone.RunnerError, match=r"a\.onnx: .*description is damaged"):
        standalone.describe(json.dumps(described(**change)), "a.onnx")


@pytest.mark.parametrize("text", ["[]", "7", "{", "[" * 100_000])
def test_a_description_of_another_kind_is_refused(text):
    with pytest.raises(standalone.RunnerError, match="damaged"):
        standalone.describe(text, "a.onnx")


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("labels", np.zeros((4, 5), np.float32)),
        ("labels", np.zeros((4, 4), np.uint8)),
        ("probabilities", np.zeros((2, 4, 4), np.float32)),
        ("probabilities", np.zeros((3, 4, 5), np.float32)),
        ("coarse", np.zeros((3, 1, 1), np.float32)),
        ("coarse", np.zeros((2, 0, 1), np.float32)),
        ("coarse", np.zeros(2, np.float32)),
    ],
)
def test_an_output_of_another_shape_is_refused(kind, answer):
    with pytest.raises(standalone.RunnerError, match=f"isn't its {kind}"):
        standalone.labels_of(answer, described(output__kind=kind), (4, 5))


def test_label_ids_beyond_a_byte_are_written_with_16_bits(tmp_path):
    labels = np.array([[0, 1, 255]], np.uint8)
    ids = standalone.to_label_ids(labels, described(label_ids=[7, 1000]))
    standalone.write_png(tmp_path / "a.png", ids)
    assert np.array(Image.open(tmp_path / "a.png")).tolist() == ids.tolist() == [[7, 1000, 0]]
    with pytest.raises(standalone.RunnerError, match="from -1 to 7 don't fit into a PNG"):
        standalone.to_label_ids(labels, described(label_ids=[7, -1]))
