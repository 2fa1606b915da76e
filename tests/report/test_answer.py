"""The answer in words."""

from dataclasses import replace

import pytest
from made_up_results import make_ranking, make_row

from sceneseg.records.comparison_plan import Budget
from sceneseg.records.environment import Environment
from sceneseg.records.interval import Interval
from sceneseg.records.latency import Latency, LatencyRecord
from sceneseg.report.comparison.answer import answer, listing, points
from sceneseg.report.comparison.results import Difference


def row(name, score, ms=None, **times):
    return make_row(name, score, None if ms is None else Latency(ms, **times))


def differences_of(rows, real):
    best = rows[0]
    return [
        Difference(
            best.name,
            other.name,
            Interval(best.mean_iou.value - other.mean_iou.value, 0.001 if other.name in real else -0.02, 0.08),
        )
        for other in rows[1:]
    ]


CPU = LatencyRecord((360, 480), 30, "cpu", {}, Environment(cpu="Some CPU", threads=2))
GPU = LatencyRecord((360, 480), 30, "cuda:0", {}, Environment(cpu="Some CPU", threads=2, gpu="Some GPU"))


def said(rows, real="abcdef", latency=None):
    found = answer(make_ranking(rows, differences_of(rows, real)), latency)
    return found.headline, " ".join(found.details), (found.best, found.fastest, found.near)


def test_a_clear_winner_that_is_slower():
    headline, details, named = said([row("a", 0.612, 30.0), row("b", 0.58, 12.5), row("c", 0.4, 5)], latency=CPU)
    assert headline == (
        "`a` is the most accurate: 61.2 % mean IoU, a real lead of 3.2 points over `b`. "
        "`c` is the fastest: 5.00 ms for an image on a CPU."
    )
    assert details == (
        "On other images of this kind the lead would be between 0.1 and 8.0 points (95 % interval). "
        "`c` is 6.0 times as fast as `a`, at 21.2 points less. Nothing faster comes within one point of the best. "
        "Timed on Some CPU with 2 threads, images of 360 × 480 pixels."
    )
    assert named == ("a", "c", "a")


def test_a_tie():
    headline, details, _ = said([row("a", 0.61, 9), row("b", 0.605, 8)], real="", latency=GPU)
    assert headline == (
        "`a` has the highest mean IoU, 61.0 %, but can't be distinguished from `b`. "
        "`b` is the fastest: 8.00 ms for an image on a GPU."
    )
    assert "`b` is 0.5 points lower on these images" in details
    assert "anything between −2.0 and 8.0 points" in details
    assert "`b` is 1.1 times as fast as `a` and can't be distinguished from it." in details
    assert details.endswith("Timed on Some GPU, images of 360 × 480 pixels.")


def test_several_ties_and_somebody_in_between():
    headline, details, named = said(
        [row("a", 0.61, 300.0), row("b", 0.605, 80.0), row("c", 0.603, 90.0), row("d", 0.3, 7.0)], real="d"
    )
    assert "can't be distinguished from `b` and `c`. `d` is the fastest" in headline
    assert "include zero" in details
    assert "The fastest that can't be distinguished from the best is `b`: 80.0 ms and 60.5 %." in details
    assert named == ("a", "d", "b")


def test_a_point_less_is_near_even_when_the_difference_is_real():
    _, details, named = said([row("a", 0.61, 300.0), row("b", 0.603, 80.0), row("c", 0.3, 7.0)])
    assert "The fastest within one point of the best is `b`: 80.0 ms and 60.3 %." in details
    assert named == ("a", "c", "b")
    assert (
        "`b` is 3.8 times as fast as `a` and is within one point of it (0.7 points lower)."
        in said([row("a", 0.61, 300.0), row("b", 0.603, 80.0)])[1]
    )


def test_the_best_is_the_fastest_too():
    headline, details, named = said([row("a", 0.6, 3), row("b", 0.5, 4)])
    assert headline.endswith(" It is also the fastest: 3.00 ms for an image.")
    assert "times as fast" not in details
    assert named == ("a", "a", "a")


def test_noise_of_the_clock_makes_nobody_faster():
    headline, details, named = said([row("a", 0.6, 8.1), row("b", 0.5, 8.0)], latency=CPU)
    assert "fast" not in headline
    assert "All predict equally fast, in about 8.00 ms for an image on a CPU. Timed on" in details
    assert named == ("a", None, None)
    headline, _, named = said([row("a", 0.6, 8.1), row("b", 0.5, 8.0), row("c", 0.4, 20)])
    assert headline.endswith(" Nothing is faster: 8.10 ms for an image, as fast as `b`.")
    assert named == ("a", "a", "a")


def test_the_lowest_median_is_not_the_fastest_within_the_spread():
    """Medians 3 % apart, and the other has the lower p95: nobody is the fastest."""
    rows = [
        row("a", 0.6, 11.705, p95_ms=14.9, p25_ms=11.4, p75_ms=12.2),
        row("b", 0.5, 12.106, p95_ms=13.9, p25_ms=11.8, p75_ms=12.5),
        row("c", 0.4, 60.0, p95_ms=70.0, p25_ms=58.0, p75_ms=62.0),
    ]
    headline, details, named = said(rows, latency=CPU)
    assert headline.endswith("Nothing is faster: 11.7 ms for an image on a CPU, as fast as `b`.")
    assert "fastest" not in headline + details
    assert named == ("a", "a", "a")
    older = [replace(one, latency=replace(one.latency, p25_ms=None, p75_ms=None)) for one in rows]
    assert said(older, latency=CPU)[0] == headline, "and without quartiles"


def test_of_equally_fast_ones_the_more_accurate_is_named():
    rows = [row("a", 0.61, 30), row("b", 0.6, 20), row("c", 0.5, 8.1), row("d", 0.3, 8)]
    headline, details, named = said(rows, real="cd")
    assert headline.endswith(" `c` is as fast as `d`, and nothing is faster: 8.10 ms for an image.")
    assert "`c` is 3.7 times as fast as `a`, at 11.0 points less." in details
    assert named == ("a", "c", "b")
    assert (
        "Of those within one point of the best none is faster than `b`: 20.0 ms"
        in said([row("a", 0.61, 30), row("b", 0.605, 20), row("e", 0.604, 20.1), row("c", 0.5, 8)])[1]
    )


def test_one_alone_none_and_untimed():
    assert said([row("a", 0.6)])[0] == "`a` reaches 60.0 % mean IoU; there is nothing yet to compare it with."
    assert answer(make_ranking([])).best is None
    assert said([row("a", 0.6), row("b", 0.5)])[1].endswith("How fast they predict was not measured.")
    headline, details, _ = said([row("a", 0.6), row("b", 0.5, 4)])
    assert headline.endswith("`b` is the fastest: 4.00 ms for an image.")
    assert details.endswith("`b` is 10.0 points lower.")


@pytest.mark.parametrize(
    ("kind", "amount", "words"), [("time", 300.0, "5 min"), ("steps", 2000, "2,000 steps"), ("epochs", 20, "20 epochs")]
)
def test_the_budget_is_part_of_the_answer(kind, amount, words):
    rows = [row("a", 0.6), row("b", 0.5)]
    details = answer(make_ranking(rows, differences_of(rows, "b")), None, Budget(kind, amount)).details
    assert f"All had {words} of training; with more of it the order may change." in details


def test_words():
    assert listing(["a", "b", "c"]) == "`a`, `b` and `c`"
    assert listing(list("abcd")) == "`a`, `b`, `c` and `d`"
    assert listing(list("abcdefg")) == "`a`, `b`, `c` and 4 others"
    assert points(0.01) == "1.0 point"
