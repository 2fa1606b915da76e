"""The protocol that a score carries, and the scores of counts under it."""

from hashlib import sha256
from typing import Any

from sceneseg.datasets.base import SceneDataset
from sceneseg.inference.predictor import SemanticModel
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.version import __version__


def score(counts: SemanticCounts, protocol: dict[str, Any]) -> dict[str, Any]:
    """Return the contents of metrics.json: the protocol and every score."""
    return {"protocol": protocol, **semantic_scores(counts, counts.label_space, void=protocol["void"])}


def evaluation_protocol(dataset: SceneDataset, model: SemanticModel | None, void: str = "ignore") -> dict[str, Any]:
    """Say how a score comes about; scores of unlike protocols can't be ranked.

    Args:
        dataset: The scored split.
        model: What predicts; None when predictions come from files.
        void: "ignore": void truth never counts. "false_positive": a class predicted there is wrong.
    """
    names = "\n".join(files.name for files in dataset.files)
    protocol = {
        "dataset": dataset.name,
        "split": dataset.split,
        "images": len(dataset),
        "split_hash": sha256(names.encode()).hexdigest()[:16],
        "label_space": dataset.label_space.name,
        "scored_at": "native size of the labels",
        "void": void,
        "scorer": f"sceneseg {__version__}",
    }
    if model is not None:
        protocol |= {
            "input_size": list(model.input.target_size) if model.input.target_size else "native",
            "precision": model.input.precision,
            "window": "whole image",
            "tta": "none",
        }
    return protocol
