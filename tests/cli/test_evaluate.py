"""`evaluate` scores what was asked for, says what that is, and refuses what it can't honor."""

import pytest

from sceneseg.cli.app import app
from sceneseg.errors import ConfigError, RunError
from sceneseg.records.run_directory import RunDirectory, read_json
from sceneseg.report.card import About, model_card
from small_run import make_small_run, write_weights


def evaluate(*arguments):
    app(["evaluate", *map(str, arguments)], result_action="return_value")


@pytest.fixture
def run(toy_root, tmp_path):
    """A run that keeps an evaluation of another split, the one that it was trained on."""
    made = make_small_run(tmp_path / "made", toy_root)
    evaluate("-w", made.path, "--split", "train", "--device", "cpu")
    return made


def test_counts_of_another_split_are_those_of_its_evaluation(run, tmp_path, capsys):
    file = tmp_path / "scores.json"
    for asked, split in (([], "val"), (["--split", "val"], "val"), (["-d", "cityscapes", "--split", "train"], "train")):
        evaluate("--from", run.path, *asked, "--json", file)
        kept = run.metrics if split == "val" else run.evaluation("cityscapes-train").metrics
        assert read_json(file)["mean_iou"] == read_json(kept)["mean_iou"]
        assert read_json(file)["protocol"]["split"] == split
        assert f"cityscapes {split}, {read_json(file)['protocol']['images']} images" in capsys.readouterr().out
    with pytest.raises(
        RunError, match=r"expected counts of cityscapes test, found those of cityscapes val. Score the weights"
    ):
        evaluate("--from", run.path, "--split", "test")


def test_other_classes_of_another_split_lie_beside_it(run, capsys):
    evaluate("--from", run.path, "--split", "train", "--label-space", "categories")
    assert "images, classes of cityscapes:categories" in capsys.readouterr().out
    kept = read_json(run.evaluation("cityscapes-train-categories").metrics)
    assert kept["protocol"]["split"] == "train"
    assert kept["protocol"]["counted_in"] == "cityscapes"
    evaluate("--from", run.evaluation("cityscapes-train-categories").path, "--label-space", "vehicle")
    assert run.evaluation("cityscapes-train-vehicle").metrics.is_file(), "in the run, not in the evaluation"


def test_the_size_that_the_network_saw_is_said(run, capsys):
    evaluate("-w", run.path, "--split", "train", "-t", 32, 64, "--device", "cpu")
    evaluate("--from", run.path, "--split", "train")
    assert capsys.readouterr().out.count("images, input 32 x 64\n") == 2


def test_scores_of_weights_that_are_gone_arent_taken_for_those_of_todays(run):
    card = model_card(run.path, About("made"))
    assert "cityscapes-train" in card
    write_weights(run, seed=1)
    with pytest.raises(RunError, match=r"cityscapes-train: expected scores of the weights that the run has"):
        evaluate("--from", run.path, "--split", "train")
    assert "cityscapes-train" not in model_card(run.path, About("made"))
    assert "Further evaluations" not in model_card(run.path, About("made"))
    evaluate("-w", run.path, "--split", "train", "--device", "cpu")
    evaluate("--from", run.path, "--split", "train")
    assert "| cityscapes-train |" in model_card(run.path, About("made"))


def test_a_folder_called_evaluations_may_hold_runs(toy_root, tmp_path):
    run = make_small_run(tmp_path / "evaluations" / "made", toy_root)
    assert run.home == run
    assert RunDirectory(run.evaluation("cityscapes-val").path).home == run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--from", "r", "-p", "d", "-t", "32", "64"], "target_size, root: no model runs here"),
        (["--from", "r", "--label-map", "m.yaml"], "label_map: no model runs here"),
        (["--predictions", "p", "-d", "cityscapes", "-t", "32", "64"], "target_size: no model runs here"),
        (["-w", "r", "--zip"], "only a submission is zipped"),
        (["--submission", "s", "--predictions", "p", "--json", "j"], "predictions, json: a subm"),
        (["--submission", "s", "-w", "r", "--from", "r"], "counts: a submission isn't scored"),
        (["--submission", "s", "-w", "r", "--label-space", "road"], "label_space: a submission isn't scored"),
        (["--submission", "s", "-w", "r", "--size-bands", "9", "--void", "false_positive"], "void, size_bands: "),
    ],
)
def test_what_would_be_ignored_is_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        evaluate(*options)


def test_absent_classes_may_count_as_zero(run, tmp_path, capsys):
    file = tmp_path / "scores.json"
    evaluate("--from", run.path, "--json", file)
    skip = read_json(file)
    assert skip["protocol"]["absent"] == "skip"
    assert "count 0" not in capsys.readouterr().out
    known = [scores["iou"] for scores in skip["classes"].values() if scores["iou"] is not None]
    for source in (["--from", run.path], ["-w", run.path, "--split", "val", "--device", "cpu"]):
        evaluate(*source, "--absent", "zero", "--json", file)
        zero = read_json(file)
        assert zero["protocol"]["absent"] == "zero"
        assert zero["mean_iou"] == pytest.approx(sum(known) / 19)
        assert "absent classes count 0" in capsys.readouterr().out
    assert len(known) < 19
    assert skip["mean_iou"] == pytest.approx(sum(known) / len(known))
    with pytest.raises(ConfigError, match="absent: a submission isn't scored here"):
        evaluate("--submission", tmp_path / "s", "-d", "cityscapes", "--absent", "zero")
