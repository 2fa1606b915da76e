"""The answer to the question "which model?", in sentences; a name stands between backticks."""

from collections.abc import Sequence

from sceneseg.report.contents import Plain
from sceneseg.report.words import milliseconds, percent

NEAR = 0.01
"""A point of mean IoU: what a faster model may cost before one has to think about it."""


def answer(ranked: Sequence[Plain], pairs: Sequence[Plain]) -> Plain:
    """Say who is the most accurate and how sure that is, who is the fastest, and who is the fastest of the good ones.

    Args:
        ranked: Candidates from the best to the worst.
        pairs: What the bootstrap says of each pair.

    Returns:
        headline, details (a list of sentences), and the names best, fastest and near (the fastest within a point of
        the best), None where there is none.
    """
    if not ranked:
        return _result("No candidate has come to a score yet.", [])
    best = ranked[0]
    score = percent(best["mean_iou"]["value"])
    if len(ranked) == 1:
        said = f"`{best['name']}` reaches {score} % mean IoU; there is nothing yet to compare it with."
        return _result(said, [], best["name"])
    headline, details = _accuracy(best, ranked[1:], [p for p in pairs if p["better"] == best["name"]])
    timed = [row for row in ranked if row.get("p50_ms") is not None]
    if not timed:
        return _result(headline, [*details, "How fast they predict was not measured."], best["name"])
    fastest = min(timed, key=lambda row: row["p50_ms"])
    lowest = best["mean_iou"]["value"] - NEAR
    near = min((r for r in timed if r["mean_iou"]["value"] >= lowest), key=lambda r: r["p50_ms"], default=None)
    details += _speed(best, fastest, near)
    return _result(headline, details, best["name"], fastest["name"], near["name"] if near else None)


def _result(
    headline: str, details: list[str], best: str | None = None, fastest: str | None = None, near: str | None = None
) -> Plain:
    return {"headline": headline, "details": details, "best": best, "fastest": fastest, "near": near}


def _accuracy(best: Plain, others: Sequence[Plain], pairs: Sequence[Plain]) -> tuple[str, list[str]]:
    score = percent(best["mean_iou"]["value"])
    name = best["name"]
    if len(pairs) < len(others):  # no intervals for some: nothing can be said of how sure it is
        return f"`{name}` has the highest mean IoU, {score} %.", ["How sure that is can't be said without all counts."]
    tied = [pair for pair in pairs if not pair["real"]]
    if not tied:
        nearest = min(pairs, key=lambda pair: pair["difference"])
        gap = f"{points(nearest['difference'])} above `{nearest['worse']}`"
        sure = f"The lead is real: with other images of this kind it would be {_between(nearest)} (95 % interval)."
        return f"`{name}` is the most accurate: {score} % mean IoU, {gap}.", [sure]
    names = listing([pair["worse"] for pair in tied])
    if len(tied) == 1:
        pair = tied[0]
        why = f"`{pair['worse']}` is {points(pair['difference'])} lower on these images; on others of this kind the "
        why += f"difference may be anything {_between(pair)} (95 % interval)."
    else:
        why = "The intervals of their differences include zero: other images of this kind could order them differently."
    return f"`{name}` has the highest mean IoU, {score} %, but can't be told apart from {names}.", [why]


def _speed(best: Plain, fastest: Plain, near: Plain | None) -> list[str]:
    if fastest is best:
        return [f"It is also the fastest: {milliseconds(best['p50_ms'])} ms for an image."]
    less = points(best["mean_iou"]["value"] - fastest["mean_iou"]["value"])
    against = f", against {milliseconds(best['p50_ms'])} ms" if best.get("p50_ms") is not None else ""
    said = [f"`{fastest['name']}` is the fastest: {milliseconds(fastest['p50_ms'])} ms for an image{against}, "]
    if near is fastest:
        said[0] += f"and within one point of the best ({less} lower)."
        return said
    said[0] += f"at {less} less."
    if near is best:
        said.append("Within one point of the best nothing is faster than it.")
    elif near is not None:
        said.append(
            f"The fastest within one point of the best is `{near['name']}`: {milliseconds(near['p50_ms'])} ms and "
            f"{percent(near['mean_iou']['value'])} %."
        )
    return said


def points(share: float) -> str:
    """Write a difference of shares in points: "3.1 points"."""
    text = f"{100 * share:.1f}"
    return f"{text} point" if text == "1.0" else f"{text} points"


def listing(names: Sequence[str]) -> str:
    """Write names one after the other: "`a`, `b` and `c`"."""
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _between(pair: Plain) -> str:
    return f"between {100 * pair['low']:.1f} and {100 * pair['high']:.1f} points".replace("-", "−")
