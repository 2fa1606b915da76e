"""The protocol that a score carries, and the scores of counts under it."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from sceneseg.datasets.base import SceneDataset
from sceneseg.inference.predictor import SemanticModel
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.version import __version__


def score(counts: SemanticCounts, protocol: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of metrics.json: the protocol and every score."""
    return {
        "protocol": protocol,
        **semantic_scores(counts, counts.label_space, protocol["void"], protocol.get("absent", "skip")),
    }


def evaluation_protocol(
    dataset: SceneDataset,
    counts: SemanticCounts,
    model: SemanticModel | None,
    void: str = "ignore",
    absent: str = "skip",
) -> dict[str, Any]:
    """Say how a score comes about; scores of unlike protocols can't be ranked.

    Args:
        dataset: The scored split.
        counts: What was counted on it.
        model: What predicts; None when predictions come from files.
        void: "ignore": void truth never counts. "false_positive": a class predicted there is wrong.
        absent: "skip": a class that occurs in neither truth nor prediction has no score. "zero": its score is 0.
    """
    names = [files.name for files in dataset.files if files.name in counts.images]
    protocol = {
        "dataset": dataset.name,
        "split": dataset.split,
        "images": len(names),
        "split_hash": sha256("\n".join(names).encode()).hexdigest()[:16],
        "labels_hash": counts.labels_hash,
        "label_space": dataset.label_space.name,
        "scored_at": "native size of the labels",
        "void": void,
        "absent": absent,
        "scorer": f"sceneseg {__version__}",
    }
    if len(names) < len(dataset):
        protocol["part"] = f"{len(names)} of {len(dataset)} images"
    if counts.labels_hash is None:
        del protocol["labels_hash"]
    if model is not None:
        protocol |= {
            "input_size": list(model.input.target_size) if model.input.target_size else "native",
            "precision": model.input.precision,
            "window": "whole image",
            "tta": "none",
        }
    return protocol


def other_truth(protocol: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two scores are known to be measured against different labels of the same images.

    That isn't known of scores of versions that kept no `labels_hash`, nor of counts made in unlike label spaces, such
    as those of 19 classes and those of the 7 categories that they were joined to.
    """
    ours, theirs = (str(one.get("labels_hash") or "").partition("-") for one in (protocol, other))
    return bool(ours[2] and theirs[2]) and ours[0] == theirs[0] and ours[2] != theirs[2]
