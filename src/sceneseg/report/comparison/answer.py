"""The answer to the question "which model?", in sentences; a name stands between backticks."""

from collections.abc import Container, Sequence

from sceneseg.records.comparison_plan import Budget
from sceneseg.records.latency import LatencyRecord
from sceneseg.report.comparison.results import Answer, Difference, RankedCandidate, Ranking
from sceneseg.report.comparison.speed import are_alike, beats, fastest_of
from sceneseg.report.formatting import duration, milliseconds, percent, words

NEAR = 0.01
"""A point of mean IoU: what a faster model may cost before one has to think about it."""
MOST_NAMES = 3
"""Names that a sentence lists before it counts the others."""


def answer(ranking: Ranking, latency: LatencyRecord | None = None, budget: Budget | None = None) -> Answer:
    """Describe the most accurate candidate and how sure that is, the fastest, and the fastest of the good ones.

    Args:
        ranking: Of the candidates that can be compared.
        latency: Where and at which size predictions were timed.
        budget: What each may spend on its training; None for finished runs.
    """
    if ranking.best is None:
        return Answer("No candidate has come to a score yet.", ())
    best, others = ranking.best, ranking.candidates[1:]
    if not others:
        score = percent(best.mean_iou.value)
        return Answer(
            f"`{best.name}` reaches {score} % mean IoU; there is nothing yet to compare it with.", (), best.name
        )
    pairs = list(ranking.behind_best.values())
    headline, details = _accuracy(best, others, pairs)
    details += _spent(budget)
    timed = [row for row in ranking.candidates if row.latency is not None]
    if not timed:
        return Answer(headline, (*details, "How fast they predict was not measured."), best.name)
    if are_alike(timed):
        lowest_ms = milliseconds(min(map(_median, timed)))
        about = f"All predict equally fast, in about {lowest_ms} ms for an image{_device(latency)}."
        return Answer(headline, (*details, about, *_setting(latency)), best.name)
    tied = {pair.worse for pair in pairs if not pair.is_real}
    lowest = best.mean_iou.value - NEAR
    fastest = fastest_of(timed)
    if best in timed and best not in fastest:  # named is one that is faster than the best
        fastest.sort(key=lambda row: not beats(row, best))
    near = fastest_of([row for row in timed if row.mean_iou.value >= lowest or row.name in tied])
    details += [*_speed(best, fastest[0], near, tied), *_setting(latency)]
    time = f"{milliseconds(_median(fastest[0]))} ms for an image{_device(latency)}"
    names, near_names = [row.name for row in fastest], [row.name for row in near]
    return Answer(
        headline=f"{headline} {_fastest(best, fastest, time)}",
        details=tuple(details),
        best=best.name,
        fastest=names[0],
        near=near_names[0] if near else None,
        as_fast=tuple(names[1:]),
        as_near=tuple(near_names[1:]),
    )


def _median(row: RankedCandidate) -> float:
    """Return the median latency in milliseconds; without end where it wasn't measured."""
    return float("inf") if row.latency is None else row.latency.p50_ms


def _fastest(best: RankedCandidate, fastest: Sequence[RankedCandidate], time: str) -> str:
    """Describe the fastest; candidates that are equally fast share the place."""
    first, *others = fastest
    name = f"`{first.name}`"
    if not others:
        return f"{'It is also' if first is best else f'{name} is'} the fastest: {time}."
    as_fast = f"as fast as {listing([row.name for row in others])}"
    if first is best:
        return f"Nothing is faster: {time}, {as_fast}."
    return f"{name} is {as_fast}, and nothing is faster: {time}."


def _accuracy(
    best: RankedCandidate, others: Sequence[RankedCandidate], pairs: Sequence[Difference]
) -> tuple[str, list[str]]:
    score, name = percent(best.mean_iou.value), best.name
    if len(pairs) < len(others):  # no intervals for some: how sure it is can't be computed
        return f"`{name}` has the highest mean IoU, {score} %.", ["Its certainty needs the counts of all."]
    tied = [pair for pair in pairs if not pair.is_real]
    if not tied:
        nearest = min(pairs, key=lambda pair: pair.lead.value)
        lead = f"a real lead of {points(nearest.lead.value)} over `{nearest.worse}`"
        sure = f"On other images of this kind the lead would be {_between(nearest)} (95 % interval)."
        return f"`{name}` is the most accurate: {score} % mean IoU, {lead}.", [sure]
    names = listing([pair.worse for pair in tied])
    if len(tied) == 1:
        pair = tied[0]
        why = f"`{pair.worse}` is {points(pair.lead.value)} lower on these images; on others of this kind the "
        why += f"difference may be anything {_between(pair)} (95 % interval)."
    else:
        why = "The intervals of their differences include zero: other images of this kind could order them differently."
    return f"`{name}` has the highest mean IoU, {score} %, but can't be distinguished from {names}.", [why]


def _speed(
    best: RankedCandidate, fastest: RankedCandidate, nearest: Sequence[RankedCandidate], tied: Container[str]
) -> list[str]:
    """Describe what the fastest costs in accuracy, and the fastest of the good ones."""
    if fastest is best:
        return []
    near = nearest[0] if nearest else None
    name, other = f"`{fastest.name}`", f"`{best.name}`"
    less = points(best.mean_iou.value - fastest.mean_iou.value)
    times = f"{_median(best) / _median(fastest):.1f} times as fast as {other}" if best.latency else None
    if near is fastest:
        it = "it" if times else other
        close = f"can't be distinguished from {it}"
        if fastest.name not in tied:
            close = f"is within one point of {it} ({less} lower)"
        return [f"{name} is {times} and {close}." if times else f"{name} {close}."]
    said = [f"{name} is {times}, at {less} less." if times else f"{name} is {less} lower."]
    if near is best:
        said.append("Nothing faster comes within one point of the best.")
    elif near is not None:
        kind = "that can't be distinguished from" if near.name in tied else "within one point of"
        who = (
            f"The fastest {kind} the best is" if len(nearest) == 1 else f"Of those {kind} the best none is faster than"
        )
        figures = f"{milliseconds(_median(near))} ms and {percent(near.mean_iou.value)} %"
        said.append(f"{who} `{near.name}`: {figures}.")
    return said


def _spent(budget: Budget | None) -> list[str]:
    """Describe how long all were trained, for a model that learns slowly may win in the end."""
    if budget is None:
        return []
    amount = duration(budget.amount) if budget.kind == "time" else f"{budget.amount:,.0f} {budget.kind}"
    return [f"All had {amount} of training; with more of it the order may change."]


def _device(latency: LatencyRecord | None) -> str:
    if latency is None:
        return ""
    return " on a GPU" if latency.is_on_gpu else " on a CPU"


def _setting(latency: LatencyRecord | None) -> list[str]:
    """Describe the machine and the size of the timings."""
    if latency is None:
        return []
    machine = latency.machine or "this machine"
    threads = latency.threads
    number = f" with {threads} thread{'s' if threads != 1 else ''}" if threads else ""
    return [f"Timed on {machine}{number}, images of {words(latency.size, 'size')} pixels."]


def points(share: float) -> str:
    """Write a difference of shares in points.

    Example:
        >>> points(0.031)
        '3.1 points'
    """
    text = f"{100 * share:.1f}"
    return f"{text} point" if text == "1.0" else f"{text} points"


def listing(names: Sequence[str]) -> str:
    """Write names one after the other; of many the first ones.

    Example:
        >>> listing(["unet", "erfnet", "segnet"])
        '`unet`, `erfnet` and `segnet`'
    """
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > MOST_NAMES + 1:
        quoted = [*quoted[:MOST_NAMES], f"{len(quoted) - MOST_NAMES} others"]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _between(pair: Difference) -> str:
    low, high = pair.lead.ends or (pair.lead.value, pair.lead.value)
    return f"between {100 * low:.1f} and {100 * high:.1f} points".replace("-", "−")
