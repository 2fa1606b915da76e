"""The top of a comparison's page: the answer, who answers which question, and the facts under it."""

import re
from dataclasses import dataclass

from markupsafe import Markup, escape

from sceneseg.report.comparison.results import Answer, ComparisonResults, RankedCandidate
from sceneseg.report.formatting import date, duration, words


@dataclass(frozen=True)
class Card:
    """A candidate that answers a question.

    Args:
        titles: The questions that it answers.
        row: The candidate.
    """

    titles: str
    row: RankedCandidate


def headline(answer: Answer, colors: dict[str, str]) -> list[Markup]:
    """Return the sentences of the headline; a name in it has the color of its dot."""
    return [in_bold(text, colors) for text in re.split(r"(?<=\.) (?=[`A-Z])", answer.headline)]


def in_bold(sentence: str, colors: dict[str, str]) -> Markup:
    """Turn backticks around names into bold type in the color of their dots; keep figures and units on one line.

    Example:
        >>> in_bold("`unet` is the fastest", {"unet": "red"})
        Markup('<b style="--own: red">unet</b> is the fastest')
    """
    parts = re.sub(r"(?<=\d) (?=%|ms|point)", "\u00a0", sentence).split("`")
    return Markup("").join(escape(part) if i % 2 == 0 else _name(part, colors) for i, part in enumerate(parts))


def cards(results: ComparisonResults) -> list[Card]:
    """Return who answers which question; one who answers several has one card, and who answers all needs none."""
    answer, rows = results.answer, {row.name: row for row in results.ranking.candidates}
    if len(rows) < 2:
        return []
    known = results.ranking.behind_best.values()
    sure = all(pair.is_real for pair in known) and len(known) == len(rows) - 1
    near_title = "As fast as any of the best" if answer.as_near else "Fastest of the best"
    titles: dict[str, list[str]] = {}
    for name, title in (
        (answer.best, "Most accurate" if sure else "Highest mean IoU"),
        (answer.near, near_title),
        (answer.fastest, "As fast as any" if answer.as_fast else "Fastest"),
    ):
        if name:
            titles.setdefault(name, []).append(title)
    for several in titles.values():
        if near_title in several and len(several) > 1:  # it goes without saying
            several.remove(near_title)
    return [Card(" · ".join(several), rows[name]) for name, several in titles.items() if len(titles) > 1]


def facts(results: ComparisonResults, compared: int) -> dict[str, tuple[str, str]]:
    """Return the facts under the answer: label -> (value, small print next to it)."""
    found = {"Compared": (str(compared), _number(compared, len(results.ranking.candidates)))}
    protocol, classes, latency = results.protocol, results.ranking.classes, results.latency
    number = len(classes.names)
    over = f"{number} of {classes.total}" if classes.left_out else str(number)
    if protocol and protocol.images:
        of = f"images of {protocol.dataset} {protocol.split}, {over} classes"
        found["Scored on"] = (f"{protocol.images:,}", of)
    if budget := results.budget:
        timed = budget.kind == "time"
        amount = duration(budget.amount) if timed else f"{budget.amount:,.0f}"
        found["Budget"] = (amount, "of training each" if timed else f"{budget.kind} each")
    if latency:
        cpu = f"CPU, {latency.threads} thread{'s' if latency.threads != 1 else ''}" if latency.threads else "CPU"
        where = latency.machine if latency.is_on_gpu else cpu
        found["Latency at"] = (words(latency.size, "size"), f"pixels, {where}")
    found["Date"] = (date(results.environment.created or ""), "")
    return found


def _name(name: str, colors: dict[str, str]) -> Markup:
    color = colors.get(name)
    if color is None:
        return Markup("<b>{}</b>").format(name)
    return Markup('<b style="--own: {}">{}</b>').format(color, name)


def _number(compared: int, ranked: int) -> str:
    number = "candidate" if compared == 1 else "candidates"
    return number if ranked == compared else f"{number}, {ranked} ranked"
