"""Predictions into a folder: which files are read, what is written, and what a second call does."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sceneseg.api import predict as api
from sceneseg.api.predict import predict
from sceneseg.config.conversion import from_dict
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, DataError, RunError
from sceneseg.inference import job
from sceneseg.inference.classifier import ClassificationModel, Preprocessing
from sceneseg.models import create
from sceneseg.records.predictions import read
from sceneseg.tasks.semantic import create_model

ENDINGS = ("color.png", "labelIds.png", "overlay.jpg")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[Path]:
    """Two weights files of one small network."""
    folder = tmp_path_factory.mktemp("weights")
    model = create_model(from_dict({"model": {"name": "separable_unet", "width": 4}}), LABEL_SPACE, "32-true")
    for epoch, name in enumerate("ab", 1):
        model.save(folder / f"{name}.safetensors", model.network.state_dict(), epoch=epoch)
    return [folder / f"{name}.safetensors" for name in "ab"]


@pytest.fixture
def photos(tmp_path) -> Path:
    """Images in a tree, two of them with one name."""
    for number, name in enumerate(("x.png", "a/x.png", "a/b/y.jpg")):
        photo(tmp_path / "in" / name, number)
    return tmp_path / "in"


def photo(file: Path, seed=0, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, **options)
    return file


def files_in(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def rows_of(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as file:
        return {row["source"]: row for row in csv.DictReader(file)}


def ids(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file))


def test_the_tree_is_kept_and_the_table_names_each_source(models, photos, tmp_path):
    outcome = predict([photos], models[0], tmp_path / "out", device="cpu")
    assert len(outcome.predicted) == 3
    assert not outcome.failed
    wanted = [f"{name}_{ending}" for name in ("x", "a/x", "a/b/y") for ending in ENDINGS]
    assert files_in(tmp_path / "out") == sorted([*wanted, "predictions.csv"])
    rows = rows_of(tmp_path / "out")
    assert list(rows) == ["../in/a/b/y.jpg", "../in/a/x.png", "../in/x.png"]
    assert rows["../in/a/x.png"]["label_ids"] == "a/x_labelIds.png"
    assert int(rows["../in/x.png"]["bytes"]) == (photos / "x.png").stat().st_size
    assert {row["weights_sha256"] for row in rows.values()} == {job.sha256(models[0])}


@pytest.mark.parametrize(("results", "count"), [("in/results", 3), ("in", 3), ("in/a", 1)])
def test_results_inside_the_inputs_are_never_inputs(models, photos, tmp_path, results, count):
    for _ in range(3):
        outcome = predict([photos], models[0], tmp_path / results, device="cpu")
        assert len(outcome.predicted) == count
        assert {made.source.suffix for made in outcome.predicted} <= {".png", ".jpg"}
        assert sorted(outcome.left_out) == ([photos / "a/b/y.jpg", photos / "a/x.png"] if count == 1 else [])
    assert len(outcome.earlier_results) == 3 * count + 1
    assert len(list(photos.rglob("*_labelIds.png"))) == count


def test_results_of_another_call_are_no_inputs_either(models, photos, tmp_path):
    predict([photos / "x.png"], models[0], photos / "first", device="cpu")
    assert len(predict([photos], models[0], photos / "second", device="cpu").predicted) == 3
    with pytest.raises(DataError, match="result of an earlier prediction"):
        predict([photos / "first" / "x_color.png"], models[0], tmp_path / "out", device="cpu")


def test_pictures_that_are_only_called_like_results_are_read(models, tmp_path):
    photo(tmp_path / "in" / "my_color.png")
    assert len(predict([tmp_path / "in"], models[0], tmp_path / "out", device="cpu").predicted) == 1


def test_one_bad_file_does_not_end_the_folder(models, photos, tmp_path):
    (photos / "a" / "empty.png").write_bytes(b"")
    (photos / "cut.jpg").write_bytes((photos / "a/b/y.jpg").read_bytes()[:60])
    (photos / "dir.png").mkdir()
    outcome = predict([photos], models[0], tmp_path / "out", device="cpu")
    assert len(outcome.predicted) == 3
    assert sorted(outcome.failed) == [photos / "a/empty.png", photos / "cut.jpg"]
    assert all(str(file) in reason for file, reason in outcome.failed.items())


def test_memory_that_does_not_suffice_is_the_files_failure_but_faults_are_not(models, photos, tmp_path, monkeypatch):
    def fail(self, source, name, on_frame):
        raise RuntimeError(text)

    monkeypatch.setattr(job.Job, "predict", fail)
    text = "can't allocate memory: 99 bytes"
    outcome = predict([photos], models[0], tmp_path / "out", device="cpu")
    assert len(outcome.failed) == 3
    assert "memory" in outcome.failed[photos / "x.png"]
    text = "a fault of the program"
    with pytest.raises(RuntimeError, match="a fault"):
        predict([photos], models[0], tmp_path / "out", device="cpu")


def test_skip_existing_makes_only_what_is_not_there(models, photos, tmp_path):
    out = tmp_path / "out"

    def again(weights=models[0], **options):
        outcome = predict([photos], weights, out, device="cpu", skip_existing=True, **options)
        return sorted(made.source.relative_to(photos).as_posix() for made in outcome.predicted)

    assert again() == ["a/b/y.jpg", "a/x.png", "x.png"]
    assert again() == []
    (out / "a/x_color.png").unlink()
    assert again() == ["a/x.png"]
    (out / "x_overlay.jpg").write_bytes(b"")
    assert again() == ["x.png"]
    photo(photos / "x.png", 9)  # another image
    assert again() == ["x.png"]
    assert len(again(models[1])) == 3
    assert len(again(models[1], target_size=(16, 32))) == 3
    assert again(models[1], target_size=(16, 32)) == []
    assert len(files_in(out)) == 10


def test_an_interrupted_call_leaves_a_right_table(models, photos, tmp_path):
    def stop(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict([photos], models[0], tmp_path / "out", device="cpu", on_progress=stop)
    rows = rows_of(tmp_path / "out")
    outputs = [row[kind] for row in rows.values() for kind in ("label_ids", "color", "overlay")]
    assert len(rows) == 2
    assert files_in(tmp_path / "out") == sorted([*outputs, "predictions.csv"])
    again = predict([photos], models[0], tmp_path / "out", device="cpu", skip_existing=True)
    assert (len(again.existing), len(again.predicted)) == (2, 1)


def test_an_interruption_between_the_files_of_a_result_leaves_none(models, photos, tmp_path, monkeypatch):
    predict([photos / "x.png"], models[0], tmp_path / "out", device="cpu")
    add = job.Predictions.add

    def interrupt(table, row):
        if not row.problem:  # the second time: its files are written
            raise KeyboardInterrupt
        add(table, row)

    monkeypatch.setattr(job.Predictions, "add", interrupt)
    with pytest.raises(KeyboardInterrupt):
        predict([photos / "x.png"], models[1], tmp_path / "out", device="cpu")
    assert files_in(tmp_path / "out") == ["predictions.csv"]
    assert not rows_of(tmp_path / "out")


def test_a_second_call_overwrites_its_own_results_alone(models, tmp_path):
    first, second = photo(tmp_path / "one/x.png", 1), photo(tmp_path / "two/x.png", 2)
    out = tmp_path / "out"
    predict([first], models[0], out, device="cpu")
    before = (out / "x_labelIds.png").read_bytes()
    predict([second], models[0], out, device="cpu")
    assert (out / "x_labelIds.png").read_bytes() == before
    assert (out / "x-2_labelIds.png").read_bytes() != before
    predict([second], models[0], out, device="cpu")
    predict([tmp_path / "one"], models[0], out, device="cpu")
    assert {row["label_ids"] for row in rows_of(out).values()} == {"x_labelIds.png", "x-2_labelIds.png"}
    assert len(files_in(out)) == 7


def test_files_that_nobody_explains_are_not_overwritten(models, photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "x_color.png").write_text("mine")
    predict([photos / "x.png", photos / "x.png"], models[0], out, device="cpu")
    assert (out / "x_color.png").read_text() == "mine"
    assert files_in(out) == ["predictions.csv", *(f"x-2_{ending}" for ending in ENDINGS), "x_color.png"]


def test_another_programs_table_is_refused(models, photos, tmp_path):
    (tmp_path / "predictions.csv").write_text("id,label\n1,2\n")
    with pytest.raises(RunError, match="Choose another folder"):
        predict([photos], models[0], tmp_path, device="cpu")
    assert (tmp_path / "predictions.csv").read_text() == "id,label\n1,2\n"


def test_every_kind_of_picture_is_read_or_counted_aloud(models, tmp_path):
    folder = tmp_path / "in"
    for suffix in ("gif", "ppm", "jp2", "png", "webp", "bmp", "tif"):
        photo(folder / f"a.{suffix}")
    photo(folder / "b.jfif", format="JPEG")
    photo(folder / "no_suffix", format="PNG")
    photo(folder / "odd.suffix", format="JPEG")
    frames = [Image.open(folder / "a.png").rotate(90)]
    photo(folder / "moving.gif", save_all=True, append_images=frames)
    photo(folder / "pages.tif", save_all=True, append_images=frames)
    (folder / "c.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(60))
    (folder / "phone.jpg").write_bytes(b"\0\0\0\x18ftypmif1" + bytes(60))
    (folder / "notes.txt").write_text("read me")
    (folder / "program.ts").write_text("let a = 1")
    (folder / "lost.png").symlink_to(folder / "nothing.png")
    (folder / ".DS_Store").write_bytes(b"1")
    (folder / ".a.png.x3z").write_bytes((folder / "a.png").read_bytes())  # what a killed program left
    outcome = predict([folder], models[0], tmp_path / "out", device="cpu")
    assert not outcome.failed
    assert len(outcome.predicted) == 12
    assert {made.source.name for made in outcome.predicted if made.first_frame} == {"moving.gif", "pages.tif"}
    reasons = {file.name: reason for file, reason in outcome.left_out.items()}
    assert sorted(reasons) == [".a.png.x3z", "c.heic", "lost.png", "notes.txt", "phone.jpg", "program.ts"]
    assert "pillow-heif" in reasons["c.heic"]
    assert "pillow-heif" in reasons["phone.jpg"]
    heic = predict([folder / "phone.jpg"], models[0], tmp_path / "out", device="cpu")
    assert "pillow-heif" in heic.failed[folder / "phone.jpg"]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("rtsp:/camera/1", "rtsp://camera/1: addresses aren't read"),
        ("https://a.b/c.jpg", "addresses aren't read"),
        ("0", "cameras aren't read"),
        ("seq/%03d.png", "Give the folder"),
        ("seq/*.png", "Give the folder"),
        ("none.jpg", "there is no such file"),
    ],
)
def test_inputs_that_are_not_files(models, tmp_path, given, complaint):
    with pytest.raises(DataError, match=complaint):
        predict([given], models[0], tmp_path, device="cpu", engine="auto")


@pytest.mark.parametrize(
    ("inputs", "options", "complaint"),
    [
        (["x.png"], {"data": "cityscapes", "root": "."}, "x.png: with data=cityscapes"),
        (["x.png"], {"split": "val"}, "^split: "),
        (["x.png"], {"root": "data"}, "^root: "),
        (["x.png"], {"split": "val", "root": "data"}, "^root, split: "),
        (["x.png"], {"target_size": (0, 0)}, "height and width .* found: 0 0"),
        (["x.png"], {"target_size": (-64, 64)}, "height and width"),
        (["x.png"], {"target_size": (64, 10**9)}, "height and width"),
    ],
)
def test_options_that_mean_nothing_are_refused(models, photos, tmp_path, inputs, options, complaint):
    with pytest.raises(ConfigError, match=complaint):
        predict([photos / file for file in inputs], models[0], tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_auto_passes_over_files_that_cannot_be_read(models, photos, tmp_path):
    (photos / "empty.png").write_bytes(b"")
    outcome = predict([photos], models[0], tmp_path / "out", device="cpu", engine="auto")
    assert (len(outcome.predicted), list(outcome.failed)) == (3, [photos / "empty.png"])


def test_scenes_of_a_split_with_one_name_keep_their_results(models, photos, tmp_path, monkeypatch):
    class Scenes:
        files = [  # noqa: RUF012
            type("Files", (), {"name": "same", "image": photos / file})() for file in ("x.png", "a/x.png", "x.png")
        ]

    monkeypatch.setattr(api.datasets, "create", lambda *_, **__: Scenes())
    outcome = predict([], models[0], tmp_path / "out", data="some", root="r", device="cpu")
    assert len(outcome.predicted) == 2
    assert len(list((tmp_path / "out").glob("*_labelIds.png"))) == 2


def test_a_video_that_was_cut_is_made_and_counts_as_failed(models, tmp_path, write_video):
    rng = np.random.default_rng(0)
    write_video(tmp_path / "a.mkv", [rng.integers(0, 256, (32, 48, 3), dtype=np.uint8) for _ in range(20)])
    whole = predict([tmp_path / "a.mkv"], models[0], tmp_path / "out", device="cpu")
    assert not whole.failed
    (tmp_path / "b.mkv").write_bytes((tmp_path / "a.mkv").read_bytes()[: (tmp_path / "a.mkv").stat().st_size // 2])
    for _ in range(2):
        cut = predict([tmp_path], models[0], tmp_path / "out", device="cpu", skip_existing=True)
        assert " of 20 frames" in cut.failed[tmp_path / "b.mkv"]
        assert cut.existing == [tmp_path / "a.mkv"]
    assert " of 20 frames" in rows_of(tmp_path / "out")["../b.mkv"]["problem"]


@pytest.fixture
def classifier(tmp_path) -> Path:
    facts = {"name": "classifier", "encoder": "test_resnet"}
    network = create("classifier", num_classes=3, encoder="test_resnet")
    model = ClassificationModel(network, ["red", "green", "blue"], facts, Preprocessing((32, 32)))
    model.save(tmp_path / "classes.safetensors", network.state_dict())
    return tmp_path / "classes.safetensors"


def test_answers_of_a_broken_off_folder_are_not_lost(classifier, photos, tmp_path):
    def stop(progress):
        if progress.done == 2:
            raise KeyboardInterrupt

    (photos / "a" / "empty.png").write_bytes(b"")
    with pytest.raises(KeyboardInterrupt):
        predict([photos], classifier, tmp_path / "out", device="cpu", on_progress=stop)
    answers = json.loads((tmp_path / "out" / "classes.json").read_text())
    assert list(answers) == [str(photos / "a/b/y.jpg")]
    outcome = predict([photos], classifier, tmp_path / "out", device="cpu", skip_existing=True)
    assert outcome.existing == [photos / "a/b/y.jpg"]
    assert list(outcome.failed) == [photos / "a/empty.png"]
    assert len(json.loads((tmp_path / "out" / "classes.json").read_text())) == 3
    with pytest.raises(ConfigError, match="^engine: "):
        predict([photos], classifier, tmp_path / "out", engine="openvino")


def test_a_process_killed_between_the_files_of_a_result_leaves_its_name_to_the_next(models, photos, tmp_path):
    out = tmp_path / "out"
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom sceneseg.api.predict import predict\n"
        "from sceneseg.inference import visualization\n"
        "write = visualization.write_bytes\n"
        "def kill(path, data):\n"
        "    write(path, data)\n"
        "    os.kill(os.getpid(), 9)\n"
        "visualization.write_bytes = kill\n"
        "predict([Path(sys.argv[1])], Path(sys.argv[2]), Path(sys.argv[3]), device='cpu')\n"
    )
    command = [sys.executable, "-c", code, photos / "x.png", models[0], out]
    assert subprocess.run(command, check=False).returncode == -9
    assert files_in(out) == ["predictions.csv", "x_labelIds.png"]
    predict([photos / "x.png"], models[0], out, device="cpu", skip_existing=True)
    assert files_in(out) == ["predictions.csv", "x_color.png", "x_labelIds.png", "x_overlay.jpg"]
    assert [row.problem for row in read(out / "predictions.csv")] == [""]
