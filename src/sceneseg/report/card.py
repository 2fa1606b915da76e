"""The model card of a run: Markdown with the header that Hugging Face reads, each figure from the run's files."""

import json
import math
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import yaml
from markupsafe import Markup

from sceneseg.errors import RunError
from sceneseg.fetching.checks import file_sha256
from sceneseg.fetching.datasets.sources import SOURCES, Source
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.records import run_directory
from sceneseg.records.header import ModelSpec, WeightsHeader
from sceneseg.records.protocol import Protocol
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.scores import Scores, read_scores
from sceneseg.report.formatting import duration, label, number, percent, words
from sceneseg.report.render import code, render_markdown
from sceneseg.report.run.page import SETTINGS, hardware
from sceneseg.report.run.run_reader import Contents, read_contents
from sceneseg.report.run.score_tables import (
    ScoreTable,
    category_table,
    class_table,
    headline,
    main_class_score,
    score_labels,
)
from sceneseg.toy.writing import MARKER

TEMPLATE = "card.md.j2"
HUB_LICENSES = {
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0"),
    *("cc-by-nc-sa-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-nd-4.0", "openrail", "unlicense"),
}
"""Names that Hugging Face knows; any other becomes `other` with a name of its own."""
HUB_METRICS = {"top1": "accuracy"}
"""Scores that Hugging Face has names of its own for."""
NAMELESS = {"folder", "image_folder"}
"""Data sets that everybody has others of."""
WEAK = 0.3
"""A class below this IoU or accuracy is named among the limits."""


@dataclass(frozen=True)
class About:
    """Facts that a run's files don't contain.

    Args:
        name: What the weights are published as.
        licence: License of the weights; empty when their author hasn't chosen one.
        paper: Where the architecture comes from.
        file: Name of the weights file, if it isn't the run's.
    """

    name: str
    licence: str = ""
    paper: str = ""
    file: str = ""


def model_card(path: Path, about: About) -> str:
    """Write the card of a run's weights.

    Args:
        path: Run directory.
        about: What its files don't say.

    Returns:
        Markdown.

    Raises:
        RunError: The folder isn't a run, or has no weights or no scores yet.
    """
    contents = read_contents(RunDirectory(path))
    weights = run_directory.find_weights(path)
    header = run_directory.read_header(weights)
    metrics = contents.metrics if contents.metrics is not None else read_scores(contents.run.metrics)
    key = next(iter(header.score.means if header.score else ()), headline(contents).key)
    if (value := metrics.means.get(key)) is None:
        raise RunError(f"{contents.run.metrics}: has no {key}, by which the weights were chosen. Evaluate again.")
    digest = file_sha256(weights, ProgressReporter())
    data = _data(contents, metrics.protocol)
    tables = {
        "classes": class_table(contents, metrics.classes),
        "categories": category_table(contents, metrics.categories),
    }
    labels = score_labels(contents, [metrics])
    view = {
        "name": about.name,
        "paper": about.paper,
        "licence": about.licence,
        "header": Markup(
            yaml.safe_dump(
                hub_header(contents, metrics, about, data.name), sort_keys=False, allow_unicode=True
            ).rstrip()
        ),
        "facts": contents.facts,
        "headline": (key, labels[key], value),
        "metrics": metrics,
        "summary": labels,
        "tables": [(title, _in_words(table)) for title, table in tables.items() if table.rows],
        "evaluations": _of_weights(contents.evaluations, digest),
        "model_name": _model_name(header.model),
        "input": header.input,
        "class_names": list(metrics.classes),
        "settings": _settings(contents, header),
        "config": code(_without_folders(contents), "yaml"),
        "cost": _cost(contents),
        "hardware": hardware(contents.environment),
        "packages": contents.environment.packages if contents.environment else {},
        "data": data,
        "limits": _limits(contents, metrics, header),
        "file": about.file or weights.name,
        "use": _use(about.file or weights.name, contents.facts.usage),
        "sha256": digest,
        "bytes": weights.stat().st_size,
        "version": header.sceneseg_version,
    }
    return render_markdown(TEMPLATE, view)


def _model_name(model: ModelSpec | None) -> str:
    """Name an architecture with its encoder."""
    if model is None:
        return "an unnamed model"
    encoder = model.arguments.get("encoder")
    return f"{model.name} on {encoder}" if encoder else model.name


def _use(file: str, usage: str) -> dict[str, Markup]:
    """Return how the weights are used, on the command line and from Python."""
    return {
        "command": code(f"sceneseg predict -w {shlex.quote(file)} photo.jpg -r results"),
        "python": code(f"import sceneseg\n\nmodel = sceneseg.load({json.dumps(file)})\n{usage}", "python"),
    }


def _of_weights(evaluations: dict[str, Scores], digest: str) -> dict[str, Scores]:
    """Return the evaluations of these weights; a run that was trained for longer may keep some of earlier ones."""
    return {k: found for k, found in evaluations.items() if found.origin and found.origin.weights_sha256 == digest}


def hub_header(contents: Contents, metrics: Scores, about: About, dataset: str) -> dict[str, object]:
    """Return the front matter: licence, task, data and scores, in Hugging Face's words."""
    facts = contents.facts
    task, title = facts.hub_task, facts.title or label(facts.name)
    licence, slug = about.licence.lower(), re.sub(r"[^\w.-]+", "_", dataset).strip("_")
    known = licence in HUB_LICENSES
    terms = {"license": licence if known else "other" if licence else "unknown"}
    if licence and not known:
        terms["license_name"] = licence.replace(" ", "-")
    scores = [
        {"type": HUB_METRICS.get(key, key), "name": name, "value": round(value, 4)}
        for key, name in score_labels(contents, [metrics]).items()
        if (value := metrics.means.get(key)) is not None
    ]
    result = {
        "task": {"type": task, "name": title},
        "dataset": {"type": slug, "name": dataset, "split": str(metrics.protocol.split)},
        "metrics": scores,
    }
    tags = [title.lower().replace(" ", "-"), str(contents.setting("model.name")), *facts.hub_tags]
    return terms | {
        "library_name": "sceneseg",
        "pipeline_tag": task,
        "tags": tags,
        "datasets": [slug],
        "metrics": [scores[0]["type"]],
        "model-index": [{"name": about.name, "results": [result]}],
    }


class CardTable(NamedTuple):
    """Scores in words: labels of the columns, and for each row its name and values."""

    columns: list[str]
    rows: list[tuple[str, list[str]]]


def _in_words(table: ScoreTable) -> CardTable:
    lines = [(name, [percent(row.get(key)) for key in table.columns]) for name, row in table.rows.items()]
    return CardTable([column.label for column in table.columns.values()], lines)


def _settings(contents: Contents, header: WeightsHeader) -> dict[str, str]:
    """Return the settings that matter most, and what the training started from."""
    shown = {name: (key, contents.setting(key)) for key, name in SETTINGS.items()}
    settings = {name: words(value, key) for name, (key, value) in shown.items() if value is not None}
    settings["Precision"] = str(header.input.get("precision", ""))
    given = {
        "weights": contents.setting("train.weights"),
        "encoder weights": contents.setting("train.encoder_weights"),
        "ImageNet weights of timm": contents.setting("model.pretrained") or None,
    }
    found = [what if value is True else f"{what} {Path(value).name}" for what, value in given.items() if value]
    settings["Started from"] = ", ".join(found) or "random weights"
    if frozen := contents.setting("train.freeze"):
        settings["Frozen"] = words(frozen)
    return settings


def _without_folders(contents: Contents) -> str:
    """Return the configuration with the last part alone of each path, which is nobody else's business."""
    text = contents.config_text.rstrip()
    for key in ("data.root", "train.weights", "train.encoder_weights", "data.label_space"):
        if (path := contents.setting(key)) and Path(path).is_absolute():
            text = text.replace(str(path), Path(path).name)
    return text


def _cost(contents: Contents) -> dict[str, str]:
    """Return what training and model cost, as far as it was measured."""
    model, history = contents.cost, contents.history
    cost: dict[str, str] = {}
    if model.parameters:
        cost["Parameters"] = f"{model.parameters:,}"
    if model.gmacs is not None:
        at = f" at {words(model.size, 'size')}" if model.size else ""
        cost["Multiply-adds"] = f"{number(model.gmacs)} G for one image{at}"
    if history:
        last = history[-1]
        cost["Epochs, steps"] = f"{last.epoch:g}, {last.value('step'):,.0f}"
        if last.seconds:
            cost["Training time"] = f"{duration(last.seconds)}, without validation"
    return cost


@dataclass(frozen=True)
class CardData:
    """Facts about a run's data.

    Args:
        name: For people.
        train_split: The part that the weights were trained on.
        split: The part that was scored.
        images: Scored images.
        source: Where the data come from, where it is known.
        note: Where the data aren't what their name promises.
        toy: Whether they are toy scenes.
        options: How they were read.
    """

    name: str
    train_split: str | None
    split: str
    images: int | None
    source: Source | None
    note: str
    toy: bool
    options: dict[str, object]


def _data(contents: Contents, protocol: Protocol) -> CardData:
    """Return what is known of the data: name, images, terms of use, and whether it is the whole of it."""
    name = str(protocol.dataset or contents.setting("data.name"))
    root = Path(str(contents.setting("data.root")))
    toy = (root / MARKER).is_file()
    source = None if toy else next((s for s in SOURCES if s.name == name), None)
    split, images = str(protocol.split), protocol.images
    return CardData(
        "toy street scenes" if toy else f"{name} ({root.name})" if name in NAMELESS else name,
        contents.setting("data.train_split"),
        split,
        images,
        source,
        _doubt(source, split, images),
        toy,
        contents.setting("data.options") or {},
    )


def data_terms(path: Path) -> str:
    """Return the terms of use of a run's data and their address; empty where they aren't known."""
    contents = read_contents(RunDirectory(path))
    source = _data(contents, contents.metrics.protocol if contents.metrics else Protocol()).source
    return f"{source.terms} {source.terms_address}".strip() if source else ""


def _doubt(source: Source | None, split: str, images: int | None) -> str:
    """Describe where the data isn't what its name promises."""
    expected = source.images.get(split) if source else None
    if expected and images and images != expected:
        return (
            f"The official {split} split has {expected:,} images, here there were {images:,}: a part of it, or other "
            f"images in its layout. The scores can't be compared with published ones."
        )
    return ""


def _limits(contents: Contents, metrics: Scores, header: WeightsHeader) -> list[str]:
    """List what the scores don't promise, from the run itself."""
    key, score = main_class_score(contents)
    values = {name: row.get(key) for name, row in metrics.classes.items()}
    absent = [name for name, value in values.items() if value is None]
    weak = sorted((value, name) for name, value in values.items() if value is not None and value < WEAK)
    limits = [
        f"These weights were chosen as the best of {_validations(contents)} on the split that the scores above come "
        f"from ({metrics.protocol.split}); on new images of the same kind expect less.",
        "Trained on the images of one data set. Other cameras, countries, weather and light weren't tested.",
        "Not made for, and not tested for, decisions on which somebody's safety depends.",
    ]
    if weak:
        listed = ", ".join(f"{name} ({percent(value)} %)" for value, name in weak)
        named = score.lower() if score.istitle() else score  # "accuracy", but "IoU"
        limits.append(f"Weak classes ({named} below {percent(WEAK)} %): {listed}.")
    if absent:
        limits.append(f"Not in the scored images, so nothing is known of them: {', '.join(absent)}.")
    if size := header.input.get("target_size"):
        limits.append(f"Images are resized to {words(size, 'size')} before the network sees them.")
    return limits


def _validations(contents: Contents) -> str:
    scored = sum(math.isfinite(row.value(headline(contents).key)) for row in contents.history)
    return f"{scored} validations" if scored > 1 else "the validations"
