"""The command line as a user meets it: one run from training to report, and what happens to mistakes."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import sceneseg
from sceneseg.records.run_directory import RunDirectory


def sceneseg_cli(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "sceneseg.cli.app", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200"},
    )
    assert code in (done.returncode, done.returncode and "any"), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def run(toy_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    out = sceneseg_cli(
        *("train", "-m", "unet", "--model.width", 4, "--model.depth", 2, "-d", "cityscapes", "-p", toy_root),
        *("-b", 2, "-e", 2, "-l", 0.003, "--augment.crop-size", 32, 48, "--runs", folder, "--name", "tiny"),
    )
    assert "report.html" in out
    return RunDirectory(folder / "tiny")


def test_a_run_leaves_everything(run):
    expected = ["config.yaml", "environment.json", "history.csv", "metrics.json", "confusion.npz", "state.ckpt"]
    expected += ["report.html", "weights/best.safetensors", "weights/last.safetensors", "previews/epoch_0002.png"]
    assert not [name for name in expected if not (run.path / name).is_file()]
    assert list((run.path / "tensorboard").glob("events*"))
    config = run.load_config()
    assert config.model == {"name": "unet", "width": 4, "depth": 2}
    assert config.optim.lr == 0.003
    model = json.loads(run.model.read_text())
    assert model["parameters"] == sum(p.numel() for p in sceneseg.load(run.path).network.parameters())


def test_metrics_have_the_promised_form(run):
    metrics = json.loads(run.metrics.read_text())
    means = {"mean_iou", "mean_iiou", "mean_category_iou", "mean_category_iiou", "mean_dice"}
    assert means | {"protocol", "pixel_accuracy", "class_accuracy", "classes", "categories"} == metrics.keys()
    assert metrics["classes"].keys() >= {"road", "bicycle"}
    assert metrics["classes"]["road"].keys() == {"iou", "iiou", "dice", "accuracy"}
    assert metrics["categories"]["vehicle"].keys() == {"iou", "iiou"}


def test_evaluate_repeats_the_scores_of_training(run, tmp_path):
    out = sceneseg_cli("evaluate", "-w", run.path, "--json", tmp_path / "scores.json")
    assert "road" in out
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores == json.loads(run.metrics.read_text())
    assert (run.path / "evaluations" / "cityscapes-val" / "confusion.npz").is_file()


def test_evaluate_of_the_truth_is_one_and_of_void_is_zero(toy_root, tmp_path):
    truth = sorted((toy_root / "gtFine" / "val").rglob("*_labelIds.png"))
    sceneseg_cli(
        *("evaluate", "--predictions", toy_root / "gtFine" / "val", "-d", "cityscapes", "-p", toy_root),
        *("--json", tmp_path / "one.json"),
    )
    void = tmp_path / "void"
    void.mkdir()
    for file in truth:
        Image.fromarray(np.zeros_like(np.array(Image.open(file)))).save(void / file.name)
    sceneseg_cli(
        "evaluate", "--predictions", void, "-d", "cityscapes", "-p", toy_root, "--json", tmp_path / "zero.json"
    )
    for name, value in (("one", 1.0), ("zero", 0.0)):
        scores = json.loads((tmp_path / f"{name}.json").read_text())
        found = [scores[k] for k in scores if k != "protocol" and not isinstance(scores[k], dict)]
        found += [v for part in ("classes", "categories") for row in scores[part].values() for v in row.values()]
        assert {v for v in found if v is not None} == {value}


def test_predict_photos_of_any_size(run, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (61, 83, 3), dtype=np.uint8)).save(photos / "a.jpg")
    Image.fromarray(rng.integers(0, 256, (40, 120), dtype=np.uint8)).save(photos / "gray.png")
    sceneseg_cli("predict", "-w", run.path, photos, "-r", tmp_path / "out")
    ids = np.array(Image.open(tmp_path / "out" / "a_labelIds.png"))
    assert ids.shape == (61, 83)
    with Image.open(tmp_path / "out" / "a_color.png") as color:
        assert color.mode == "P"
    assert (tmp_path / "out" / "gray_overlay.jpg").is_file()


@pytest.mark.parametrize(("pictures", "engine"), [(2, "torch"), (20, "openvino")])
def test_auto_compiles_where_it_pays(run, tmp_path, pictures, engine):
    pytest.importorskip("openvino")
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(pictures):
        Image.fromarray(np.full((64, 96, 3), 90, np.uint8)).save(photos / f"{number}.png")
    said = sceneseg_cli(
        *("predict", "-w", run.path, photos, "--engine", "auto", "--device", "cpu", "-r", tmp_path / "out")
    )
    assert f"computed by {engine}" in said
    assert len(list((tmp_path / "out").glob("*_labelIds.png"))) == pictures


def test_predict_a_video(run, tmp_path, write_video):
    av = pytest.importorskip("av")
    clips = tmp_path / "clips"
    clips.mkdir()
    write_video(clips / "street.mp4", [np.full((64, 96, 3), level, np.uint8) for level in (0, 60, 120)])
    Image.fromarray(np.full((64, 96, 3), 90, np.uint8)).save(clips / "street.png")
    said = sceneseg_cli("predict", "-w", run.path, clips, "--device", "cpu", "-r", tmp_path / "out")
    assert "1 predicted" in said
    assert "street.mp4: 3 frames, " in said
    results = ["street-2_color.png", "street-2_labelIds.png", "street-2_overlay.jpg", "street_overlay.mp4"]
    names = ["predictions.csv", *results]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == names
    with av.open(str(tmp_path / "out" / "street_overlay.mp4")) as video:
        assert video.streams.video[0].average_rate == 10
        assert [(f.height, f.width) for f in video.decode(video=0)] == [(64, 96)] * 3


def test_predict_says_what_it_left_out_and_ends_with_1(run, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(np.full((64, 96, 3), 90, np.uint8)).save(photos / "a.png")
    (photos / "b.heic").write_bytes(b"....ftypheic")
    (photos / "empty.png").write_bytes(b"")
    asked = ("predict", "-w", run.path, photos, "--device", "cpu", "-r", photos / "out")
    said = " ".join(sceneseg_cli(*asked, code=1).split())
    for words in ("1 predicted", "1 of 2 files", "empty.png: can't be", "b.heic (HEIC isn't read", "pillow-heif"):
        assert words in said
    (photos / "empty.png").unlink()
    said = sceneseg_cli(*asked, "--skip-existing")
    assert "1 left out: the results were there already" in said
    assert "4 left out: results of earlier predictions" in said


def test_predict_a_split_from_the_weights_alone(run, toy_root, tmp_path):
    sceneseg_cli(
        *("predict", "-w", run.best, "-d", "cityscapes", "-p", toy_root, "--split", "test", "-r", tmp_path / "out")
    )
    names = {p.name for p in (tmp_path / "out").glob("*_labelIds.png")}
    images = {p.name for p in (toy_root / "leftImg8bit" / "test").rglob("*.png")}
    assert names == {n.replace("leftImg8bit", "labelIds") for n in images}


def test_python_says_the_same_as_the_command_line(run, toy_root, tmp_path):
    photo = next((toy_root / "leftImg8bit" / "val").rglob("*.png"))
    result = sceneseg.load(run.path).predict(photo)
    assert result.probabilities.shape == (19, *result.labels.shape)
    assert np.allclose(result.probabilities.sum(0), 1, atol=1e-4)
    assert (result.probabilities.argmax(0) == result.labels).mean() > 0.999
    assert result.overlay(legend=False).shape == (*result.labels.shape, 3)
    result.save(tmp_path)
    sceneseg_cli("predict", "-w", run.path, photo, "-r", tmp_path / "cli")
    written = [np.array(Image.open(f / f"{photo.stem}_labelIds.png")) for f in (tmp_path, tmp_path / "cli")]
    assert np.array_equal(*written)


def test_the_stored_configuration_repeats_the_run(run, tmp_path):
    sceneseg_cli("train", "--config", run.config, "--runs", tmp_path)
    again = RunDirectory(tmp_path / "tiny")
    assert again.last.read_bytes() == run.last.read_bytes()


def test_typed_options_win_over_the_file(run, tmp_path):
    sceneseg_cli("train", "--config", run.config, "--runs", tmp_path, "-e", 1, "--model.width", 8, "--name", "other")
    config = RunDirectory(tmp_path / "other").load_config()
    assert (config.train.epochs, config.train.batch_size) == (1, 2)
    assert config.model == {"name": "unet", "width": 8, "depth": 2}


def test_summary():
    out = sceneseg_cli("summary", "-m", "fast_scnn", "--size", 1024, 2048)
    assert "1,138,051" in out
    assert "1,157,174" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "-m", "fast_scn", "-p", "."), 'Did you mean "fast_scnn"'),
        (("train", "--optim.lrr", "1"), "Did you mean --optim.lr?"),
        (("train", "-d", "citscapes"), 'Did you mean "cityscapes"'),
        (("train", "-d", "camvid"), "No folder given for camvid"),
        (("tran",), "Did you mean"),
        (("evaluate", "-w", "runs/none"), "no such weights file"),
        (("evaluate",), "Expected one of weights (a run or weights file)"),
        (("summary", "-m", "unet", "--model.depht", "3"), 'Did you mean "depth"'),
        (("report", "nowhere"), "nowhere"),
        (("compare",), "Give run directories, models"),
        (("compare", "-m", "unet,fast_scn", "-p", "."), 'Did you mean "fast_scnn"'),
        (("compare", "nowhere"), "nowhere"),
    ],
)
def test_mistakes_get_one_sentence(arguments, message):
    assert message in " ".join(sceneseg_cli(*arguments, code="any").replace("│", " ").split())


@pytest.mark.slow
def test_help_is_quick():
    for verb in ("train", "evaluate", "predict", "report", "summary", "data toy"):
        best = 9.0
        for _ in range(5):
            start = time.perf_counter()
            sceneseg_cli(*verb.split(), "--help")
            best = min(best, time.perf_counter() - start)
        assert best < 0.3, verb


def test_the_augmentation_can_be_looked_at(toy_root, tmp_path):
    out = tmp_path / "augmentation.png"
    sceneseg_cli("data", "view", "-d", "cityscapes", "-p", toy_root, "--augment", "--out", out)
    picture = np.asarray(Image.open(out))
    assert picture.shape[1] > 1400
    assert picture.std() > 20
