"""The protocol that a score carries, and the scores of counts under it."""

from dataclasses import replace
from hashlib import sha256
from typing import Literal

from sceneseg.arrays import ImageSize
from sceneseg.datasets.base import SceneDataset
from sceneseg.inference.predictor import SemanticModel
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.scores import semantic_scores
from sceneseg.records.protocol import AbsentRule, Protocol, VoidRule
from sceneseg.records.scores import Scores
from sceneseg.version import __version__


def score(counts: SemanticCounts, protocol: Protocol) -> Scores:
    """Return the scores of counts by the rules of a protocol."""
    found = semantic_scores(counts, protocol.void or "ignore", protocol.absent or "skip")
    return replace(found, protocol=protocol)


def evaluation_protocol(
    dataset: SceneDataset,
    counts: SemanticCounts,
    model: SemanticModel | None,
    void: VoidRule = "ignore",
    absent: AbsentRule = "skip",
) -> Protocol:
    """Describe how a score is measured; scores of different protocols can't be ranked.

    Args:
        dataset: The scored split.
        counts: What was counted on it.
        model: What predicts; None when predictions come from files.
        void: "ignore": void truth never counts. "false_positive": a class predicted there is wrong.
        absent: "skip": a class that occurs in neither truth nor prediction has no score. "zero": its score is 0.
    """
    names = [files.name for files in dataset.files if files.name in counts.images]
    protocol = Protocol(
        dataset=dataset.name,
        split=dataset.split,
        images=len(names),
        split_hash=sha256("\n".join(names).encode()).hexdigest()[:16],
        labels_hash=counts.labels_hash,
        label_space=dataset.label_space.name,
        scored_at="native size of the labels",
        void=void,
        absent=absent,
        scorer=f"sceneseg {__version__}",
        part=f"{len(names)} of {len(dataset)} images" if len(names) < len(dataset) else None,
    )
    if model is None:
        return protocol
    size: Literal["native"] | ImageSize = model.input.target_size or "native"
    return replace(protocol, input_size=size, precision=model.input.precision, window="whole image", tta="none")
