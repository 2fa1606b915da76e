"""The scores of a run as its page and its card show them: names, columns and headlines come from the shelf of metrics.

A score whose metric isn't on the shelf here, as of a file that wasn't allowed to run, is named by its key.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sceneseg.metrics import metrics_of
from sceneseg.metrics.base import Metric
from sceneseg.records.scores import MetricValues, Scores
from sceneseg.report.formatting import label
from sceneseg.report.run.run_reader import Contents


class Column(NamedTuple):
    """A score of classes or categories.

    Args:
        label: For people.
        mean: Key of the score of the whole split.
    """

    label: str
    mean: str


class ScoreTable(NamedTuple):
    """The scores of classes or categories.

    Args:
        columns: Those that have any value, by their keys.
        rows: Scores by name.
    """

    columns: dict[str, Column]
    rows: dict[str, MetricValues]


class Headline(NamedTuple):
    """The score by which the best weights of a run were chosen.

    Args:
        key: Of the score.
        label: For people, such as "Mean IoU".
        in_words: The same within a sentence.
    """

    key: str
    label: str
    in_words: str


def headline(contents: Contents) -> Headline:
    """Return the score by which the best weights of a run were chosen: the one it asked for, else its task's first."""
    metrics = _metrics(contents)
    means = contents.metrics.means if contents.metrics else {}
    in_history = [key for key, metric in metrics.items() if metric.in_history]
    key = str(contents.setting("train.best") or next(iter([*in_history, *means]), "loss"))
    metric = metrics.get(key)
    if metric is None:
        return Headline(key, label(key), label(key).lower())
    return Headline(key, metric.label, metric.in_words)


def score_labels(contents: Contents, scores: Iterable[Scores]) -> dict[str, str]:
    """Return the scores of whole splits that have any value, key -> label, in the order of the shelf."""
    found = list(scores)
    known = {key: metric.label for key, metric in _metrics(contents).items()}
    labels = known | {key: label(key) for one in found for key in one.means if key not in known}
    return {key: name for key, name in labels.items() if any(one.means.get(key) is not None for one in found)}


def headline_labels(contents: Contents, scores: Iterable[Scores]) -> dict[str, str]:
    """Return the few of `score_labels` that stand for a split where there is little room."""
    metrics, chosen = _metrics(contents), headline(contents).key
    shown = {key for key, metric in metrics.items() if metric.is_headline} | {chosen}
    return {key: name for key, name in score_labels(contents, scores).items() if key in shown}


def class_table(contents: Contents, rows: Mapping[str, MetricValues]) -> ScoreTable:
    """Return the scores of the classes of a run."""
    metrics = _metrics(contents).values()
    return _table({m.class_key: Column(m.class_label, m.key) for m in metrics if m.class_key}, rows)


def category_table(contents: Contents, rows: Mapping[str, MetricValues]) -> ScoreTable:
    """Return the scores of the categories of a run."""
    metrics = _metrics(contents).values()
    return _table({m.category_key: Column(m.class_label, m.key) for m in metrics if m.category_key}, rows)


def main_class_score(contents: Contents) -> tuple[str, str]:
    """Return key and label of the score that stands for a class: of the first metric that has one."""
    first = next((m for m in _metrics(contents).values() if m.class_key), None)
    return ("", "Score") if first is None or first.class_key is None else (first.class_key, first.class_label)


def _metrics(contents: Contents) -> dict[str, Metric[Any]]:
    return {metric.key: metric for metric in metrics_of(contents.facts.name)}


def _table(known: dict[str, Column], rows: Mapping[str, MetricValues]) -> ScoreTable:
    columns = known | {key: Column(label(key), "") for row in rows.values() for key in row if key not in known}
    shown = {key: column for key, column in columns.items() if any(row.get(key) is not None for row in rows.values())}
    return ScoreTable(shown, dict(rows))
