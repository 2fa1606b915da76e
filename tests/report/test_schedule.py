"""The image of the learning rate: the plan over all epochs, and what was recorded of it."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from sceneseg.config.schema import ScheduleConfig
from sceneseg.optim.schedules import learning_rate, schedules
from sceneseg.records.history import Epoch
from sceneseg.records.run_directory import RunDirectory
from sceneseg.report.run.run_reader import Contents
from sceneseg.report.svg.schedule import schedule_chart

STEPS, EPOCHS = 20, 10


def contents(schedule, done=EPOCHS, peak=0.01, lr=None, scale=None, scores=None):
    """A run's history as training writes it: the rate of each epoch's last step."""
    settings = ScheduleConfig(**schedule)
    scores = scores or [None] * EPOCHS
    rows = [
        Epoch(
            float(e),
            float(STEPS * e),
            lr=learning_rate(STEPS * e - 1, STEPS * EPOCHS, peak, settings, scores[: e - 1]),
            scores={"mean_iou": scores[e - 1]},
        )
        for e in range(1, done + 1)
    ]
    config = {"schedule": schedule, "optim": {"lr": lr, "lr_scale": scale or {}}, "train": {"epochs": EPOCHS}}
    return Contents(RunDirectory(Path("run")), config, "", history=rows)


def drawn(found):
    """Return the curves' paths by color, the read-out by epoch, and the caption."""
    figure = ElementTree.fromstring(schedule_chart(found, "mean_iou"))
    svg = figure.find("svg")
    curves = [(p.attrib["class"], p.attrib["style"]) for p in svg.iter("path") if "curve" in p.attrib["class"]]
    said = dict(text.split(": ", 1) for _, text, _ in json.loads(svg.attrib["data-points"]))
    return curves, said, figure.find("figcaption/output").text, svg.attrib["data-range"]


def test_an_unfinished_run_shows_how_far_it_came():
    curves, said, note, ends = drawn(contents({"name": "poly"}, done=4, lr=0.01))
    assert curves == [
        ("curve", "stroke:var(--faint)"),
        ("curve", "stroke:var(--accent)"),
        ("curve dots", "stroke:var(--accent)"),
    ]
    assert note == "poly, 4 of 10 epochs"
    assert ends == "0 10"
    assert said["epoch 2"] == "so far 0.008227"
    assert said["epoch 8"] == "planned 0.002402"
    assert min(float(at.removeprefix("epoch ")) for at in said) == 1 / STEPS


def test_a_finished_run_has_no_plan_left():
    curves, said, note, _ = drawn(contents({"name": "cosine"}, lr=0.01))
    assert [kind for kind, _ in curves] == ["curve", "curve dots"]
    assert note == "cosine, peak 0.01"
    assert not any("planned" in text for text in said.values())


@pytest.mark.parametrize("name", schedules.names())
@pytest.mark.parametrize("warmup", [0, 25])
def test_the_record_tells_a_peak_that_nobody_configured(name, warmup):
    schedule = {"name": name, "warmup_steps": warmup, "min_lr": 1e-4, "cycle": 30, "patience": 2}
    found = contents(schedule, done=7, peak=0.02, scores=[0.1, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2])
    _, said, _, _ = drawn(found)
    for row in found.history:  # else the read-out would say what was recorded, too
        assert said[f"epoch {row.epoch:g}"] == f"so far {row.lr:.4g}".replace("e-0", "e-")


def test_parts_with_rates_of_their_own():
    _, said, note, _ = drawn(contents({"name": "constant"}, done=2, peak=0.001, lr=0.01, scale={"encoder": 0.1}))
    assert note == "constant, 2 of 10 epochs"
    assert said["epoch 1"] == "so far 0.001"


def test_an_extended_run_keeps_what_it_recorded_under_its_old_plan():
    found = contents({"name": "poly"}, lr=0.01)
    found.config["train"]["epochs"] = 20
    _, said, note, _ = drawn(found)
    assert note == "poly, 10 of 20 epochs"
    assert said["epoch 9"] == "so far 0.005863, recorded 0.001315"


@pytest.mark.parametrize(
    "schedule", [{"name": "of the future"}, {"name": "cyclic", "cycle": 0}, {"name": "poly", "power": "x"}]
)
def test_a_schedule_that_cant_be_laid_out_leaves_the_record(schedule):
    found = contents({"name": "poly"}, done=3)
    found.config["schedule"] = schedule
    curves, _, note, _ = drawn(found)
    assert [kind for kind, _ in curves] == ["curve"]
    assert note.startswith("peak 0.009")


def test_no_rate_no_picture():
    assert schedule_chart(Contents(RunDirectory(Path("run")), {}, "", history=[Epoch(1.0)]), "mean_iou") is None
