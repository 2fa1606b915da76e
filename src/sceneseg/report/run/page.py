"""The report of a run: one HTML file without network, good in the browser, on the phone, on paper and in a mail."""

import math
import shlex
import statistics
from pathlib import Path
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from sceneseg.records.environment import Environment
from sceneseg.records.history import Epoch
from sceneseg.records.protocol import Protocol
from sceneseg.records.run_directory import RunDirectory, atomic
from sceneseg.records.scores import MetricValues
from sceneseg.report.formatting import count, date, duration, number, percent, words
from sceneseg.report.pictures import Picture, embed
from sceneseg.report.render import render
from sceneseg.report.run.run_reader import Contents, read_contents
from sceneseg.report.run.score_tables import (
    Headline,
    category_table,
    class_table,
    headline,
    headline_labels,
    main_class_score,
    score_labels,
)
from sceneseg.report.svg.charts import Bar, Curve, bar_chart, heat_map, line_chart
from sceneseg.report.svg.schedule import schedule_chart
from sceneseg.wording import counted

TEMPLATE = "run.html.j2"
MAX_BYTES = 2_000_000
MARKUP_BYTES = 30_000
"""Reserved for the markup around the images, which is written after they are fitted."""
SAMPLES_SHARE = 0.65
MAX_SAMPLES = 8
MAX_PREVIEWS = 10
MAX_CONFIG = 100_000
WORTH_WORDS = 0.01
MAX_MISTAKES = 10
NEUTRAL = "var(--muted)"

SETTINGS = {
    "model.name": "Model",
    "loss": "Loss",
    "optim.name": "Optimizer",
    "optim.lr": "Learning rate",
    "optim.weight_decay": "Weight decay",
    "schedule.name": "Schedule",
    "train.epochs": "Epochs",
    "train.batch_size": "Batch size",
    "augment.crop_size": "Crop",
    "train.precision": "Precision",
    "seed": "Seed",
}
HARDWARE = ("gpu", "cpu", "cores", "threads", "memory_gb", "platform", "python", "sceneseg")


def write_report(run: Path) -> Path:
    """Write ``report.html`` into a run directory, whole or not at all.

    Args:
        run: The run directory; everything but its config.yaml may be missing.

    Returns:
        The page, under 2 MB for any run.

    Raises:
        RunError: The folder isn't a run.
    """
    contents = read_contents(RunDirectory(run))
    view = _view(contents)
    empty = render(TEMPLATE, view | {"samples": [], "previews": []})
    budget = max(0, MAX_BYTES - MARKUP_BYTES - len(empty.encode()))
    samples = _samples(contents, int(budget * SAMPLES_SHARE))
    used = sum(len(image.uri) for sample in samples for image in sample.pictures)
    previews = _previews(contents, budget - used)
    page = run / "report.html"
    with atomic(page) as temporary:
        temporary.write_text(render(TEMPLATE, view | {"samples": samples, "previews": previews}), encoding="utf-8")
    return page


def _view(contents: Contents) -> dict[str, object]:
    """Prepare what the template prints; a part that the run doesn't have is None or empty."""
    metrics = contents.metrics
    protocol = metrics.protocol if metrics else Protocol()
    colors = _colors(contents)
    best = headline(contents)
    return {
        "name": contents.run.path.resolve().name,
        "model": contents.setting("model.name") or contents.cost.name or "unknown model",
        "dataset": protocol.dataset or contents.setting("data.name") or "unknown data",
        "facts": _facts(contents),
        "gaps": contents.gaps,
        "metrics": metrics,
        "protocol": protocol.to_dict(),
        "best": best.key,
        "best_name": best.in_words,
        "counted": contents.facts.counted,
        "compared": headline_labels(contents, contents.evaluations.values()),
        "summary": score_labels(contents, [metrics] if metrics else []),
        "classes": class_table(contents, metrics.classes) if metrics else None,
        "categories": category_table(contents, metrics.categories) if metrics and metrics.categories else None,
        "colors": colors,
        "protocol_line": _protocol_line(protocol),
        "evaluations": [(name, _protocol_line(m.protocol), m) for name, m in contents.evaluations.items()],
        "bars": _class_bars(contents, metrics.classes, colors) if metrics and metrics.classes else None,
        "curves": _curves(contents, best),
        "confusion": _confusion(contents),
        "legend": colors,
        "sample_count": len(contents.samples),
        "preview_count": len(contents.previews),
        "settings": {label: (key, contents.setting(key)) for key, label in SETTINGS.items()},
        "config_text": contents.config_text[:MAX_CONFIG],
        "config_cut": len(contents.config_text) > MAX_CONFIG,
        "environment": contents.environment,
        "hardware": hardware(contents.environment),
        "repeat": f"sceneseg train --config {shlex.quote(str(contents.run.config))}",
    }


def hardware(environment: Environment | None) -> dict[str, str | int | float]:
    """Return what is known of a machine and its software, without the packages."""
    found = {} if environment is None else {key: getattr(environment, key) for key in HARDWARE}
    return {key: value for key, value in found.items() if value is not None}


def _protocol_line(protocol: Protocol) -> str:
    """Describe in a line how a score was measured; the page lists the whole protocol elsewhere."""
    parts = [
        protocol.split,
        protocol.images and counted(protocol.images, "image"),
        protocol.size and words(protocol.size, "size"),
        protocol.input_size not in (None, "native") and f"input {words(protocol.input_size, 'size')}",
        protocol.tta not in (None, "none") and f"augmented by {protocol.tta}",
    ]
    return " · ".join(str(part) for part in parts if part)


def _facts(contents: Contents) -> dict[str, tuple[str, str]]:
    """Return the facts under the title: label -> (value, small print next to it)."""
    facts: dict[str, tuple[str, str]] = {}
    cost, history = contents.cost, contents.history
    if cost.parameters:
        facts["Parameters"] = count(cost.parameters)
    if gmacs := cost.gmacs:
        facts["Cost"] = (
            f"{gmacs:,.0f}" if gmacs >= 100 else f"{gmacs:.3g}",
            f"GMACs at {words(cost.size, 'size')}" if cost.size else "GMACs",
        )
    speeds = [v for row in history if (v := row.images_per_second or 0) > 0]
    if speeds:
        facts["Training speed"] = (f"{statistics.median(speeds):.3g}", "images/s")
    if history:
        planned = contents.setting("train.epochs")
        facts["Epochs"] = (f"{history[-1].epoch:g}", f"of {planned}" if planned else "")
        if (seconds := history[-1].seconds or 0) > 0:
            facts["Training time"] = (duration(seconds), "")
    if contents.environment and contents.environment.created:
        facts["Date"] = (date(contents.environment.created), "")
    return facts


def _colors(contents: Contents) -> dict[str, str]:
    classes = contents.labels.classes if contents.labels else ()
    return {c.name: f"#{c.color[0]:02x}{c.color[1]:02x}{c.color[2]:02x}" for c in classes}


def _class_bars(contents: Contents, classes: dict[str, MetricValues], colors: dict[str, str]) -> Markup:
    key, name = main_class_score(contents)
    bars = [Bar(each, row.get(key), colors.get(each, NEUTRAL)) for each, row in classes.items()]
    bars.sort(key=lambda bar: -1 if bar.value is None else bar.value, reverse=True)
    return bar_chart(bars, title=f"{name} by class", note="%, best first")


COLORS = ("var(--muted)", "var(--accent)")
"""Of two curves in one chart; a single one has the second."""


def _curves(contents: Contents, best: Headline) -> list[Markup]:
    """Draw loss, the score that chose the best weights, and the learning rate with its plan, where there are any."""
    charts = []
    history = contents.history
    for title, curves in (
        ("Loss", {"loss": "training", "val_loss": "validation"}),
        (best.label, {best.key: best.label}),
    ):
        known = {
            key: history if key == "loss" and history and history[0].loss is not None else _validated(history, key)
            for key in curves
        }
        found = {key: rows for key, rows in known.items() if rows}
        if found:
            lines = [
                Curve(curves[key], [row.epoch for row in rows], [row.value(key) for row in rows], color)
                for (key, rows), color in zip(found.items(), COLORS[-len(found) :], strict=True)
            ]
            key, rows = next(iter(found.items()))
            ends, percents = (0.0, history[-1].epoch), key == best.key
            note = _note(key, rows)
            if len(found) > 1:
                note = ", ".join(f"{curves[key]} {number(rows[-1].value(key))}" for key, rows in found.items())
                note = note.replace(",", " (gray),", 1)
            charts.append(line_chart(lines, title=title, x_name="epoch", note=note, in_percent=percents, x_range=ends))
    rate = schedule_chart(contents, best.key)
    return charts + ([rate] if rate else [])


def _validated(history: list[Epoch], score: str) -> list[Epoch]:
    return [row for row in history if math.isfinite(row.value(score))]


def _note(key: str, rows: list[Epoch]) -> str:
    """Describe what matters most about a curve."""
    if key == "loss":
        return f"last {number(rows[-1].value(key))}"
    best = max(rows, key=lambda row: row.value(key))
    return f"best {percent(best.value(key))} % in epoch {best.epoch:g}"


class Mistake(NamedTuple):
    """A share of a class's pixels that goes to another class."""

    share: float
    truth: str
    prediction: str


class ShownConfusion(NamedTuple):
    """The confusion matrix as a chart, and its largest mistakes, the first one first."""

    chart: Markup
    mistakes: list[Mistake]


def _confusion(contents: Contents) -> ShownConfusion | None:
    """Draw the matrix, each row divided by its truth's pixels, and put the largest mistakes in words.

    Void truth is left out; void predictions have a column when there are any.
    """
    if contents.confusion is None or contents.labels is None:
        return None
    rows = contents.labels.names
    columns = [*rows, "void"] if contents.confusion[:-1, -1].any() else rows
    counts = contents.confusion[:-1, : len(columns)]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    mistakes = [
        Mistake(float(shares[r, c]), rows[r], columns[c])
        for r, c in zip(*np.nonzero(shares >= WORTH_WORDS), strict=True)
        if r != c
    ]
    chart = heat_map(shares, rows, columns, title="Truth in rows, prediction in columns", note="in % of the truth")
    return ShownConfusion(chart, sorted(mistakes, reverse=True)[:MAX_MISTAKES])


class ShownSample(NamedTuple):
    """A sample with its embedded images: image, prediction and, where there is one, truth."""

    name: str
    mean_iou: float | None
    pictures: list[Picture]


def _samples(contents: Contents, budget: int) -> list[ShownSample]:
    files = {s: [s.image, s.prediction, *([s.truth] if s.truth else [])] for s in contents.samples[:MAX_SAMPLES]}
    return [ShownSample(s.name, s.mean_iou, images) for s, images in embed(files, budget).items()]


class ShownPreview(NamedTuple):
    """The image of one validation."""

    epoch: int
    mean_iou: float | None
    picture: Picture


def _previews(contents: Contents, budget: int) -> list[ShownPreview]:
    """Embed previews spread evenly over the epochs, first and last included."""
    epochs = list(contents.previews)
    spread = {round(i) for i in np.linspace(0, len(epochs) - 1, MAX_PREVIEWS)} if epochs else set()
    embedded = embed({epochs[i]: [contents.previews[epochs[i]]] for i in sorted(spread)}, budget)
    scores = {row.epoch: row.value("mean_iou") for row in _validated(contents.history, "mean_iou")}
    return [ShownPreview(epoch, scores.get(epoch), image) for epoch, [image] in embedded.items()]
