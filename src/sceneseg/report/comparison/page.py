"""The page of a comparison: the answer, the pictures that show why, and where each figure comes from; one HTML file."""

import math
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup, escape

from sceneseg.records.run_directory import ComparisonDirectory, write_text
from sceneseg.report.comparison.candidates import Candidate, read_candidates
from sceneseg.report.comparison.differences import from_best, in_both_directions
from sceneseg.report.comparison.machines import machines
from sceneseg.report.comparison.ranking import compare
from sceneseg.report.comparison.speed import RULE, are_alike
from sceneseg.report.formatting import count, date, duration, milliseconds, percent, words
from sceneseg.report.pictures import Picture, embed
from sceneseg.report.render import render
from sceneseg.report.run.run_reader import DAMAGE, Plain, Sample, read_samples
from sceneseg.report.svg.charts import Curve, line_chart
from sceneseg.report.svg.interval_plot import interval_axis, interval_plot
from sceneseg.report.svg.scatter import Point, scatter

TEMPLATE = "comparison.html.j2"
MAX_BYTES = 4_000_000
MARKUP_BYTES = 60_000
"""Kept free for the markup around the pictures, which is written after they are fitted."""
MAX_SCENES = 6
COLORS = 12
SIZE = (400, 300)
CHARTS = (
    ("p50_ms", "Mean IoU against latency", "ms for an image"),
    ("parameters", "Against size", "million parameters"),
    ("gmacs", "Against operations", "GMACs"),
    ("training_seconds", "Against training", "minutes of training"),
)
UNITS = {"p50_ms": 1.0, "parameters": 1e6, "gmacs": 1.0, "training_seconds": 60.0}
WORTH_DRAWING = 1.1
"""Ratio of the largest to the smallest cost: candidates that cost the same need no chart of it. Latencies, which are
measured, have a rule of their own (`speed`)."""
BANDS = ("small objects, under 32 × 32 pixels", "medium, under 96 × 96", "large")


def write_comparison(path: Path) -> Path:
    """Rank what a comparison has so far, and write `comparison.json` and `comparison.html` into its folder.

    Returns:
        The page, under 4 MB however much is compared.

    Raises:
        RunError: The folder holds no comparison.
    """
    comparison = ComparisonDirectory(path)
    candidates = read_candidates(comparison)
    results = compare(comparison, candidates)
    view = _view(results, candidates)
    empty = render(TEMPLATE, view | {"scenes": []}, "comparison")
    scenes = _scenes(results, candidates, max(0, MAX_BYTES - MARKUP_BYTES - len(empty.encode())))
    write_text(comparison.page, render(TEMPLATE, view | {"scenes": scenes}, "comparison"))
    return comparison.page


def _view(results: Plain, candidates: Sequence[Candidate]) -> Plain:
    """Prepare what the template prints; a part that there isn't is None or empty."""
    rows = results["candidates"]
    colors = {c.name: f"var(--c{i % COLORS + 1})" for i, c in enumerate(candidates)}
    ranked = {row["name"] for row in rows}
    return {
        "results": results,
        "rows": rows,
        "colors": colors,
        "headline": [_bold(text, colors) for text in re.split(r"(?<=\.) (?=[`A-Z])", results["answer"]["headline"])],
        "details": [_bold(text, colors) for text in results["answer"]["details"]],
        "notes": [_bold(text, colors) for text in results["notes"]],
        "rule_of_speed": RULE,
        "cards": _cards(results),
        "facts": _facts(results, len(candidates)),
        "charts": _charts(results, colors),
        "intervals": _intervals(rows, colors),
        "columns": (columns := _columns(rows)),
        "cells": {(row["name"], column.key): _cell(row.get(column.key), column) for row in rows for column in columns},
        "behind": {p["worse"]: p for p in results["pairs"] if rows and p["better"] == rows[0]["name"]},
        "pairs": in_both_directions(results["pairs"]),
        "from_best": from_best(rows, results["pairs"], colors),
        "by_chance": round((1 - results["level"]) * len(results["pairs"])),
        "equal": _equal(results),
        "legend": _legend([c for c in candidates if c.name in ranked and _samples(c)]),
        "classes": _classes(rows),
        "bands": BANDS if rows and all(row["objects"] for row in rows) else (),
        "curves": _curves(rows, candidates, colors),
        "machines": machines(rows, candidates, results["latency"]),
        "repeat": {c.name: _repeat(c) for c in candidates},
    }


def _bold(sentence: str, colors: dict[str, str]) -> Markup:
    """Turn backticks around names into bold type in the color of their dots; keep figures and units on one line."""
    parts = re.sub(r"(?<=\d) (?=%|ms|point)", "\u00a0", sentence).split("`")
    named = Markup('<b style="--own: {}">{}</b>')
    return Markup("").join(
        escape(part) if i % 2 == 0 else named.format(colors[part], part) if part in colors else _plain(part)
        for i, part in enumerate(parts)
    )


def _plain(name: str) -> Markup:
    return Markup("<b>{}</b>").format(name)


def _cards(results: Plain) -> list[Plain]:
    """Return who answers which question; one who answers several has one card, and who answers all needs none."""
    best = results["answer"]["best"]
    known = [pair["real"] for pair in results["pairs"] if pair["better"] == best]
    sure = all(known) and len(known) == len(results["candidates"]) - 1
    alone = not results["answer"]["as_fast"], not results["answer"]["as_near"]
    named = {
        "best": "Most accurate" if sure else "Highest mean IoU",
        "near": "Fastest of the best" if alone[1] else "As fast as any of the best",
        "fastest": "Fastest" if alone[0] else "As fast as any",
    }
    rows = {row["name"]: row for row in results["candidates"]}
    cards: dict[str, list[str]] = {}
    for key, title in named.items():
        if name := results["answer"][key]:
            cards.setdefault(name, []).append(title)
    if len(rows) < 2:
        return []
    for titles in cards.values():
        if named["near"] in titles and len(titles) > 1:  # it goes without saying
            titles.remove(named["near"])
    return [{"titles": " · ".join(titles), "row": rows[name]} for name, titles in cards.items() if len(cards) > 1]


def _facts(results: Plain, compared: int) -> dict[str, tuple[str, str]]:
    """Return the facts under the answer: label -> (value, what stands small beside it)."""
    protocol, latency, budget = results["protocol"] or {}, results["latency"], results["budget"]
    ranked = len(results["candidates"])
    number = "candidate" if compared == 1 else "candidates"
    facts = {"Compared": (str(compared), number if ranked == compared else f"{number}, {ranked} ranked")}
    classes = results["classes"]
    over = str(classes["number"]) if not classes["left_out"] else f"{classes['number']} of {classes['of']}"
    if protocol.get("images"):
        of = f"images of {protocol.get('dataset')} {protocol.get('split')}, {over} classes"
        facts["Scored on"] = (f"{protocol['images']:,}", of)
    if budget:
        amount = duration(budget["amount"]) if budget["kind"] == "time" else f"{budget['amount']:,}"
        facts["Budget"] = (amount, "of training each" if budget["kind"] == "time" else f"{budget['kind']} each")
    if latency:
        threads = latency["environment"].get("threads")
        cpu = f"CPU, {threads} thread{'s' if threads != 1 else ''}" if threads else "CPU"
        where = latency["environment"].get("gpu") if latency["device"].startswith("cuda") else cpu
        facts["Latency at"] = (words(latency["size"], "size"), f"pixels, {where}")
    facts["Date"] = (date(results["environment"]["created"]), "")
    return facts


def _charts(results: Plain, colors: dict[str, str]) -> list[Plain]:
    """Draw scores over each cost in which the candidates differ."""
    drawn = [c for c in CHARTS if not _is_equal(results, c[0])]
    return [chart for c in drawn if (chart := _chart(results["candidates"], colors, *c))]


def _is_equal(results: Plain, key: str) -> bool:
    """Whether a cost is about the same for all, by measurement or because it was the budget."""
    rows = [row for row in results["candidates"] if row.get(key)]
    if key == "p50_ms":
        return are_alike(rows)
    values = [row[key] for row in rows]
    given = key == "training_seconds" and (results["budget"] or {}).get("kind") == "time"
    return len(values) > 1 and (given or max(values) < WORTH_DRAWING * min(values))


def _chart(rows: Sequence[Plain], colors: dict[str, str], key: str, title: str, x_name: str) -> Plain | None:
    """Draw scores over a cost, and say what its front is."""
    known = [row for row in rows if row.get(key)]
    if len(known) < 2:
        return None
    points, cheapest = [], float("inf")
    for row in known:  # from the most accurate on
        score, cost = row["mean_iou"], row[key] / UNITS[key]
        text = f"{row['name']}: {_with_interval(score)}, {_cost(key, row[key])}"
        points.append(
            Point(
                row["name"],
                cost,
                score["value"],
                score["low"],
                score["high"],
                colors[row["name"]],
                cost < cheapest,
                text,
            )
        )
        cheapest = min(cheapest, cost)
    ahead = [point.name for point in points if point.front]
    front = "Filled dots lie on the Pareto front, the dashed line: nobody is both cheaper and more accurate."
    if len(ahead) == 1:
        front = f"{ahead[0]} is ahead in both, so it is the whole Pareto front."
    return {"key": key, "front": front, "drawn": scatter(points, title=title, x_name=x_name, size=SIZE)}


def _equal(results: Plain) -> list[tuple[str, str]]:
    """Return (name, value or range) of each cost that isn't drawn, as it is about the same for all."""
    names = {"p50_ms": "Latency", "parameters": "Size", "gmacs": "Operations", "training_seconds": "Training"}
    found = []
    for key, name in names.items():
        if _is_equal(results, key):
            values = [row[key] for row in results["candidates"] if row.get(key)]
            ends = dict.fromkeys((_cost(key, min(values)), _cost(key, max(values))))
            found.append((name, " to ".join(ends)))
    return found


def _legend(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return the colors of the classes in the scenes: name -> CSS color."""
    spaces = [c.first.contents.labels for c in candidates if c.first.contents and c.first.contents.labels]
    return {c.name: "#{:02x}{:02x}{:02x}".format(*c.color) for c in spaces[0].classes} if spaces else {}


def _with_interval(score: Plain) -> str:
    ends = f" ({percent(score['low'])}–{percent(score['high'])})" if score["low"] is not None else ""
    return f"{percent(score['value'])} %{ends}"


def _cost(key: str, value: float) -> str:
    if key == "p50_ms":
        return f"{milliseconds(value)} ms"
    if key == "gmacs":
        return f"{value:.3g} GMACs"
    return duration(value) if key == "training_seconds" else " ".join(count(value)) + " parameters"


def _intervals(rows: Sequence[Plain], colors: dict[str, str]) -> Plain | None:
    """Draw each candidate's interval over an axis that all share."""
    ends = [v for row in rows for v in (row["mean_iou"]["low"], row["mean_iou"]["high"]) if v is not None]
    if not ends:
        return None
    low, high = min(ends), max(ends)
    room = max(0.06 * (high - low), 0.002)
    low, high = max(0.0, low - room), min(1.0, high + room)
    plots = {row["name"]: interval_plot(row["mean_iou"], low, high, colors[row["name"]]) for row in rows}
    return {"axis": interval_axis(low, high), "plots": plots}


class Column(NamedTuple):
    """A column of the table: the figure's key, its title, its unit, and how it is written."""

    key: str
    title: str
    unit: str
    kind: str


def _columns(rows: Sequence[Plain]) -> list[Column]:
    """Return the columns of costs that any candidate has."""
    all_columns = (
        Column("p50_ms", "Latency", "ms", "ms"),
        Column("p95_ms", "p95", "ms", "ms"),
        Column("peak_mib", "Memory", "MiB", "whole"),
        Column("parameters", "Parameters", "million", "million"),
        Column("gmacs", "Cost", "GMACs", "number"),
        Column("training_seconds", "Training", "", "duration"),
        Column("steps", "Steps", "", "whole"),
    )
    return [column for column in all_columns if any(row.get(column.key) is not None for row in rows)]


def _cell(value: float | None, column: Column) -> str:
    """Write a figure of the table."""
    if value is None:
        return "–"
    if column.kind == "ms":
        return milliseconds(value)
    if column.kind == "duration":
        return duration(value)
    if column.kind == "million":
        return f"{value / 1e6:.2f}"
    return f"{value:,.2f}" if column.kind == "number" and value < 100 else f"{value:,.0f}"


def _classes(rows: Sequence[Plain]) -> list[Plain]:
    """Return the IoU of every class by every candidate, who is best, and how far the candidates lie apart."""
    found = []
    for name in rows[0]["classes"] if rows else ():
        values = {row["name"]: row["classes"].get(name) for row in rows}
        known = [v for v in values.values() if v is not None]
        if known:
            found.append({"name": name, "values": values, "best": max(known), "spread": max(known) - min(known)})
    return found


def _curves(rows: Sequence[Plain], candidates: Sequence[Candidate], colors: dict[str, str]) -> list[Markup]:
    """Draw how score and loss came about, over the part of its training that each candidate had done."""
    contents = {c.name: c.first.contents for c in candidates}
    splits = dict.fromkeys(str(found.setting("data.val_split") or "") for found in contents.values() if found)
    split = f" on {' and '.join(splits)}" if any(splits) else ""
    charts = []
    for key, title, in_percent in (("mean_iou", f"Mean IoU{split}", True), ("loss", "Training loss", False)):
        curves = []
        for row in rows:
            found = contents[row["name"]]
            history = [
                r
                for r in (found.history if found else [])
                if math.isfinite(r.get(key, math.nan)) and r.get("step", 0) > 0
            ]
            if len(history) > 1:
                whole = history[-1]["step"]
                x = [round(100 * r["step"] / whole) for r in history]
                curves.append(Curve(row["name"], x, [r[key] for r in history], colors[row["name"]]))
        if curves:
            charts.append(line_chart(curves, title=title, x_name="training", x_unit=" %", in_percent=in_percent))
    return charts


class Scene(NamedTuple):
    """A scene with its embedded pictures: the image, the truth where there is one, and each prediction."""

    name: str
    pictures: dict[str, Picture]
    scores: dict[str, float | None]


def _scenes(results: Plain, candidates: Sequence[Candidate], budget: int) -> list[Scene]:
    """Embed the scenes that all ranked candidates kept, with what each predicted for them."""
    ranked = {row["name"] for row in results["candidates"]}
    samples = {c.name: _samples(c) for c in candidates if c.name in ranked}
    samples = {name: found for name, found in samples.items() if found}
    order = [row["name"] for row in results["candidates"] if row["name"] in samples]
    if not order:
        return []
    common = [name for name in samples[order[0]] if all(name in found for found in samples.values())][:MAX_SCENES]
    files: dict[str, dict[str, Path]] = {}
    for scene in common:
        first = samples[order[0]][scene]
        truth = {"truth": first.truth} if first.truth else {}
        predictions = {name: samples[name][scene].prediction for name in order}
        files[scene] = {"image": first.image, **truth, **predictions}
    embedded = embed({scene: list(pictures.values()) for scene, pictures in files.items()}, budget)
    return [
        Scene(
            scene,
            dict(zip(files[scene], pictures, strict=True)),
            {name: samples[name][scene].mean_iou for name in order},
        )
        for scene, pictures in embedded.items()
    ]


def _samples(candidate: Candidate) -> dict[str, Sample]:
    if candidate.first.scored is None:
        return {}
    try:
        return {sample.name: sample for sample in read_samples(candidate.first.scored.samples)}
    except DAMAGE:
        return {}


def _repeat(candidate: Candidate) -> str:
    contents = candidate.first.contents
    return f"sceneseg train --config {shlex.quote(str(contents.run.config))}" if contents else ""
