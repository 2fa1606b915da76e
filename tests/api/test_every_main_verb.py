"""Each verb once on the command line and once from Python: the same result, nothing printed, the same errors."""

import inspect
from pathlib import Path

import numpy as np
import pytest

import sceneseg
from sceneseg.bench.record import Record
from sceneseg.cli import bench, compare, evaluate, export, predict, train
from sceneseg.cli.app import app, main
from sceneseg.errors import ConfigError, ScenesegError
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory, load_weights, read_json
from small_run import make_small_run


@pytest.fixture(scope="module")
def run(toy_root, tmp_path_factory):
    return make_small_run(tmp_path_factory.mktemp("runs") / "small", toy_root).path


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def command(*words):
    app([str(word) for word in words], result_action="return_value")


def quiet(capfd):
    told = capfd.readouterr()
    assert told.out == ""
    return told.err == ""


def test_evaluate(run, capfd):
    command("evaluate", "-w", run, "--split", "val", "--device", "cpu", "--json", "scores.json")
    assert "IoU" in capfd.readouterr().out
    evaluation = sceneseg.evaluate(run, split="val", device="cpu")
    assert quiet(capfd)
    assert evaluation.scores.to_dict() == read_json(Path("scores.json"))
    assert evaluation.mean_iou == evaluation.scores.means["mean_iou"]
    command("evaluate", "--from", run, "--label-space", "categories", "--json", "scores.json")
    assert sceneseg.evaluate(counts=run, label_space="categories").scores.to_dict() == read_json(Path("scores.json"))


def test_submit(run, capfd):
    command("evaluate", "-w", run, "--split", "val", "--device", "cpu", "--submission", "typed", "--zip")
    assert "upload at https://www.cityscapes" in capfd.readouterr().out
    made = sceneseg.submit("called", run, split="val", device="cpu", zip=True)
    assert quiet(capfd)
    for file in made.files:
        assert file.read_bytes() == (made.folder.with_name("typed") / file.name).read_bytes()
    assert made.archive.read_bytes()[:2] == b"PK"


def test_predict(run, toy_root, capfd):
    photo = next(toy_root.rglob("*_leftImg8bit.png"))
    command("predict", photo, "-w", run, "-r", "typed", "--device", "cpu")
    assert "1 predicted" in capfd.readouterr().out
    progress = []
    made = sceneseg.predict(photo, run, "called", device="cpu", on_progress=progress.append)
    assert quiet(capfd)
    assert [(one.source, one.done, one.total) for one in progress] == [(photo, 0, 1), (None, 1, 1)]
    [predicted] = made.predicted
    assert {file.name for file in predicted.outputs} == {f"{photo.stem}_{x}" for x in ENDINGS}
    for file in predicted.outputs:
        assert file.read_bytes() == (made.results.with_name("typed") / file.name).read_bytes()


ENDINGS = ("labelIds.png", "color.png", "overlay.jpg")


def test_export(run, toy_root, capfd):
    pictures = np.stack([np.random.default_rng(0).integers(0, 255, (64, 128, 3), np.uint8)])
    asked = {"images": 2, "tolerance": 100}
    command("export", "-w", run, "--to", "torchscript", "-o", "typed.torchscript", "--images", 2, "--tolerance", 100)
    assert "get the same label" in capfd.readouterr().out
    made = sceneseg.export(run, "torchscript", out="called.torchscript", **asked)
    quiet(capfd)  # PyTorch warns
    assert made.verdict.images == 2
    typed, called = (
        sceneseg.ExportedModel.load(file).predict(pictures[0]) for file in (Path("typed.torchscript"), made.path)
    )
    assert (typed.labels == called.labels).all()


def test_benchmark(capfd):
    words = ("--engine", "eager", "--size", 32, 64, "--repetitions", 1, "--warmup", 0, "--device", "cpu")
    command("bench", "-m", "fast_scnn", *words, "--threads", 1, "--json", "typed.json")
    assert "fast_scnn" in capfd.readouterr().out
    called = sceneseg.benchmark(
        "fast_scnn", engines="eager", sizes=[(32, 64)], repetitions=1, warmup=0, device="cpu", threads=1
    )
    assert quiet(capfd)
    [one], [other] = Record.read(Path("typed.json")).results, called.results
    assert (one.name, one.engine, one.size, one.batch) == (other.name, other.engine, other.size, other.batch)
    assert other.whole.p50_ms > 0


def test_compare(run, toy_root, capfd):
    words = ("--size", 32, 64, "--repetitions", 1, "--train.device", "cpu")
    command("compare", run, "--name", "typed", *words)
    assert "mean IoU" in capfd.readouterr().out
    made = sceneseg.compare(run, name="called", size=(32, 64), repetitions=1, device="cpu")
    assert quiet(capfd)
    typed = read_json(ComparisonDirectory(made.path.with_name("typed")).results)
    [ranked] = made.ranking
    assert made.page.is_file()
    assert (ranked.name, ranked.mean_iou.value) == (
        typed["candidates"][0]["name"],
        typed["candidates"][0]["mean_iou"]["value"],
    )
    assert made.results.answer.headline == read_json(made.figures)["answer"]["headline"]
    with pytest.raises(ConfigError, match="vary: optim.momentum has no effect"):
        sceneseg.compare(models="unet", vary={"optim.momentum": [0.5, 0.9]}, root=toy_root, device="cpu")
    with pytest.raises(ConfigError, match="vary: optim.momentum has no effect"):
        sceneseg.compare(models="unet", vary="optim.momentum=0.5,0.9", root=toy_root)


def test_train(toy_root, capfd):
    words = (
        "-e",
        1,
        "-b",
        4,
        "--augment.crop-size",
        32,
        64,
        "--data.workers",
        0,
        "--train.device",
        "cpu",
        "--train.steps-per-epoch",
        2,
    )
    command("train", "-m", "separable_unet", "--model.width", 4, "-p", toy_root, "--name", "typed", *words)
    assert "best validation mean IoU" in capfd.readouterr().out
    made = sceneseg.train(
        {"name": "separable_unet", "width": 4},
        root=toy_root,
        name="called",
        epochs=1,
        batch_size=4,
        crop_size=(32, 64),
        workers=0,
        device="cpu",
        steps_per_epoch=2,
    )
    quiet(capfd)
    typed = RunDirectory(made.path.with_name("typed"))
    assert made.scores.to_dict() == read_json(typed.metrics)
    assert made.best == ("mean IoU", made.scores["mean_iou"])
    ours, theirs = load_weights(made.run.best), load_weights(typed.best)
    assert all((ours[key] == theirs[key]).all() for key in ours | theirs)


WRONG = [
    (lambda run: sceneseg.evaluate(), "weights", "evaluate", "-w, --weights"),
    (lambda run: sceneseg.evaluate(predictions=run), "data", "evaluate --predictions RUN", "-d, --data"),
    (
        lambda run: sceneseg.evaluate(counts=run, target_size=(2, 2)),
        "target_size",
        "evaluate --from RUN -t 2 2",
        "-t, --target-size",
    ),
    (lambda run: sceneseg.predict([], run), "data", "predict -w RUN", "-d, --data"),
    (lambda run: sceneseg.predict("x", run, target_size=(0, 1)), "target_size", None, None),
    (lambda run: sceneseg.export(run, out="x.xml"), "out", "export -w RUN -o x.xml", "-o, --out"),
    (
        lambda run: sceneseg.export(run, images=0, tolerance=1),
        "tolerance",
        "export -w RUN --images 0 --tolerance 1",
        "--tolerance",
    ),
    (lambda run: sceneseg.benchmark(), "models", "bench", "-m, --models"),
    (lambda run: sceneseg.benchmark("classifier"), "models", "bench -m classifier", "-m, --models"),
    (lambda run: sceneseg.compare(), "models", "compare", "-m, --models"),
    (lambda run: sceneseg.compare([run], steps=5), "steps", "compare RUN --steps 5", "--steps"),
    (lambda run: sceneseg.compare([run], epochs=5), "train.epochs", "compare RUN -e 5", "-e, --epochs"),
    (lambda run: sceneseg.train(resume=run, config="x.yaml"), "config", "train -r RUN --config x.yaml", "--config"),
    (lambda run: sceneseg.train(resume=run, lr=5), "optim.lr", "train -r RUN -l 5", "-l, --max-lr"),
]


@pytest.mark.parametrize(("call", "field", "words", "option"), WRONG)
def test_an_error_names_the_argument_and_the_command_line_its_option(
    run, capsys, monkeypatch, call, field, words, option
):
    monkeypatch.delenv("CAMVID_DATASET", raising=False)
    with pytest.raises(ScenesegError) as error:
        call(run)
    assert error.value.field == field
    assert "--" not in str(error.value)
    if words is not None:
        with pytest.raises(SystemExit) as stop:
            main(words.replace("RUN", str(run)).split())
        assert stop.value.code == 1
        assert " ".join(capsys.readouterr().err.split()).endswith(f"(option: {option})")


VERBS = [train.train, evaluate.evaluate, predict.predict, compare.compare, export.export, bench.bench]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.__name__)
def test_a_verb_of_the_command_line_parses_calls_and_prints(verb):
    source = inspect.getsource(verb)
    signature_and_docstring = source[: source.rindex('"""')].count("\n")
    assert source.count("\n") - signature_and_docstring <= 41
