"""Classes that can't be learned from what is there."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from sceneseg.doctor.findings import Finding, Patient


def void_splits(patient: Patient) -> Iterator[Finding]:
    """Find splits for training or validation in which no pixel has a class, as far as their masks were read."""
    for split, part in patient.parts.items():
        labels = [pair.labels for pair in part if pair.labels is not None]
        if labels and split != "test" and not any(counts[: len(patient.space)].any() for counts in labels):
            yield Finding(
                "void-split",
                "error",
                f"no pixel of {split} has a class, all are void",
                (split,),
                "There is nothing to learn from, or no score to choose the best weights by.",
                "Compare the ids in the masks with the ids of the classes: `sceneseg data stats` shows both.",
            )


def empty_classes(patient: Patient) -> Iterator[Finding]:
    """Find classes without a pixel in train, or with pixels in val only."""
    names = patient.space.names
    seen = {split: _seen(patient, split) for split in patient.parts}
    present = [name for i, name in enumerate(names) if any(found[i] for found in seen.values())]
    if len(present) < 2 and any(pair.labels is not None for pair in patient.pairs):
        yield Finding(
            "single-class",
            "error",
            f'only {len(present)} of the {len(names)} classes of "{patient.space.name}" occurs',
            tuple(present),
            "A model that always answers with it would score 100 %.",
            "Compare the ids in the masks with the ids of the classes: `sceneseg data stats` shows both.",
        )
    if "train" not in seen or len(present) < 2:
        return
    val = seen.get("val", np.zeros(len(names), bool))
    unlearned = [name for i, name in enumerate(names) if val[i] and not seen["train"][i]]
    empty = [name for i, name in enumerate(names) if not seen["train"][i] and not val[i]]
    if unlearned:
        yield Finding(
            "only-in-val",
            "warning",
            "classes occur in val and not in train",
            tuple(unlearned),
            "They can't be learned and score 0.",
            "Move some of their images from val to train.",
        )
    if empty:
        yield Finding(
            "empty-classes",
            "warning",
            "classes have no pixel in train",
            tuple(empty),
            "Nothing can be learned of them; they don't count in the mean, unless they are predicted.",
            "Add images of them, or choose classes with --label-space FILE.",
        )


def _seen(patient: Patient, split: str) -> npt.NDArray[np.bool_]:
    counts = [pair.labels for pair in patient.parts[split] if pair.labels is not None]
    total = np.sum(counts, axis=0) if counts else np.zeros(256)
    return np.asarray(total[: len(patient.space)] > 0)
