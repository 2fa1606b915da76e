"""The answer in words."""

from sceneseg.report.answer import answer, listing, points


def row(name, score, ms=None):
    return {"name": name, "mean_iou": {"value": score}, **({} if ms is None else {"p50_ms": ms})}


def pairs_of(rows, real):
    best = rows[0]
    return [
        {
            "better": best["name"],
            "worse": other["name"],
            "difference": best["mean_iou"]["value"] - other["mean_iou"]["value"],
            "low": 0.001 if other["name"] in real else -0.02,
            "high": 0.08,
            "real": other["name"] in real,
        }
        for other in rows[1:]
    ]


def said(rows, real="abcdef"):
    found = answer(rows, pairs_of(rows, real))
    return found["headline"], " ".join(found["details"]), (found["best"], found["fastest"], found["near"])


def test_a_clear_winner_that_is_slower():
    headline, details, named = said([row("a", 0.612, 30.0), row("b", 0.58, 12.5), row("c", 0.4, 5)])
    assert headline == "`a` is the most accurate: 61.2 % mean IoU, 3.2 points above `b`."
    assert "The lead is real" in details
    assert "between 0.1 and 8.0 points" in details
    assert "`c` is the fastest: 5.00 ms for an image, against 30.0 ms, at 21.2 points less." in details
    assert "Within one point of the best nothing is faster than it." in details
    assert named == ("a", "c", "a")


def test_a_tie():
    headline, details, _ = said([row("a", 0.61, 9), row("b", 0.605, 8)], real="")
    assert headline == "`a` has the highest mean IoU, 61.0 %, but can't be told apart from `b`."
    assert "`b` is 0.5 points lower on these images" in details
    assert "anything between −2.0 and 8.0 points" in details
    assert "`b` is the fastest: 8.00 ms for an image, against 9.00 ms, and within one point of the best" in details


def test_several_ties_and_somebody_in_between():
    headline, details, named = said(
        [row("a", 0.61, 300.0), row("b", 0.605, 80.0), row("c", 0.603, 90.0), row("d", 0.3, 7.0)], real="d"
    )
    assert headline.endswith("can't be told apart from `b` and `c`.")
    assert "include zero" in details
    assert "The fastest within one point of the best is `b`: 80.0 ms and 60.5 %." in details
    assert named == ("a", "d", "b")


def test_the_best_is_the_fastest_too():
    assert "It is also the fastest: 3.00 ms for an image." in said([row("a", 0.6, 3), row("b", 0.5, 4)])[1]


def test_one_alone_none_and_untimed():
    assert said([row("a", 0.6)])[0] == "`a` reaches 60.0 % mean IoU; there is nothing yet to compare it with."
    assert answer([], [])["best"] is None
    assert said([row("a", 0.6), row("b", 0.5)])[1].endswith("How fast they predict was not measured.")
    assert said([row("a", 0.6), row("b", 0.5, 4)])[1].endswith(
        "`b` is the fastest: 4.00 ms for an image, at 10.0 points less."
    )


def test_words():
    assert listing(["a", "b", "c"]) == "`a`, `b` and `c`"
    assert points(0.01) == "1.0 point"
