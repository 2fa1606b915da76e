"""Ranked candidates of which only what a test asks for is set."""

from collections.abc import Sequence

from sceneseg.records.interval import Interval
from sceneseg.records.latency import Latency
from sceneseg.report.comparison.results import ClassSet, Cost, Difference, RankedCandidate, Ranking, Sources


def make_row(name: str, score: float = 0.5, latency: Latency | None = None) -> RankedCandidate:
    """Make a candidate with a score and a latency."""
    return RankedCandidate(
        name=name,
        changes={},
        model=name,
        folders=(name,),
        not_finished=(),
        mean_iou=Interval(score),
        seeds=(score,),
        pixel_accuracy=None,
        classes={},
        objects=None,
        cost=Cost(),
        latency=latency,
        no_latency="",
        sources=Sources((), (), (), (), (), ()),
    )


def make_ranking(rows: Sequence[RankedCandidate], differences: Sequence[Difference] = ()) -> Ranking:
    """Make a ranking of candidates, given from the best to the worst."""
    return Ranking(ClassSet((), (), "skip"), tuple(rows), tuple(differences))
