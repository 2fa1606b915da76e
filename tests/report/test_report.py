"""The run report on a made-up run: complete, interrupted, large, hostile."""

import json
import shutil
import subprocess
import sys
from base64 import b64decode, b64encode
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from made_up_run import COLUMNS, CONFIG, ENVIRONMENT, make_run, write_json
from page_parser import Page
from PIL import Image

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import RunError
from sceneseg.report.run.page import write_report

SECTIONS = {"scores", "curves", "confusion", "samples", "previews", "repeat", "configuration", "environment"}
EMBEDDED = ("data:image/png;base64,", "data:image/jpeg;base64,")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run with its report; tests that change something copy it."""
    path = make_run(tmp_path_factory.mktemp("runs") / "cityscapes-fast_scnn")
    write_report(path)
    return path


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return Page(run / "report.html")


@pytest.fixture
def copy(run: Path, tmp_path: Path) -> Path:
    return shutil.copytree(run, tmp_path / "copy")


def test_every_section_is_there_and_nothing_is_said_to_be_missing(page: Page) -> None:
    assert page.ids >= SECTIONS
    assert {f"#{s}" for s in SECTIONS} <= set(page.all("a", "href"))
    assert "incomplete" not in page.text
    assert len(page.all("svg", "data-points")) == 3
    assert len(page.all("svg", "data-cells")) == 1


def test_numbers_are_those_of_metrics_json(run: Path, page: Page) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    classes, categories, evaluations = page.tables
    expected = [
        ["" if row[k] is None else str(row[k]) for k in ("iou", "iiou", "dice", "accuracy")]
        for row in metrics["classes"].values()
    ]
    assert [row[1:] for row in classes[1:-1]] == expected
    assert [row[0] for row in classes[1:-1]] == LABEL_SPACE.names
    means = ("mean_iou", "mean_iiou", "mean_dice", "class_accuracy")
    assert classes[-1] == ["Mean", *(str(metrics[k]) for k in means)]
    assert categories[-1] == ["Mean", str(metrics["mean_category_iou"]), str(metrics["mean_category_iiou"])]
    assert evaluations[1][:2] == ["camvid-test test · 233 images · 360 × 480", "0.512"]
    assert page.all("data", "value")[0] == str(metrics["mean_iou"])
    assert f"{100 * metrics['mean_iou']:.1f}%" in page.text
    assert "1.14 million" in page.text
    assert "4 min 48 s" in page.text
    assert "mean IoU · val · 500 images · 1024 × 2048" in page.text


def test_headline_says_how_the_score_came_about(copy: Path) -> None:
    metrics = json.loads((copy / "metrics.json").read_text())
    metrics["protocol"] = {"split": "val", "images": 2, "input_size": [512, 1024], "tta": "flip"}
    write_json(copy / "metrics.json", metrics)
    page = Page(write_report(copy))
    assert "mean IoU · val · 2 images · input 512 × 1024 · augmented by flip" in page.text
    assert "fast_scnn on cityscapes" in page.text  # from config.yaml, where the protocol doesn't say


def test_columns_without_a_value_are_left_out(copy: Path) -> None:
    metrics = json.loads((copy / "metrics.json").read_text())
    for row in metrics["classes"].values():
        row["iiou"] = None
    metrics |= {"categories": {}, "mean_iiou": None, "mean_category_iou": None, "mean_category_iiou": None}
    write_json(copy / "metrics.json", metrics)
    other = copy / "evaluations/camvid-test/metrics.json"
    write_json(other, json.loads(other.read_text()) | {"mean_category_iou": None})
    classes, evaluations = Page(write_report(copy)).tables
    assert classes[0] == ["Class", "IoU", "Dice", "Accuracy"]
    assert evaluations[0] == ["Evaluation", "Mean IoU", "Pixel accuracy"]


def test_curves_show_each_epoch_and_each_validation(page: Page) -> None:
    loss, mean_iou, rate = (json.loads(points) for points in page.all("svg", "data-points"))
    assert [len(loss), len(mean_iou)] == [30, 10]
    assert {f"epoch {i}" for i in range(1, 31)} < {text.split(":")[0] for _, text, _ in rate}
    assert mean_iou[0][1].startswith("epoch 3: ")
    assert mean_iou[-1][0] == loss[-1][0] == rate[-1][0]  # one axis for all
    heights = [heights[0] for _, _, heights in mean_iou]
    assert heights[0] > heights[-1]  # y points down


def test_confusion_is_normalized_by_truth_and_told_in_words(run: Path, page: Page) -> None:
    cells = json.loads(page.all("svg", "data-cells")[0])
    counts = np.load(run / "confusion.npz")["confusion"].sum(0)[:19, :19]
    shares = counts / counts.sum(1, keepdims=True)
    np.testing.assert_array_equal(cells["permille"], np.rint(1000 * shares))
    assert cells["columns"] == LABEL_SPACE.names  # nothing was predicted void
    np.fill_diagonal(shares, 0)
    truth, prediction = np.unravel_index(shares.argmax(), shares.shape)
    names = LABEL_SPACE.names
    assert f"{100 * shares.max():.1f} %of {names[truth]} is taken for {names[prediction]}" in page.text


def test_void_predictions_have_a_column(copy: Path) -> None:
    confusion = np.zeros((1, 20, 20), np.int64)
    confusion[0, 0, 0], confusion[0, 0, 19], confusion[0, 19, 0] = 75, 25, 1000
    np.savez(copy / "confusion.npz", names=np.array(["a"]), confusion=confusion)
    page = Page(write_report(copy))
    cells = json.loads(page.all("svg", "data-cells")[0])
    assert cells["columns"][-1] == "void"
    assert cells["permille"][0][0] == 750
    assert "25.0 %of road is taken for void" in page.text


def test_pictures_are_embedded_and_masks_keep_their_colors(run: Path, page: Page) -> None:
    pictures = [a for name, a in page.tags if name == "img"]
    assert len(pictures) == 6 * 3 + 10
    assert all(a["src"].startswith(EMBEDDED) and a["alt"] for a in pictures)
    truth = next(a["src"] for a in pictures if a.get("class") == "truth")
    decoded = cv2.imdecode(np.frombuffer(b64decode(truth.split(",")[1]), np.uint8), cv2.IMREAD_COLOR)
    stored = cv2.imread(str(run / "samples" / "frankfurt_000000_000000_truth.png"))
    np.testing.assert_array_equal(decoded, stored)


def test_page_is_offline_and_runs_only_its_own_script(page: Page) -> None:
    fetched = [a[k] for _, a in page.tags for k in ("src", "href", "srcset", "action", "data") if k in a]
    assert all(value.startswith(("data:", "#")) for value in fetched)
    assert not {name for name, _ in page.tags} & {"iframe", "object", "embed", "base", "form"}
    style = (Path(__file__).parents[2] / "src/sceneseg/report/templates/page.css").read_text()
    assert "url(" not in style
    assert "@import" not in style
    [policy] = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert len(page.scripts) == 1
    assert f"'sha256-{b64encode(sha256(page.scripts[0].encode()).digest()).decode()}'" in policy


def test_commands_can_be_repeated(copy: Path) -> None:
    spaced = copy.rename(copy.with_name("my run"))
    page = Page(write_report(spaced))
    assert f"sceneseg train --config '{spaced}/config.yaml'" in page.text
    assert ENVIRONMENT["command"] in page.text


def test_real_scenes(shared_data: Path, tmp_path: Path) -> None:
    path = make_run(tmp_path / "real", scenes=shared_data / "cityscapes", size=(512, 1024), samples=3)
    file = write_report(path)
    assert file.stat().st_size < 2_000_000
    assert len(Page(file).all("img", "src")) == 3 * 3 + 10


def test_large_inputs_stay_under_two_megabytes(copy: Path) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (500, 1000, 3), np.uint8)
    for i in range(9):
        stem = copy / "samples" / f"noise{i}"
        cv2.imwrite(f"{stem}_image.jpg", np.roll(noise, i))
        Image.fromarray(noise[..., 0] % 19, "L").save(f"{stem}_truth.png", compress_level=1)
        cv2.imwrite(f"{stem}_prediction.png", noise, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    for epoch in range(100, 120):
        shutil.copy(copy / "samples" / "noise0_image.jpg", copy / "previews" / f"epoch_{epoch:04d}.png")
    (copy / "samples" / "samples.json").write_text("[]")
    rows = "".join(f"{i},{i},{i},{i},0.1,{1 / i},100,0,{i / 30000},0.5\n" for i in range(1, 20001))
    (copy / "history.csv").write_text(",".join(COLUMNS) + "\n" + rows)
    (copy / "config.yaml").write_text("model: {name: fast_scnn}\n" + "# a long comment\n" * 50_000)
    file = write_report(copy)
    assert file.stat().st_size < 2_000_000
    page = Page(file)
    assert page.ids >= SECTIONS
    assert len(page.all("img", "src")) >= 3 * 4 + 5
    assert "of 15 are shown" in page.text
    assert "of 30 are shown" in page.text
    assert "the file is longer" in page.text


@pytest.mark.parametrize(
    ("file", "section", "said"),
    [
        ("metrics.json", "scores", "scores: metrics.json"),
        ("history.csv", "curves", "learning curves: history.csv"),
        ("confusion.npz", "confusion", "confusion matrix: confusion.npz"),
        ("labels.json", "confusion", "class colors: labels.json"),
        ("environment.json", "environment", "environment: environment.json"),
        ("samples", "samples", "samples: samples"),
        ("previews", "previews", "previews: previews"),
    ],
)
@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_interrupted_run_leaves_the_section_out_and_says_so(
    copy: Path, file: str, section: str, said: str, damage: str
) -> None:
    path = copy / file
    if path.is_dir():
        shutil.rmtree(path)
        if damage == "cut short":
            path.mkdir()
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:9])
    page = Page(write_report(copy))
    assert page.ids & SECTIONS == SECTIONS - {section}
    assert f"{said} {'isn' if damage == 'missing' else 'can'}" in page.text


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("metrics.json", "[1, 2]"),
        ("metrics.json", '{"classes": {"road": 0.9}}'),
        ("metrics.json", '{"classes": {"road": {"iou": "<b>"}}}'),
        ("labels.json", '{"name": "x", "classes": [{"name": "road"}]}'),
        ("history.csv", "epoch,loss\n"),
        ("history.csv", "epoch,loss\n1,high\n"),
        ("environment.json", '"linux"'),
    ],
)
def test_files_of_another_kind_are_named_not_shown(copy: Path, file: str, content: str) -> None:
    (copy / file).write_text(content)
    report = write_report(copy)
    assert f"{file} can't be read: " in Page(report).text
    assert "'<b>'" not in report.read_text()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\xff\xfe\x00", b"[" * 100_000])
@pytest.mark.parametrize("file", ["confusion.npz", "history.csv", "environment.json", "metrics.json", "labels.json"])
def test_damaged_files_are_called_damaged(copy: Path, file: str, content: bytes) -> None:
    (copy / file).write_bytes(content)
    text = Page(write_report(copy)).text
    said = text[text.index(f"{file} can't be read: ") :]
    assert said.index("(the file is damaged)") < 300


def test_a_file_that_is_missing_is_not_called_damaged(copy: Path) -> None:
    (copy / "history.csv").unlink()
    text = Page(write_report(copy)).text
    assert "history.csv isn't there" in text
    assert "damaged" not in text


def test_damaged_picture_costs_only_its_sample(copy: Path) -> None:
    (copy / "samples" / "frankfurt_000000_000002_prediction.png").write_bytes(b"not a picture")
    page = Page(write_report(copy))
    assert "5 of 6 are shown" in page.text
    assert "frankfurt_000000_000002" not in page.text


def test_first_epoch_alone_and_a_loss_that_diverged(copy: Path) -> None:
    (copy / "history.csv").write_text("epoch,loss,lr,mean_iou\n1,nan,0.1,\n")
    page = Page(write_report(copy))
    assert "last nan" in page.text
    assert page.all("svg", "data-points")[0] == "[]"


def test_only_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("model: {name: unet}\n")
    page = Page(write_report(tmp_path))
    assert page.ids & SECTIONS == {"repeat", "configuration"}
    assert "unet on unknown data" in page.text


@pytest.mark.parametrize("exists", [True, False])
def test_folder_without_configuration_is_refused(tmp_path: Path, exists: bool) -> None:
    path = tmp_path if exists else tmp_path / "nothing"
    with pytest.raises(RunError, match=r"(has no config\.yaml|doesn't exist).*sceneseg train"):
        write_report(path)


EVIL = "\"><script>alert(1)</script><img src=x onerror='alert(1)'>{{ 7 * 7 }}"


def test_whatever_comes_from_files_is_escaped(copy: Path, page: Page) -> None:
    labels = LABEL_SPACE.to_dict()
    labels["classes"][0]["name"] = EVIL
    write_json(copy / "labels.json", labels)
    metrics = json.loads((copy / "metrics.json").read_text())
    metrics["classes"] = {EVIL if k == "road" else k: v for k, v in metrics["classes"].items()}
    metrics["protocol"] = {
        k: EVIL if k not in ("images", "size", "void", "tta") else v for k, v in metrics["protocol"].items()
    }
    write_json(copy / "metrics.json", metrics)
    words = {key: EVIL if isinstance(value, str) else value for key, value in ENVIRONMENT.items()}
    write_json(copy / "environment.json", words | {"packages": {EVIL: EVIL}})
    (copy / "config.yaml").write_text(yaml.safe_dump(CONFIG | {"model": {"name": EVIL}, "loss": {EVIL: 1.0}}))
    samples = json.loads((copy / "samples" / "samples.json").read_text())
    evil_name = EVIL.replace("/", "")
    for file in list((copy / "samples").glob(f"{samples[0]['name']}_*")):
        file.rename(file.with_name(file.name.replace(samples[0]["name"], evil_name)))
    samples[0]["name"] = evil_name
    write_json(copy / "samples" / "samples.json", samples)
    hostile = Page(write_report(copy.rename(copy.with_name(evil_name))))

    def shape(page: Page) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for name, attributes in page.tags:
            if name not in ("div", "dt", "dd", "path", "text", "li", "data", "b", "span", "strong"):
                found[" ".join([name, *attributes])] += 1
        return found

    assert shape(hostile) == shape(page)
    assert hostile.text.count("alert(1)") > 10
    assert "{{ 7 * 7 }}" in hostile.text


def test_failed_writing_keeps_the_page_that_was_there(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = sorted(copy.iterdir()), (copy / "report.html").read_bytes()

    def full(path: Path, text: str, **_: Any) -> int:
        path.write_bytes(text[:1000].encode())
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space left"):
        write_report(copy)
    assert (sorted(copy.iterdir()), (copy / "report.html").read_bytes()) == before


def test_same_run_gives_the_same_page(run: Path, copy: Path) -> None:
    first = (copy / "report.html").read_bytes()
    (copy / "report.html").unlink()
    again = write_report(copy).read_bytes()
    assert (
        again.replace(str(copy).encode(), str(run).encode())
        .replace(b">copy<", b">cityscapes-fast_scnn<")
        .replace(b">copy \xc2", b">cityscapes-fast_scnn \xc2")
        == first
    )


def test_report_imports_no_torch() -> None:
    code = "import sys, sceneseg.report.run.page; assert not {'torch', 'timm', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
