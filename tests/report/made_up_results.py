"""Results of a comparison of which only what a test asks for is set."""

from collections.abc import Sequence

from sceneseg.records.environment import environment
from sceneseg.records.interval import Interval
from sceneseg.records.latency import Latency
from sceneseg.report.comparison.results import (
    Answer,
    ClassSet,
    ComparisonResults,
    Cost,
    Difference,
    RankedCandidate,
    Ranking,
    Sources,
)


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


def make_results(ranking: Ranking) -> ComparisonResults:
    """Make the results of a comparison that has nothing but a ranking."""
    return ComparisonResults(
        name="question",
        environment=environment(),
        command=None,
        budget=None,
        answer=Answer("", ()),
        protocol=None,
        ranking=ranking,
        incomparable=(),
        without_score=(),
        latency=None,
        settings={},
        notes=(),
    )
