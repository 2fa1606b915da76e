"""A data set in the classes of a model: in another order, or joined to groups."""

from contextlib import suppress
from dataclasses import replace

from sceneseg.errors import ConfigError
from sceneseg.labels import LabelSpace, choose_space


def matching_space(own: LabelSpace, theirs: LabelSpace, wanted: str | None = None) -> LabelSpace | None:
    """Return the label space with the classes of a model, in its order, in which a data set can be read.

    The data set defines what the stored ids mean; two data sets of one name may differ in it.

    Args:
        own: The data set's.
        theirs: The model's.
        wanted: How the model's was made of that of its data, as `choose_space` takes it; None where that isn't known.

    Returns:
        None where the classes are others.
    """
    if own.names == theirs.names:
        return own
    by_name = {c.name: c for c in own.classes}
    if by_name.keys() == set(theirs.names):
        return replace(own, classes=tuple(by_name[name] for name in theirs.names))
    start = f"{own.name}:"
    if wanted is None and not theirs.name.startswith(start):
        return None
    wanted = wanted or theirs.name.removeprefix(start)
    with suppress(ConfigError):  # a file that is gone, or other classes
        space = choose_space(own, wanted)
        if space.names == theirs.names:
            return space
    listed = {name.strip() for name in wanted.partition("+")[0].split(",")}
    is_of_file = not listed <= {"classes", "categories", *theirs.names}
    return theirs if is_of_file and theirs.name.startswith(start) and _agree(own, theirs) else None


def _agree(own: LabelSpace, groups: LabelSpace) -> bool:
    """Return whether stored ids can mean the same in both: the same ids, whole classes, and names with their ids."""
    ids = [{*space.void_ids, *(i for c in space.classes for i in c.label_ids)} for space in (own, groups)]
    members = {c.name: set(c.label_ids) for c in groups.classes}
    named = all(set(c.label_ids) <= members[c.name] for c in own.classes if c.name in members)
    try:
        own.train_ids_in(groups)
    except ConfigError:
        return False
    return ids[0] == ids[1] and named


def difference(own: LabelSpace, theirs: LabelSpace, shown: int = 4) -> str:
    """Describe which classes only one of two spaces has."""
    found = []
    for what, one, other in (("the model", theirs, own), ("the data set", own, theirs)):
        if only := [name for name in one.names if name not in other.names]:
            more = f" and {len(only) - shown} more" if len(only) > shown else ""
            found.append(f"only {what} has {', '.join(only[:shown])}{more}")
    return "; ".join(found)
