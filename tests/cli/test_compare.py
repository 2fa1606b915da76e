"""`compare` as it is typed: what is scored anew, in which classes, where, and what is refused."""

from dataclasses import replace

import pytest

from sceneseg.cli.app import app
from sceneseg.config import files as config_files
from sceneseg.errors import ConfigError, RunError
from sceneseg.fetching.checks import file_sha256
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.labels import choose_space
from sceneseg.records.experiment_progress import Outcome
from sceneseg.records.locks import alone
from sceneseg.records.run_directory import (
    ComparisonDirectory,
    RunDirectory,
    read_json,
    save_weights,
    write_json,
    write_text,
)
from sceneseg.training import experiment
from small_run import make_small_run, small_config, write_weights

QUICK = ("--repetitions", 1, "--size", 32, 64)


def command(verb, *arguments):
    app([verb, *map(str, arguments)], result_action="return_value")


def compare(*arguments):
    command("compare", *arguments, *QUICK)


@pytest.fixture
def runs(toy_root, tmp_path):
    return [make_small_run(tmp_path / name, toy_root, seed) for seed, name in enumerate("ab")]


def paths(runs):
    return [run.path for run in runs]


def results(comparison):
    found = read_json(comparison.results)
    return found, {row["name"]: row for row in found["candidates"]}


def test_weights_that_were_trained_for_longer_are_scored_and_timed_anew(runs, tmp_path):
    asked = [*paths(runs), "--split", "train", "--runs", tmp_path, "--train.device", "cpu"]
    comparison = ComparisonDirectory(tmp_path / "comparison")
    compare(*asked)
    _, before = results(comparison)
    files = [run.evaluation("cityscapes-train").metrics for run in runs]
    pages = [run.report for run in runs]
    times = [file.stat().st_mtime_ns for file in (*files, *pages, comparison.latency)]
    compare(*asked)
    assert times == [file.stat().st_mtime_ns for file in (*files, *pages, comparison.latency)], "nothing has changed"

    write_weights(runs[0], seed=7)
    compare(*asked)
    _, after = results(comparison)
    assert after["a"]["mean_iou"]["value"] != before["a"]["mean_iou"]["value"]
    assert after["b"]["mean_iou"]["value"] == before["b"]["mean_iou"]["value"]
    measured = read_json(comparison.latency)["weights"]
    assert measured["a"] == {"folder": "../a", "sha256": file_sha256(runs[0].best, ProgressReporter())}
    newer = [file.stat().st_mtime_ns for file in (*files, *pages, comparison.latency)]
    assert [new != old for new, old in zip(newer, times, strict=True)] == [True, False, True, False, True]
    write_weights(runs[0], seed=8)
    compare(*asked, "--no-latency")
    assert "p50_ms" not in results(comparison)[1]["a"], "timed with other weights"


def test_an_evaluation_at_another_size_is_not_the_one_that_is_compared(runs, tmp_path):
    command("evaluate", "-w", runs[0].path, "--split", "train", "-t", 16, 32, "--device", "cpu")
    compare(*paths(runs), "--split", "train", "--runs", tmp_path, "--no-latency")
    for run in runs:
        assert read_json(run.evaluation("cityscapes-train").metrics)["protocol"]["input_size"] == "native"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["a", "b", "-m", "unet"], "models: finished runs are compared as they are"),
        (["a", "--vary", "seed=1,2", "--budget", "5m"], "vary, budget: finished runs are"),
        (["a", "--steps", "5", "--seeds", "2", "--config", "x.yaml"], "steps, seeds, config: finished runs"),
        (["a", "-e", "20", "--optim.weight-decay", "0"], "optim.weight_decay, train.epochs: finished runs"),
        (["a", "--retry"], "retry: finished runs are"),
        (["-r", "c", "--split", "test"], "split: resume continues a plan that is made"),
        (["-r", "c", "--absent", "zero"], "absent: resume continues a plan that is made"),
        (["-r", "c", "a", "b", "--score-in", "road"], "finished, score_in: resume continues"),
        (["-r", "c", "--name", "x", "--seeds", "3", "-b", "2"], "name, seeds, train.batch_size: resume continues"),
    ],
)
def test_what_would_be_ignored_is_refused(options, said):
    with pytest.raises(ConfigError, match=said):
        command("compare", *options)


def test_a_classifier_among_the_runs_has_no_score_and_stops_nobody(runs, toy_root, tmp_path):
    classifier, config = RunDirectory(tmp_path / "classifier"), replace(small_config(toy_root), task="classification")
    write_text(classifier.config, config_files.dump(config))
    write_json(classifier.metrics, {"protocol": {"dataset": "image_folder"}, "top1": 0.5, "classes": {}})
    save_weights(classifier.best, {}, {"task": "classification"})
    asked = ["--split", "train", "--train.device", "cpu", "--runs", tmp_path, "--repetitions", 1]
    command("compare", classifier.path, *paths(runs), *asked)  # at the size of the images of the others
    found, rows = results(ComparisonDirectory(tmp_path / "comparison"))
    assert rows.keys() == {"a", "b"}
    assert [row["name"] for row in found["without_score"]] == ["classifier"]
    assert found["latency"]["size"] == [64, 128]


@pytest.fixture
def untrained(toy_root, monkeypatch):
    """Experiments whose trainings end at once, with the weights of their seeds."""

    def train(config, run, seconds):
        make_small_run(run.path, toy_root, config["seed"], config["data"]["label_space"])
        return Outcome("finished")

    monkeypatch.setattr(experiment, "train_isolated", train)
    return ["-m", "separable_unet", "-p", toy_root]


def test_the_device_of_the_configuration_is_that_of_scores_and_latency(untrained, tmp_path):
    file = tmp_path / "given.yaml"
    file.write_text("train: {device: cpu}\n")
    compare(*untrained, "--config", file, "--name", "x", "--runs", tmp_path)
    comparison = ComparisonDirectory(tmp_path / "x")
    assert read_json(comparison.latency)["asked_device"] == "cpu"
    comparison.latency.unlink()
    compare("-r", comparison.path)
    assert read_json(comparison.latency)["asked_device"] == "cpu"


def vary(tmp_path, untrained, spaces, *options):
    name = spaces.replace(",", "-")
    asked = ["--vary", f"data.label_space={spaces}", "--name", name, "--runs", tmp_path, "--no-latency", *options]
    compare(*untrained, *asked)
    return ComparisonDirectory(tmp_path / name)


def test_label_spaces_are_compared_in_the_one_that_all_can_be_mapped_to(untrained, tmp_path, capsys):
    comparison = vary(tmp_path, untrained, "classes,categories", "--split", "train")
    found, rows = results(comparison)
    assert rows.keys() == {"classes", "categories"}
    assert found["protocol"]["label_space"] == "cityscapes:categories"
    assert found["protocol"]["split"] == "train"
    assert len(found["pairs"]) == 1
    said = "All are scored in cityscapes:categories, which the classes of `classes` were joined to."
    assert said in found["answer"]["details"]
    assert said.replace("`", "") in " ".join(capsys.readouterr().out.split())
    file = rows["classes"]["sources"]["mean_iou"][0]
    assert file == "classes/evaluations/cityscapes-train-categories/metrics.json"
    assert read_json(comparison.path / file)["mean_iou"] == rows["classes"]["mean_iou"]["value"]
    own = read_json(comparison.path / "classes" / "evaluations" / "cityscapes-train" / "metrics.json")
    assert rows["classes"]["mean_iou"]["value"] == own["mean_category_iou"]
    assert "in each model's own classes" in comparison.page.read_text()


def test_what_cannot_be_mapped_stays_apart_with_the_reason(untrained, tmp_path):
    found, rows = results(vary(tmp_path, untrained, "categories,road"))
    assert rows.keys() == {"categories"}
    [group] = found["apart"]
    assert [row["name"] for row in group["candidates"]] == ["road"]
    assert group["reasons"][0].startswith("Label space: cityscapes:road instead of cityscapes:categories")
    assert '"cityscapes:road" separates them' in group["reasons"][1].replace("'", ".")


def test_finished_runs_are_scored_in_the_label_space_that_is_asked_for(runs, tmp_path):
    compare(*paths(runs), "--runs", tmp_path, "--score-in", "road", "--no-latency")
    comparison = ComparisonDirectory(tmp_path / "comparison")
    found, rows = results(comparison)
    assert rows["a"]["classes"].keys() == {"road", "other"}
    assert found["protocol"]["counted_in"] == "cityscapes"
    compare("-r", comparison.path, "--no-latency")
    assert results(comparison)[1]["a"]["classes"].keys() == {"road", "other"}
    with pytest.raises(ConfigError, match='no class, category or label id "raod"'):
        compare(*paths(runs), "--runs", tmp_path, "--score-in", "raod")


def test_label_spaces_of_other_data_sets_are_left_alone(runs, tmp_path):
    other = runs[1]
    space = read_json(other.labels)
    protocol = read_json(other.metrics)["protocol"]
    write_json(other.metrics, {**read_json(other.metrics), "protocol": {**protocol, "dataset": "camvid"}})
    write_json(other.labels, {**space, "name": "camvid"})
    compare(*paths(runs), "--runs", tmp_path, "--no-latency")
    found, _ = results(ComparisonDirectory(tmp_path / "comparison"))
    assert found["together"] is None
    assert not (other.path / "evaluations").exists()


def test_the_joint_space_is_the_coarser_one():
    from sceneseg.datasets.cityscapes import LABEL_SPACE
    from sceneseg.evaluation.joint_space import joint_space

    spaces = {name: choose_space(LABEL_SPACE, name) for name in ("classes", "categories", "road", "classes+unlabeled")}
    assert joint_space([spaces["classes"], spaces["categories"]]) is spaces["categories"]
    assert joint_space([spaces["classes+unlabeled"], spaces["classes"]]) is spaces["classes"]
    assert joint_space([spaces["categories"], spaces["classes"], spaces["road"]]).name != "cityscapes"
    assert joint_space([spaces["road"], spaces["classes"]], "categories") == spaces["categories"]


def test_when_every_candidate_failed_it_ends_with_an_error(untrained, tmp_path, monkeypatch, capsys):
    outcomes = iter([Outcome("failed", "ran out of memory"), Outcome("failed", "loss is nan")])
    monkeypatch.setattr(experiment, "train_isolated", lambda config, run, seconds: next(outcomes))
    with pytest.raises(RunError, match="no candidate has come to a score"):
        compare(*untrained, "--vary", "seed=1,2", "--name", "x", "--runs", tmp_path, "--no-latency")
    said = capsys.readouterr().out
    assert "ran out of memory" in said
    assert "loss is nan" in said
    assert (tmp_path / "x" / "comparison.html").is_file()


def test_when_some_failed_the_others_are_ranked(untrained, tmp_path, monkeypatch):
    works = experiment.train_isolated

    def train(config, run, seconds):
        return Outcome("failed", "ran out of memory") if config["seed"] == 1 else works(config, run, seconds)

    monkeypatch.setattr(experiment, "train_isolated", train)
    compare(*untrained, "--vary", "seed=1,2", "--name", "x", "--runs", tmp_path, "--no-latency")
    found, rows = results(ComparisonDirectory(tmp_path / "x"))
    assert rows.keys() == {"seed-2"}
    assert [row["name"] for row in found["without_score"]] == ["seed-1"]


def test_classes_that_the_truth_lacks(runs, tmp_path):
    compare(*paths(runs), "--runs", tmp_path, "--no-latency")
    found, skipped = results(ComparisonDirectory(tmp_path / "comparison"))
    number, of = found["classes"]["number"], found["classes"]["of"]
    assert number < of == 19, "toy scenes have no trains"
    compare(*paths(runs), "--runs", tmp_path, "--absent", "zero", "--no-latency")
    found, zero = results(ComparisonDirectory(tmp_path / "comparison-2"))
    assert found["classes"]["absent"] == "zero"
    for name, row in zero.items():
        assert row["mean_iou"]["value"] == pytest.approx(skipped[name]["mean_iou"]["value"] * number / of)


def test_damaged_latencies_are_measured_anew(runs, tmp_path):
    asked = [*paths(runs), "--runs", tmp_path, "--train.device", "cpu"]
    compare(*asked)
    latency = ComparisonDirectory(tmp_path / "comparison").latency
    times = read_json(latency)["models"]["a"]
    assert times["p25_ms"] <= times["p50_ms"] <= times["p75_ms"] <= times["p95_ms"]
    latency.write_bytes(b"")
    compare(*asked)
    assert read_json(latency)["models"]["a"]["p50_ms"] > 0


def test_one_damaged_run_does_not_end_a_comparison(runs, tmp_path):
    runs[0].confusion.write_bytes(b"")
    compare(*paths(runs), "--runs", tmp_path, "--score-in", "categories", "--no-latency")
    found, _ = results(ComparisonDirectory(tmp_path / "comparison"))
    assert any(note.startswith("../a/confusion.npz is damaged and left out: expected") for note in found["notes"])
    spaces = [{row["name"] for row in group["candidates"]} for group in (found, *found["apart"])]
    assert sorted(spaces, key=str) == [{"a"}, {"b"}], "one is scored in its own classes, the other in the categories"
    runs[0].config.unlink()
    compare("-r", tmp_path / "comparison", "--no-latency")
    found, rows = results(ComparisonDirectory(tmp_path / "comparison"))
    assert rows.keys() == {"b"}


def test_a_comparison_is_made_by_one_process_at_a_time(runs, tmp_path):
    asked = [*paths(runs), "--runs", tmp_path, "--no-latency"]
    compare(*asked)
    with alone(tmp_path / "comparison"), pytest.raises(RunError, match="comparison is in use by"):
        compare(*asked)
    compare(*asked)


@pytest.mark.parametrize("name", ["a/b", "../../x", ".."])
def test_a_name_that_leads_elsewhere(runs, tmp_path, name):
    with pytest.raises(ConfigError, match="name of one folder"):
        compare(*paths(runs), "--runs", tmp_path / "all", "--name", name, "--no-latency")
    assert not (tmp_path / "all").exists()


def test_names_in_brackets_are_printed_as_they_are(toy_root, tmp_path, capsys):
    pair = [make_small_run(tmp_path / name, toy_root, 0) for name in ("[red]a", "b")]
    compare(*paths(pair), "--runs", tmp_path, "--name", "[bold]x", "--no-latency")
    said = capsys.readouterr().out
    assert "[red]a " in said
    assert "[bold]x/comparison.html" in said.replace("\n", "")
