"""Classes that can't be learned from what is there."""

from collections.abc import Iterator
from math import comb

import numpy as np
import numpy.typing as npt

from sceneseg.doctor.facts import Pair
from sceneseg.doctor.findings import Finding, Patient, of_masks, plural
from sceneseg.labels import IGNORE_INDEX

CHANCE = 0.05
"""The probability from which on void and a class that never meet can have done so by chance."""


def void_splits(patient: Patient) -> Iterator[Finding]:
    """Find a split for validation in which no pixel has a class; one for training has none of two or more."""
    for split, part in patient.parts.items():
        labels = [pair.labels for pair in part if pair.labels is not None]
        if (
            labels
            and split not in {"train", "test"}
            and not any(counts[: len(patient.space)].any() for counts in labels)
        ):
            yield Finding(
                "void-split",
                "error",
                f"no pixel of {split} has a class, all are void",
                (split,),
                "There is no score to choose the best weights by.",
                "Compare the ids in the masks with the ids of the classes: `sceneseg data stats` shows both.",
            )


def empty_classes(patient: Patient) -> Iterator[Finding]:
    """Find classes without a pixel in train, or with pixels in val only."""
    names = patient.space.names
    if all(pair.labels is None for pair in patient.pairs):
        return
    seen = {split: _seen(patient, split) for split in patient.parts}
    present = [name for i, name in enumerate(names) if any(found[i] for found in seen.values())]
    if len(present) < 2:
        number = "no class" if not present else f"only {len(present)} of the {len(names)} classes"
        what = "there is only one class" if len(names) == 1 else f'{number} of "{patient.space.name}" occurs'
        yield _too_few(patient, patient.pairs, what, present)
        return
    if "train" not in seen or _unlabeled(patient, "train"):
        return
    learned = [name for i, name in enumerate(names) if seen["train"][i]]
    if len(learned) < 2:
        number = f"only {learned[0]} occurs" if learned else "no pixel has a class"
        yield _too_few(patient, patient.parts["train"], f"{number} in train", learned)
        return
    val = seen.get("val", np.zeros(len(names), bool))
    if sum(val) == 1:  # of none `void_splits` tells
        scored = [name for i, name in enumerate(names) if val[i]]
        yield _too_few(patient, patient.parts["val"], f"only {scored[0]} occurs in val", scored)
        return
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
            "Add images of them, or leave them out with a file as `label_space`.",
        )


def _too_few(patient: Patient, pairs: list[Pair], what: str, present: list[str]) -> Finding:
    why = "A model that always answers with it would score 100 %." if present else "There is nothing to learn."
    return Finding("single-class", "error", what, tuple(present), why, _cure(patient, pairs))


def _cure(patient: Patient, pairs: list[Pair]) -> str:
    """Return how a truth with one class or none gets a second."""
    names = patient.space.names
    values = {value for pair in pairs for value in pair.values or {}}
    if len(names) == 1 and values == {0, IGNORE_INDEX}:
        both = f"names [background, {names[0]}]"
        if patient.in_memory:
            return f"255 means void: give {both}, and labels 0 and 1 in place of 0 and 255."
        return f"255 means void; name the background, too: {both} with ids {{0: background, 255: {names[0]}}}."
    if len(names) == 1:
        if patient.in_memory:
            return f"Give a second one, for example [background, {names[0]}]."
        return f"Name what else is to be seen, for example names [background, {names[0]}]."
    seen = f"found {', '.join(map(str, sorted(values)[:8]))}; " if values else ""
    if patient.in_memory:
        return f"Compare the labels with the ids of the classes ({seen}the first class is 0, and 255 is void)."
    return f"Compare the ids in the masks with those of the classes ({seen}`sceneseg data stats` counts the classes)."


def mixed_void(patient: Patient) -> Iterator[Finding]:
    """Find two classes of which one seems to be 1 in some masks and 255, which is void, in others."""
    space = patient.space
    if len(space) != 2 or IGNORE_INDEX not in space.void_ids:
        return
    pairs = [pair for pair in patient.pairs if pair.labels is not None]
    void = [p for p in pairs if p.labels is not None and p.labels[IGNORE_INDEX]]
    second = [p for p in pairs if p.labels is not None and p.labels[1]]
    both = [p for p in void if p.labels is not None and p.labels[1]]
    if not void or not second or both or any(p.transparent for p in void):
        return
    first = [p for p in void if p.labels is not None and p.labels[0]]
    by_chance = comb(len(pairs) - len(void), len(second)) / comb(len(pairs), len(second))
    name = space.names[1]
    yield Finding(
        "mixed-255",
        "error" if by_chance <= CHANCE and first else "warning",
        f"{plural(void, 'mask holds', 'masks hold')} 255 exactly where {plural(second, 'other holds', 'others hold')} "
        f'"{name}", and none holds both',
        of_masks(void),
        f'255 is read as void; it looks as if it were "{name}", saved in two ways.',
        "Save all masks in one way, 0/1 or 0/255.",
    )


def _unlabeled(patient: Patient, split: str) -> bool:
    return all(pair.labels is None for pair in patient.parts[split])


def _seen(patient: Patient, split: str) -> npt.NDArray[np.bool_]:
    counts = [pair.labels for pair in patient.parts[split] if pair.labels is not None]
    total = np.sum(counts, axis=0) if counts else np.zeros(256)
    return np.asarray(total[: len(patient.space)] > 0)
