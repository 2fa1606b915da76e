"""The answer to the question "which model?", in sentences; a name stands between backticks."""

from collections.abc import Container, Sequence

from sceneseg.report.comparison.speed import are_alike, fastest_of, is_faster
from sceneseg.report.formatting import duration, milliseconds, percent, words
from sceneseg.report.run.run_reader import Plain

NEAR = 0.01
"""A point of mean IoU: what a faster model may cost before one has to think about it."""
MOST_NAMES = 3
"""Names that a sentence lists before it counts the others."""


def answer(
    ranked: Sequence[Plain], pairs: Sequence[Plain], latency: Plain | None = None, budget: Plain | None = None
) -> Plain:
    """Say who is the most accurate and how sure that is, who is the fastest, and who is the fastest of the good ones.

    Args:
        ranked: Candidates from the best to the worst.
        pairs: What the bootstrap says of each pair.
        latency: Where and at which size predictions were timed.
        budget: What each may spend on its training; None for runs that were there.

    Returns:
        headline (what to know if one reads nothing else), details (a list of sentences), and the names best, fastest
        and near (the fastest within a point of the best, or not to be told apart from it), None where there is none.
        Of several that are as fast as each other the most accurate is named; the others stand under as_fast and
        as_near.
    """
    if not ranked:
        return _result("No candidate has come to a score yet.", [])
    best = ranked[0]
    score = percent(best["mean_iou"]["value"])
    if len(ranked) == 1:
        said = f"`{best['name']}` reaches {score} % mean IoU; there is nothing yet to compare it with."
        return _result(said, [], best["name"])
    headline, details = _accuracy(best, ranked[1:], [p for p in pairs if p["better"] == best["name"]])
    details += _spent(budget)
    timed = [row for row in ranked if row.get("p50_ms") is not None]
    if not timed:
        return _result(headline, [*details, "How fast they predict was not measured."], best["name"])
    if are_alike(timed):
        lowest_ms = min(row["p50_ms"] for row in timed)
        about = f"All predict equally fast, in about {milliseconds(lowest_ms)} ms for an image{_device(latency)}."
        return _result(headline, [*details, about, *_setting(latency)], best["name"])
    tied = {p["worse"] for p in pairs if p["better"] == best["name"] and not p["real"]}
    lowest = best["mean_iou"]["value"] - NEAR
    fastest = fastest_of(timed)
    if best in timed and best not in fastest:  # named is one that is faster than the best
        fastest.sort(key=lambda row: not is_faster(row, best))
    near = fastest_of([row for row in timed if row["mean_iou"]["value"] >= lowest or row["name"] in tied])
    details += [*_speed(best, fastest[0], near, tied), *_setting(latency)]
    time = f"{milliseconds(fastest[0]['p50_ms'])} ms for an image{_device(latency)}"
    headline += f" {_fastest(best, fastest, time)}"
    return _result(headline, details, best["name"], fastest, near)


def _fastest(best: Plain, fastest: Sequence[Plain], time: str) -> str:
    """Say who is the fastest; several that are as fast as each other share that."""
    first, *others = fastest
    name = f"`{first['name']}`"
    if not others:
        return f"{'It is also' if first is best else f'{name} is'} the fastest: {time}."
    as_fast = f"as fast as {listing([row['name'] for row in others])}"
    if first is best:
        return f"Nothing is faster: {time}, {as_fast}."
    return f"{name} is {as_fast}, and nothing is faster: {time}."


def _result(
    headline: str,
    details: list[str],
    best: str | None = None,
    fastest: Sequence[Plain] = (),
    near: Sequence[Plain] = (),
) -> Plain:
    fastest_names, near_names = [row["name"] for row in fastest], [row["name"] for row in near]
    return {
        "headline": headline,
        "details": details,
        "best": best,
        "fastest": fastest_names[0] if fastest else None,
        "near": near_names[0] if near else None,
        "as_fast": fastest_names[1:],
        "as_near": near_names[1:],
    }


def _accuracy(best: Plain, others: Sequence[Plain], pairs: Sequence[Plain]) -> tuple[str, list[str]]:
    score = percent(best["mean_iou"]["value"])
    name = best["name"]
    if len(pairs) < len(others):  # no intervals for some: nothing can be said of how sure it is
        return f"`{name}` has the highest mean IoU, {score} %.", ["How sure that is can't be said without all counts."]
    tied = [pair for pair in pairs if not pair["real"]]
    if not tied:
        nearest = min(pairs, key=lambda pair: pair["difference"])
        lead = f"a real lead of {points(nearest['difference'])} over `{nearest['worse']}`"
        sure = f"On other images of this kind the lead would be {_between(nearest)} (95 % interval)."
        return f"`{name}` is the most accurate: {score} % mean IoU, {lead}.", [sure]
    names = listing([pair["worse"] for pair in tied])
    if len(tied) == 1:
        pair = tied[0]
        why = f"`{pair['worse']}` is {points(pair['difference'])} lower on these images; on others of this kind the "
        why += f"difference may be anything {_between(pair)} (95 % interval)."
    else:
        why = "The intervals of their differences include zero: other images of this kind could order them differently."
    return f"`{name}` has the highest mean IoU, {score} %, but can't be told apart from {names}.", [why]


def _speed(best: Plain, fastest: Plain, nearest: Sequence[Plain], tied: Container[str]) -> list[str]:
    """Say what the fastest costs in accuracy, and who is the fastest of the good ones."""
    if fastest is best:
        return []
    near = nearest[0] if nearest else None
    name, other = f"`{fastest['name']}`", f"`{best['name']}`"
    less = points(best["mean_iou"]["value"] - fastest["mean_iou"]["value"])
    times = f"{best['p50_ms'] / fastest['p50_ms']:.1f} times as fast as {other}" if best.get("p50_ms") else None
    if near is fastest:
        it = "it" if times else other
        close = f"can't be told apart from {it}"
        if fastest["name"] not in tied:
            close = f"is within one point of {it} ({less} lower)"
        return [f"{name} is {times} and {close}." if times else f"{name} {close}."]
    said = [f"{name} is {times}, at {less} less." if times else f"{name} is {less} lower."]
    if near is best:
        said.append("Nothing faster comes within one point of the best.")
    elif near is not None:
        kind = "that can't be told apart from" if near["name"] in tied else "within one point of"
        who = (
            f"The fastest {kind} the best is" if len(nearest) == 1 else f"Of those {kind} the best none is faster than"
        )
        figures = f"{milliseconds(near['p50_ms'])} ms and {percent(near['mean_iou']['value'])} %"
        said.append(f"{who} `{near['name']}`: {figures}.")
    return said


def _spent(budget: Plain | None) -> list[str]:
    """Say how long all were trained, for a model that learns slowly may win in the end."""
    if budget is None:
        return []
    amount = duration(budget["amount"]) if budget["kind"] == "time" else f"{budget['amount']:,} {budget['kind']}"
    return [f"All had {amount} of training; with more of it the order may change."]


def _device(latency: Plain | None) -> str:
    if latency is None:
        return ""
    return " on a GPU" if str(latency.get("device")).startswith("cuda") else " on a CPU"


def _setting(latency: Plain | None) -> list[str]:
    """Say where it was timed, and at which size."""
    if latency is None:
        return []
    facts = latency.get("environment", {})
    where = facts.get("gpu") if _device(latency) == " on a GPU" else facts.get("cpu")
    threads = facts.get("threads") if _device(latency) == " on a CPU" else None
    number = f" with {threads} thread{'s' if threads != 1 else ''}" if threads else ""
    return [f"Timed on {where or 'this machine'}{number}, images of {words(latency['size'], 'size')} pixels."]


def points(share: float) -> str:
    """Write a difference of shares in points: "3.1 points"."""
    text = f"{100 * share:.1f}"
    return f"{text} point" if text == "1.0" else f"{text} points"


def listing(names: Sequence[str]) -> str:
    """Write names one after the other, "`a`, `b` and `c`"; of many the first ones."""
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > MOST_NAMES + 1:
        quoted = [*quoted[:MOST_NAMES], f"{len(quoted) - MOST_NAMES} others"]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _between(pair: Plain) -> str:
    return f"between {100 * pair['low']:.1f} and {100 * pair['high']:.1f} points".replace("-", "−")
