"""Results of a comparison: the records that `comparison.json` and the page are made of."""

from dataclasses import dataclass

from sceneseg.records.comparison_plan import Budget
from sceneseg.records.environment import Environment
from sceneseg.records.interval import Interval
from sceneseg.records.joint_scores import JointScores
from sceneseg.records.latency import Latency, LatencyRecord
from sceneseg.records.protocol import AbsentRule, Protocol
from sceneseg.records.scores import BandScores

Files = tuple[str, ...]
"""Paths relative to the comparison's folder."""


@dataclass(frozen=True)
class Cost:
    """The cost of a model; a part is None where the run doesn't tell it.

    Args:
        parameters: Number of weights.
        gmacs: Billions of multiply-adds for an image.
        training_seconds: Mean of its trainings.
        steps: Of a training.
        images_per_second: Of a training, median of its epochs.
    """

    parameters: float | None = None
    gmacs: float | None = None
    training_seconds: float | None = None
    steps: float | None = None
    images_per_second: float | None = None


@dataclass(frozen=True)
class Sources:
    """The files that a candidate's figures come from.

    Args:
        scores: Of the mean IoU and the classes.
        counts: Of intervals, differences and objects.
        model: Of parameters and operations.
        training_seconds: Of the training time, one for each training.
        history: Of steps and images per second.
        latency: Of latency and memory.
    """

    scores: Files
    counts: Files
    model: Files
    training_seconds: Files
    history: Files
    latency: Files


@dataclass(frozen=True)
class RankedCandidate:
    """A candidate with its figures.

    Args:
        name: Unique within the comparison.
        changes: Intended differences: dotted configuration key -> value.
        model: Its registry name; None where the configuration lacks it.
        folders: The runs that are scored.
        not_finished: Those that aren't, "FOLDER: reason".
        mean_iou: In [0, 1]; the mean over its runs.
        seeds: Mean IoU of each run.
        pixel_accuracy: In [0, 1]; the mean over its runs.
        classes: IoU of each class; None where it doesn't count.
        objects: Recall of objects by size, small ones first; None where the data set has no single objects.
        cost: Parameters, operations, training.
        latency: None where it wasn't measured.
        no_latency: Why it wasn't measured.
        sources: Files of the figures.
        on_front: Whether no other candidate is both faster and more accurate.
    """

    name: str
    changes: dict[str, object]
    model: str | None
    folders: Files
    not_finished: tuple[str, ...]
    mean_iou: Interval
    seeds: tuple[float, ...]
    pixel_accuracy: float | None
    classes: dict[str, float | None]
    objects: tuple[BandScores, ...] | None
    cost: Cost
    latency: Latency | None
    no_latency: str
    sources: Sources
    on_front: bool = False


@dataclass(frozen=True)
class Difference:
    """The difference of two candidates, by paired bootstrap.

    Args:
        better: Name of the candidate with the higher mean IoU.
        worse: Name of the other one.
        lead: How far the better one is above the other, in mean IoU.

    Example:
        >>> Difference("unet", "erfnet", Interval(0.03, -0.01, 0.07)).is_real
        False
    """

    better: str
    worse: str
    lead: Interval

    @property
    def is_real(self) -> bool:
        """Whether the interval of the difference lies on one side of zero."""
        return self.lead.excludes_zero


@dataclass(frozen=True)
class ClassSet:
    """The classes that means are over.

    Args:
        names: Those that count.
        left_out: Those of the label space that don't, as the labels of the split have no pixel of them.
        absent: "skip" leaves such classes out, "zero" counts them as 0 (then nothing is left out).

    Example:
        >>> ClassSet(("road", "car"), ("train",), "skip").total
        3
    """

    names: tuple[str, ...]
    left_out: tuple[str, ...]
    absent: AbsentRule

    @property
    def total(self) -> int:
        """Number of classes of the label space."""
        return len(self.names) + len(self.left_out)


@dataclass(frozen=True)
class Ranking:
    """Candidates that can be compared, ranked.

    Args:
        classes: Those that the means are over.
        candidates: From the best to the worst.
        differences: Of each pair whose interval is known.
    """

    classes: ClassSet
    candidates: tuple[RankedCandidate, ...]
    differences: tuple[Difference, ...]

    @property
    def best(self) -> RankedCandidate | None:
        """The candidate with the highest mean IoU."""
        return self.candidates[0] if self.candidates else None

    @property
    def behind_best(self) -> dict[str, Difference]:
        """Distance of the others from the best one, by name; without those whose interval isn't known."""
        best = self.candidates[0].name if self.candidates else None
        return {difference.worse: difference for difference in self.differences if difference.better == best}


@dataclass(frozen=True)
class Incomparable:
    """Candidates that can't be compared with the others, ranked among themselves.

    Args:
        reasons: What distinguishes them from the others.
        ranking: Of these candidates.
    """

    reasons: tuple[str, ...]
    ranking: Ranking


@dataclass(frozen=True)
class Unscored:
    """A candidate without a score.

    Args:
        name: Unique within the comparison.
        changes: Intended differences: dotted configuration key -> value.
        reason: Why it has none.
        folder: Of its run.
    """

    name: str
    changes: dict[str, object]
    reason: str
    folder: str


@dataclass(frozen=True)
class Answer:
    """The answer to the question "which model?"; names stand between backticks.

    Args:
        headline: What to know if one reads nothing else.
        details: Sentences.
        best: Name of the most accurate candidate; None where there is none.
        fastest: Name of the fastest; of several that are as fast as each other, the most accurate.
        near: Name of the fastest within a point of the best, or not distinguishable from it.
        as_fast: Those that are as fast as the fastest.
        as_near: Those that are as fast as `near`.
    """

    headline: str
    details: tuple[str, ...]
    best: str | None = None
    fastest: str | None = None
    near: str | None = None
    as_fast: tuple[str, ...] = ()
    as_near: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceFiles:
    """Files that several figures come from.

    Args:
        figures: Their titles, separated by commas.
        files: One or more.
    """

    figures: str
    files: Files


@dataclass(frozen=True)
class ComparisonResults:
    """Everything that is known of a comparison.

    Args:
        name: Of its folder.
        environment: Machine and versions that the results were made with .
        command: The command line that planned the comparison.
        budget: Of each candidate; None where finished runs are compared.
        answer: In words.
        protocol: Of the ranked scores; None where none is ranked.
        ranking: Of the largest group of candidates that can be compared.
        incomparable: The other groups.
        without_score: Candidates without a score.
        latency: How latencies were measured; None where none were.
        settings: Configuration keys in which the ranked candidates differ: key -> candidate -> value in words.
        notes: What a reader has to know of the scores.
        joint_scores: The label space that all are scored in; None where each is scored in its own.
        joined: Names of the candidates that were joined to it.
        sources: Files of all figures.
    """

    name: str
    environment: Environment
    command: str | None
    budget: Budget | None
    answer: Answer
    protocol: Protocol | None
    ranking: Ranking
    incomparable: tuple[Incomparable, ...]
    without_score: tuple[Unscored, ...]
    latency: LatencyRecord | None
    settings: dict[str, dict[str, str]]
    notes: tuple[str, ...]
    joint_scores: JointScores | None = None
    joined: tuple[str, ...] = ()
    sources: tuple[SourceFiles, ...] = ()
