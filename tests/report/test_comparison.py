"""The comparison: what is ranked, what is kept apart, and that the page says what the files say."""

import json
import shutil
from base64 import b64encode
from hashlib import sha256

import pytest
from made_up_comparison import IMAGES, change, make_comparison
from page_parser import Page

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import RunError
from sceneseg.metrics.confusion import ImageCounts, SemanticCounts
from sceneseg.metrics.scores import semantic_scores
from sceneseg.records.run_directory import ComparisonDirectory, save_weights
from sceneseg.report.comparison.page import MAX_BYTES, write_comparison

SECTIONS = {"costs", "ranking", "differences", "classes", "scenes", "curves", "how", "files"}
QUALITIES = {"quick": 0.0, "good": 0.5, "same": 0.505, "odd": 0.9}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three comparable candidates and one that was scored by another rule."""
    folder = tmp_path_factory.mktemp("runs") / "question"
    comparison = make_comparison(folder, QUALITIES, odd={"void": "false_positive"})
    write_comparison(comparison.path)
    return comparison


@pytest.fixture
def copy(made, tmp_path):
    return ComparisonDirectory(shutil.copytree(made.path, tmp_path / "copy"))


def results(comparison):
    return json.loads(comparison.results.read_text())


def file_digest(file):
    return sha256(file.read_bytes()).hexdigest()


def rewritten(comparison):
    write_comparison(comparison.path)
    return results(comparison), Page(comparison.page)


def test_best_first_and_the_front_is_marked(made):
    found = results(made)["candidates"]
    assert [row["name"] for row in found] == ["same", "good", "quick"]
    assert [row["pareto"] for row in found] == [True, True, True]
    for row in found:
        assert row["mean_iou"]["low"] < row["mean_iou"]["value"] < row["mean_iou"]["high"]


def test_a_small_steady_lead_is_real_and_the_answer_says_so(made):
    found = results(made)
    pairs = {(p["better"], p["worse"]): p for p in found["pairs"]}
    assert pairs.keys() == {("same", "good"), ("same", "quick"), ("good", "quick")}
    assert all(p["real"] and p["low"] < p["difference"] < p["high"] for p in pairs.values())
    assert pairs["same", "good"]["difference"] < 0.01, "far less than each one's own interval"
    assert found["answer"]["best"] == "same"
    assert found["answer"]["fastest"] == "quick"
    assert found["answer"]["near"] == "same", "good is not faster than it beyond the spread"


def test_another_protocol_is_kept_apart_with_its_reason(made):
    found = results(made)
    assert [row["name"] for group in found["apart"] for row in group["candidates"]] == ["odd"]
    assert found["apart"][0]["reasons"] == ["Void: false_positive instead of ignore"]
    assert "odd" not in {name for pair in found["pairs"] for name in (pair["better"], pair["worse"])}
    text = " ".join(Page(made.page).text.split())
    assert "Not comparable with these: odd Scored by another protocol: Void: false_positive instead of ignore" in text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("split_hash", "0"),
        ("absent", "zero"),
        ("scorer", "sceneseg 9"),
        ("size", [1, 2]),
        ("tta", "flip"),
        ("label_space", "categories"),
    ],
)
def test_whatever_the_measure_depends_on_keeps_apart(copy, key, value):
    file = copy.run("quick").metrics
    change(file, protocol=json.loads(file.read_text())["protocol"] | {key: value})
    found, _ = rewritten(copy)
    assert [row["name"] for row in found["candidates"]] == ["same", "good"]
    assert [len(group["candidates"]) for group in found["apart"]] == [1, 1]


def test_another_truth_keeps_apart_and_an_unknown_one_does_not(copy):
    """Scores of earlier versions say nothing of the labels' content."""
    for name, found in (("same", "s-1"), ("good", "s-1"), ("quick", "s-2"), ("odd", "s-1")):
        file = copy.run(name).metrics
        change(file, protocol=json.loads(file.read_text())["protocol"] | {"labels_hash": found})
    found, _ = rewritten(copy)
    assert [row["name"] for row in found["candidates"]] == ["same", "good"]
    assert ["The labels of the images were others"] in [group["reasons"] for group in found["apart"]]
    file = copy.run("quick").metrics
    protocol = json.loads(file.read_text())["protocol"]
    del protocol["labels_hash"]
    change(file, protocol=protocol)
    assert len(rewritten(copy)[0]["candidates"]) == 3


@pytest.mark.parametrize(("key", "value"), [("input_size", [512, 1024]), ("precision", "bf16-mixed")])
def test_what_belongs_to_the_candidate_does_not(copy, key, value):
    file = copy.run("quick").metrics
    change(file, protocol=json.loads(file.read_text())["protocol"] | {key: value})
    assert len(rewritten(copy)[0]["candidates"]) == 3


def test_every_section_is_there(made):
    page = Page(made.page)
    assert page.ids >= SECTIONS
    assert {f"#{section}" for section in SECTIONS} <= set(page.all("a", "href"))
    assert len(page.all("svg", "data-scatter")) == 3  # latency, size, operations; training is equal
    assert len(page.all("button", "data-of")) == 3 * 5
    assert made.page.stat().st_size < MAX_BYTES


def test_every_figure_names_a_file_that_is_there(made):
    for row in results(made)["candidates"]:
        assert row["sources"].keys() >= {"mean_iou", "interval", "parameters", "gmacs", "training_seconds", "p50_ms"}
        for files in row["sources"].values():
            assert files
            assert all((made.path / file).is_file() for file in files)
    metrics = json.loads(made.run("good").metrics.read_text())
    good = next(row for row in results(made)["candidates"] if row["name"] == "good")
    assert good["mean_iou"]["value"] == metrics["mean_iou"]
    assert good["classes"] == {name: c["iou"] for name, c in metrics["classes"].items()}
    ranking = Page(made.page).tables[0]
    assert [row[0].split()[0] for row in ranking[1:]] == ["same", "good", "quick"]
    assert ranking[2][1].strip() == f"{100 * metrics['mean_iou']:.1f}"


def test_differences_from_the_best_are_drawn_beside_zero(made):
    page = Page(made.page)
    said = [s for s in page.all("div", "aria-label") if " points, 95 % interval" in s]
    assert len(said) == 2
    assert all(s.startswith("−") for s in said)
    assert [kind for kind in page.all("i", "class") if kind == "zero"] == ["zero"] * 2
    assert page.tables[2][0][0] == "Points from same"  # behind the ranking and those apart


def test_what_costs_the_same_is_said_instead_of_drawn(made):
    text = Page(made.page).text
    assert "About the same for all, so not drawnTraining4 min 48 s" in text


def test_a_budget_of_time_leaves_no_chart_of_training(copy):
    for name, seconds in (("quick", "100"), ("good", "300")):
        history = copy.run(name).history
        head, *rows = history.read_text().splitlines()
        cells = [row.split(",") for row in rows]
        history.write_text("\n".join([head, *(",".join([*c[:3], seconds, *c[4:]]) for c in cells)]) + "\n")
    assert "Training1 min 40 s to 5 min" in rewritten(copy)[1].text
    change(copy.plan, budget={"kind": "steps", "amount": 100})
    assert len(rewritten(copy)[1].all("svg", "data-scatter")) == 4


def test_scenes_have_a_legend(made):
    text = " ".join(Page(made.page).text.split())
    assert all(f"{name}" in text.split("The same scenes")[1].split("Learning curves")[0] for name in LABEL_SPACE.names)


def test_the_machine_is_said_once_when_all_was_done_there(made, copy):
    assert "Training and latency on NVIDIA H100 80GB HBM3" in Page(made.page).text
    environment = json.loads(copy.run("quick").environment.read_text())
    copy.run("quick").environment.write_text(json.dumps(environment | {"gpu": None, "cpu": "a laptop"}))
    _, page = rewritten(copy)
    assert "Training of quick on a laptop" in page.text
    assert "Training of same, good and latency" in page.text or "Training of good, same and latency" in page.text


def test_curves_say_on_which_split(made):
    assert {"Mean IoU on val by training", "Training loss by training"} <= set(Page(made.page).all("svg", "aria-label"))


def test_files_are_linked(made):
    links = [
        link for link in Page(made.page).all("a", "href") if not link.startswith("#") and "report.html" not in link
    ]
    assert "comparison.json" in links
    assert "good/confusion.npz" in links
    assert all((made.path / link).exists() for link in links)


def test_the_page_needs_no_network(made):
    page = Page(made.page)
    assert all(uri.startswith(("data:image/", "data:,")) for uri in page.all("img", "src"))
    policy = next(a["content"] for t, a in page.tags if t == "meta" and "http-equiv" in a)
    digest = b64encode(sha256("".join(page.scripts).encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


@pytest.mark.parametrize(
    ("noted", "said"),
    [
        ({"state": "failed", "reason": "ran out of memory (tried to allocate 3 GB)"}, "ran out of memory"),
        ({"state": "interrupted", "reason": "interrupted"}, "interrupted: 30 of 30 parts of its training are done"),
    ],
)
def test_a_candidate_that_failed_is_shown_with_the_reason(copy, noted, said):
    copy.progress.write_text(json.dumps({"runs": {"same": noted}}))
    found, page = rewritten(copy)
    assert [row["name"] for row in found["candidates"]] == ["good", "quick"]
    assert found["without_score"][0]["name"] == "same"
    assert said in page.text


def test_one_that_never_began_and_one_without_counts(copy):
    shutil.rmtree(copy.run("same").path)
    copy.run("quick").confusion.unlink()
    found, page = rewritten(copy)
    assert found["without_score"][0]["reason"] == "not trained yet"
    assert found["candidates"][1]["mean_iou"]["low"] is None
    assert found["pairs"] == []
    assert "certainty needs the counts" in page.text
    assert "Most accurate" not in page.text


def test_nothing_finished_yet(copy):
    for name in QUALITIES:
        shutil.rmtree(copy.run(name).path)
    found, page = rewritten(copy)
    assert found["answer"]["headline"] == "No candidate has come to a score yet."
    assert page.text.count("not trained yet") == 4


def test_without_latency(copy):
    copy.latency.unlink()
    found, page = rewritten(copy)
    assert "How fast they predict was not measured." in page.text
    assert found["answer"]["fastest"] is None
    assert "latency.json" not in page.text


def test_seeds_are_one_candidate_with_a_spread(copy):
    plan = json.loads(copy.plan.read_text())
    one, other = plan["candidates"][1], plan["candidates"][2]
    one["runs"] += other["runs"]
    plan["candidates"] = [plan["candidates"][0], one]
    copy.plan.write_text(json.dumps(plan))
    found, page = rewritten(copy)
    best = found["candidates"][0]
    assert best["mean_iou"]["value"] == pytest.approx(sum(best["mean_iou"]["seeds"]) / 2)
    assert best["sources"]["mean_iou"] == ["good/metrics.json", "same/metrics.json"]
    assert "seeds" in page.text


def test_time_of_training_is_that_of_the_trainings_that_came_to_a_score(copy):
    plan = json.loads(copy.plan.read_text())
    one = plan["candidates"][1]
    one["runs"] += plan["candidates"][2]["runs"] + plan["candidates"][0]["runs"]  # good, same and quick
    copy.plan.write_text(json.dumps(plan | {"candidates": [one]}))
    copy.progress.write_text(json.dumps({"runs": {"quick": {"state": "failed", "reason": "x"}}}))
    for name, seconds in (("good", 100), ("same", 200), ("quick", 900)):
        history = copy.run(name).history
        head, *rows = history.read_text().splitlines()
        history.write_text(
            "\n".join([head, *(",".join([*r.split(",")[:3], str(seconds), *r.split(",")[4:]]) for r in rows)])
        )
    found, page = rewritten(copy)
    [row] = found["candidates"]
    assert row["training_seconds"] == 150
    assert row["sources"]["training_seconds"] == ["good/history.csv", "same/history.csv"]
    assert {"figures": "Trainings without a score", "files": ["progress.json"]} in found["sources"]
    assert "progress.json" in page.all("a", "href")


def test_every_file_is_listed_with_what_it_says(made):
    listed = {title: source["files"] for source in results(made)["sources"] for title in source["figures"].split(", ")}
    names = ["same", "good", "quick", "odd"]  # those that are shown apart too
    assert listed["Budget"] == ["plan.json"]
    assert listed["Mean IoU"] == [f"{name}/metrics.json" for name in names]
    assert listed["Learning curves"] == listed["Training time"] == [f"{name}/history.csv" for name in names]
    assert listed["Configurations"] == [f"{name}/config.yaml" for name in names]
    assert listed["Machines"] == [*(f"{name}/environment.json" for name in names), "latency.json"]
    assert listed["Scores of the scenes"] == [f"{name}/samples/samples.json" for name in names]
    page = Page(made.page)
    links = page.all("a", "href")
    assert all(file in links for files in listed.values() for file in files)
    titles = [attributes.get("title") for tag, attributes in page.tags if tag == "td"]
    assert {"odd/metrics.json", "odd/confusion.npz"} <= set(titles)
    assert titles.count("latency.json") == 4 * 1 + 3 * 2, "latency of all four; p95 and memory of those in the ranking"


def test_another_split_is_read_from_its_evaluation(copy):
    plan = json.loads(copy.plan.read_text())
    copy.plan.write_text(json.dumps(plan | {"split": "test"}))
    for name in ("quick", "good"):
        run = copy.run(name)
        test = run.evaluation("cityscapes-test")
        shutil.copytree(run.samples, test.samples)
        shutil.copy(run.confusion, test.confusion)
        metrics = json.loads(run.metrics.read_text())
        metrics["protocol"]["split"] = "test"
        test.metrics.write_text(json.dumps(metrics))
    found, _ = rewritten(copy)
    assert found["protocol"]["split"] == "test"
    assert [row["sources"]["mean_iou"] for row in found["candidates"]] == [
        ["good/evaluations/cityscapes-test/metrics.json"],
        ["quick/evaluations/cityscapes-test/metrics.json"],
    ]
    assert {row["name"] for row in found["without_score"]} == {"same", "odd"}


def test_a_class_without_truth_counts_for_nobody(copy):
    """One model predicts a class that nobody labeled; its mean is over the classes that the others' are over."""
    lost = LABEL_SPACE.names.index("train")
    for name in QUALITIES:
        run = copy.run(name)
        counts = SemanticCounts.load(run.confusion)
        for called, image in counts.images.items():
            confusion = image.confusion
            confusion[:, lost] = confusion[lost] = 0
            if name == "good":
                confusion[0, lost], confusion[0, 0] = 7, confusion[0, 0] - 7
            counts.images[called] = ImageCounts(confusion, truth=image.truth)
        counts.save(run.confusion)
        protocol = json.loads(run.metrics.read_text())["protocol"]
        scores = semantic_scores(counts, protocol["void"])
        change(run.metrics, **scores.means, classes=scores.classes, categories=scores.categories)
    found, page = rewritten(copy)
    rows = {row["name"]: row for row in found["candidates"]}
    written = json.loads(copy.run("good").metrics.read_text())
    assert written["classes"]["train"]["iou"] == 0
    assert rows["good"]["classes"]["train"] is None
    over = [scores["iou"] for name, scores in written["classes"].items() if name != "train"]
    assert rows["good"]["mean_iou"]["value"] == pytest.approx(sum(over) / 18)
    assert rows["good"]["mean_iou"]["value"] > written["mean_iou"] * 1.05
    assert rows["same"]["mean_iou"]["value"] == json.loads(copy.run("same").metrics.read_text())["mean_iou"]
    assert rows["good"]["mean_iou"]["low"] < rows["good"]["mean_iou"]["value"] < rows["good"]["mean_iou"]["high"]
    assert found["classes"] == {"number": 18, "of": 19, "absent": "skip", "left_out": ["train"]}
    assert "Means are over 18 of 19 classes" in page.text
    assert "images of cityscapes val, 18 of 19 classes" in page.text
    assert "Left out of the means, as the truth has no pixel of them: train" in page.text

    change(copy.plan, absent="zero")
    zero, page = rewritten(copy)
    for row in zero["candidates"]:
        assert row["mean_iou"]["value"] == pytest.approx(rows[row["name"]]["mean_iou"]["value"] * 18 / 19)
    assert zero["classes"] == {"number": 19, "of": 19, "absent": "zero", "left_out": []}
    assert zero["protocol"]["absent"] == "zero"
    assert "one that the truth lacks counts 0" in page.text

    change(copy.plan, absent=None)
    for name in QUALITIES:
        copy.run(name).confusion.unlink()
    without, _ = rewritten(copy)
    assert without["classes"] == found["classes"], "the accuracies tell it too"
    assert {r["name"]: r["mean_iou"]["value"] for r in without["candidates"]} == pytest.approx(
        {name: row["mean_iou"]["value"] for name, row in rows.items()}
    )


def test_other_classes_in_the_truth_are_another_truth(copy):
    run = copy.run("quick")
    counts = SemanticCounts.load(run.confusion)
    for called, image in counts.images.items():
        confusion = image.confusion
        confusion[-1] = confusion[LABEL_SPACE.names.index("train")] = 0
        counts.images[called] = ImageCounts(confusion, truth=image.truth)
    counts.save(run.confusion)
    scores = semantic_scores(counts)
    change(run.metrics, **scores.means, classes=scores.classes, categories=scores.categories)
    found, _ = rewritten(copy)
    assert [row["name"] for row in found["candidates"]] == ["same", "good"]
    reasons = [reason for group in found["apart"] for reason in group["reasons"]]
    assert any(reason.startswith("Classes in the truth: 18 (") for reason in reasons)


def test_how_many_classes_the_means_are_over_is_said(made):
    assert results(made)["classes"] == {"number": 19, "of": 19, "absent": "skip", "left_out": []}
    assert "images of cityscapes val, 19 classes" in Page(made.page).text


def test_a_hash_of_the_labels_keeps_apart_only_where_both_have_one(copy):
    def note(name, value):
        protocol = json.loads(copy.run(name).metrics.read_text())["protocol"]
        change(copy.run(name).metrics, protocol=protocol | {"labels_hash": value})

    note("quick", "s-1")
    found, page = rewritten(copy)
    assert len(found["candidates"]) == 3
    assert any("`good`, `same`" in text and "labels_hash" in text for text in found["notes"])
    assert "may be of other labels" in page.text
    note("good", "s-2")
    found, _ = rewritten(copy)
    groups = [{row["name"] for row in group["candidates"]} for group in [found, *found["apart"]]]
    assert groups[0] == {"quick", "same"}
    assert "The labels of the images were others" in [reason for group in found["apart"] for reason in group["reasons"]]


def test_scores_that_do_not_follow_from_their_counts_are_not_ranked(copy):
    change(copy.run("same").metrics, mean_iou=0.513)
    found, page = rewritten(copy)
    assert [row["name"] for row in found["candidates"]] == ["good", "quick"]
    [row] = found["without_score"]
    assert row["name"] == "same"
    assert "same/metrics.json and " in row["reason"]
    assert "same/confusion.npz disagree: a mean IoU of 51.30 % is written, the counts give" in row["reason"]
    assert "disagree" in page.text


def test_weights_and_scores_belong_together(copy):
    run = copy.run("same")
    metrics = json.loads(run.metrics.read_text())
    for value, names in ((metrics["mean_iou"], ["same", "good", "quick"]), (0.9, ["good", "quick"])):
        save_weights(run.best, {}, {"score": {"mean_iou": value, "protocol": {}}})
        found, _ = rewritten(copy)
        assert [row["name"] for row in found["candidates"]] == names
    assert "metrics.json and " in found["without_score"][0]["reason"]
    assert "best.safetensors don't belong together" in found["without_score"][0]["reason"]


def test_an_evaluation_of_other_weights_is_named(copy):
    run = copy.run("same")
    save_weights(run.best, {}, {})
    test = run.evaluation("cityscapes-test")
    for name in ("samples", "confusion", "metrics"):
        test.metrics.parent.mkdir(parents=True, exist_ok=True)
        source = getattr(run, name)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, getattr(test, name))
    protocol = json.loads(test.metrics.read_text())["protocol"]
    change(copy.plan, split="test")
    for digest, ranked in ((file_digest(run.best), ["same"]), ("0" * 64, [])):
        change(test.metrics, protocol=protocol | {"split": "test"}, origin={"weights_sha256": digest})
        found, _ = rewritten(copy)
        assert [row["name"] for row in found["candidates"]] == ranked
    reason = next(row["reason"] for row in found["without_score"] if row["name"] == "same")
    assert "made with other weights (sha256 000000000000" in reason


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"{", b"\xff\xfe"])
def test_damaged_files_are_called_damaged(copy, content):
    copy.run("good").confusion.write_bytes(content)
    copy.run("quick").history.write_bytes(content)
    copy.run("same").environment.write_bytes(content)
    found, page = rewritten(copy)
    assert len(found["candidates"]) == 3
    for file in ("good/confusion.npz", "quick/history.csv", "same/environment.json"):
        assert any(note.startswith(f"{file} is damaged and left out: ") for note in found["notes"]), file
        assert f"{file} is damaged" in page.text
    copy.run("quick").metrics.write_bytes(content)
    copy.run("same").config.write_bytes(content)
    found, _ = rewritten(copy)
    reasons = {row["name"]: row["reason"] for row in found["without_score"]}
    assert reasons["quick"].startswith("quick/metrics.json is damaged: ")
    assert "not trained yet" not in reasons.get("same", "")


@pytest.mark.parametrize("number", [2, 12, 15])
def test_names_in_the_headline_have_the_colors_of_their_dots(tmp_path, number):
    qualities = {f"run{i:02}": i / 20 for i in range(number)}
    comparison = make_comparison(tmp_path / "question", qualities)
    _, page = rewritten(comparison)
    bold = [attributes["style"] for tag, attributes in page.tags if tag == "b" and "style" in attributes]
    assert bold[0] == f"--own: var(--c{(number - 1) % 12 + 1})", "the best one is the last of the plan"
    assert bold[1] in ("--own: var(--c1)", f"--own: var(--c{(number - 2) % 12 + 1})")
    styles = [attributes["style"] for tag, attributes in page.tags if attributes.get("class") == "dot-of"]
    assert bold[0] in [style.rstrip(";") for style in styles]


EVIL = "<img src=x onerror='alert(1)'>"


def test_names_from_files_are_escaped(copy):
    change(copy.plan, command=EVIL)
    copy.progress.write_text(json.dumps({"runs": {"same": {"state": "failed", "reason": EVIL}}}))
    _, page = rewritten(copy)
    assert page.text.count("alert(1)") == 2
    assert "onerror" not in {key for _, attributes in page.tags for key in attributes}


def test_what_differs_in_training_is_listed(made):
    differences = results(made)["differences"]
    assert differences == {"model.name": {"quick": "quick", "good": "good", "same": "same"}}
    assert results(made)["protocol"]["images"] == IMAGES


def test_a_folder_without_a_comparison(tmp_path):
    with pytest.raises(RunError, match=r"holds no comparison.*sceneseg compare"):
        write_comparison(tmp_path)
