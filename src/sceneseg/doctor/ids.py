"""Ids that differ from the label space: 0/255, shifted by one, another numbering, unknown."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sceneseg.datasets.cityscapes import LABEL_SPACE as CITYSCAPES
from sceneseg.doctor.facts import Pair
from sceneseg.doctor.findings import Finding, Patient, of_masks
from sceneseg.labels import IGNORE_INDEX, LabelSpace


@dataclass(frozen=True)
class Reading:
    """Interpretation of the ids in the masks.

    Args:
        kind: The finding's.
        what: What is wrong.
        why: What it does.
        label_ids: Right label id for each id that is stored.
    """

    kind: str
    what: str
    why: str
    label_ids: dict[int, int]


def wrong_ids(patient: Patient) -> Iterator[Finding]:
    """Find masks whose ids aren't those of the label space, and explain how they are to be read."""
    pairs = [pair for pair in patient.pairs if holds_ids(pair, patient)]
    pixels: Counter[int] = Counter()
    for pair in pairs:
        pixels.update(pair.values or {})
    reading = understand(set(pixels), patient.space)
    unknown = set(pixels) - patient.known_ids
    if reading is None and not unknown:
        return
    suspects = unknown or {IGNORE_INDEX}
    where = of_masks(p for p in pairs if suspects & (p.values or {}).keys())
    if reading is not None:
        entries = ", ".join(f"{stored}: {name_of(i, patient.space)}" for stored, i in reading.label_ids.items())
        cure = (
            f'Say so in a YAML file (data set "folder"): ids: {{{entries}}}; `repair` writes masks with the right ids.'
        )
        if patient.in_memory:
            entries = ", ".join(
                f"{old} to {new} ({name_of(new, patient.space)})" for old, new in reading.label_ids.items()
            )
            cure = f"Change them before you give the scenes: {entries}."
        yield Finding(reading.kind, "error", reading.what, where, reading.why, cure)
        return
    listed = ", ".join(f"{i} ({pixels[i]:,} px)" for i in sorted(unknown)[:8])
    yield Finding(
        "unknown-ids",
        "error",
        f'the masks hold ids that "{patient.space.name}" doesn\'t know: {listed}',
        where,
        "Their class isn't known.",
        "Give the classes the ids 0 to n - 1 in their order, and 255 to pixels without a class."
        if patient.in_memory
        else "Add them to `ids` or `void` of the YAML file, or repair the masks; `repair` makes them void and counts "
        "these pixels.",
    )


def holds_ids(pair: Pair, patient: Patient) -> bool:
    """Whether the mask has one channel of clean values."""
    return pair.values is not None and not (pair.has_lossy_mask or pair.is_swapped or patient.is_smooth(pair))


def understand(values: set[int], space: LabelSpace) -> Reading | None:
    """Return how ids are to be read that aren't those of the space; None when they are, or when there is no knowing.

    Args:
        values: All ids in the masks.
        space: What they should be.
    """
    first = [c.label_ids[0] for c in space.classes]
    known = {i for c in space.classes for i in c.label_ids} | set(space.void_ids)
    classes = {i for c in space.classes for i in c.label_ids}
    unknown = values - known
    for guess in (_stretched, _label_ids, _train_ids, _shifted):
        if reading := guess(values, unknown, classes, first, space):
            return reading
    return None


def _stretched(
    values: set[int], unknown: set[int], classes: set[int], first: list[int], space: LabelSpace
) -> Reading | None:
    """Recognize 0/255, and 0/85/170/255 and the like: ids stretched to be seen in a viewer."""
    if max(values, default=0) != IGNORE_INDEX or IGNORE_INDEX in classes or len(values) < 2:
        return None
    step = min(values - {0})
    even = all(value % step == 0 for value in values) and IGNORE_INDEX // step < len(first)
    if not even or step < 2 or (step != IGNORE_INDEX and not unknown):
        return None
    shown = "/".join(map(str, sorted(values)))
    return Reading(
        "stretched-ids",
        f"the masks hold {shown}, where ids 0 to {len(first) - 1} are due",
        "255 is read as void, so that only the other class would be learned, with a perfect score."
        if step == IGNORE_INDEX
        else "They were stretched to be seen in a viewer and name no classes.",
        {value: first[value // step] for value in sorted(values)},
    )


def _label_ids(
    values: set[int], unknown: set[int], classes: set[int], first: list[int], space: LabelSpace
) -> Reading | None:
    """Recognize the 34 label ids of Cityscapes where its 19 train ids are due."""
    if space.names != CITYSCAPES.names or first != list(range(len(first))) or not unknown or max(values) > 33:
        return None
    void = space.void_label_id
    names = {i: n for n, c in enumerate(CITYSCAPES.classes) for i in c.label_ids}
    return Reading(
        "label-ids",
        "the masks hold the 34 label ids of Cityscapes, where its 19 train ids are due",
        "Id 7 is road there, and traffic sign here.",
        {value: names.get(value, void) for value in sorted(values)},
    )


def _train_ids(
    values: set[int], unknown: set[int], classes: set[int], first: list[int], space: LabelSpace
) -> Reading | None:
    """Recognize train ids (0, 1, ... and 255) where the data set's own label ids are due."""
    inside = values - {IGNORE_INDEX} <= set(range(len(first)))
    if first == list(range(len(first))) or unknown != {IGNORE_INDEX} or not inside:
        return None
    return Reading(
        "train-ids",
        f"the masks hold train ids (0 to {len(first) - 1}, and 255 for void), where label ids are due",
        f"Id 0 is {space.names[0]} there, and means something else here.",
        {value: first[value] if value < len(first) else space.void_label_id for value in sorted(values)},
    )


def _shifted(
    values: set[int], unknown: set[int], classes: set[int], first: list[int], space: LabelSpace
) -> Reading | None:
    """Recognize ids that start at 1, with 0 for void."""
    if first != list(range(len(first))) or unknown != {len(first)}:
        return None
    void = [value for value in (0, IGNORE_INDEX) if value in values]
    return Reading(
        "shifted-ids",
        f"the masks hold ids up to {len(first)}, one more than there are classes: they start at 1",
        "Every pixel would have the class before its own.",
        dict.fromkeys(void, space.void_label_id) | {value: value - 1 for value in sorted(values - {0, IGNORE_INDEX})},
    )


def name_of(label_id: int, space: LabelSpace) -> str:
    """Return the class of a label id, or "void"."""
    return next((c.name for c in space.classes if label_id in c.label_ids), "void")
