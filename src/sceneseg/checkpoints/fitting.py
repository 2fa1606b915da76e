"""The choice of the network that a checkpoint's tensors belong to, by their names and shapes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sceneseg.checkpoints.base import Origin
from sceneseg.checkpoints.reading import Checkpoint
from sceneseg.checkpoints.renaming import matches, renamed
from sceneseg.errors import RunError

Shapes = Mapping[str, Sequence[int]]
ShapesOf = Callable[[str, dict[str, Any]], Shapes]
"""(registry name, arguments with `num_classes`) -> name and shape of each tensor of that network."""

NOT_LEARNED = ("mean", "std")
"""Buffers of our networks that hold the normalization of images."""
COUNTER = "num_batches_tracked"
LOSSES = (r"^(loss|losses|criterion|sem_loss|bd_loss|loss_fn)\.",)
"""Tensors of a training's losses, which lie beside the network's."""


@dataclass(frozen=True)
class Fit:
    """The network that fits, and how.

    Args:
        arguments: Of the network, without `num_classes`.
        outputs: How many it has.
        state: All its tensors but mean and std.
        dropped: Tensors of the file that only training uses, by our names.
        filled: Biases that the file doesn't have, which are zero.

    Example:
        >>> Fit({"variant": "s"}, 19, {}, ("aux_head.weight",), ()).dropped
        ('aux_head.weight',)
    """

    arguments: dict[str, Any]
    outputs: int
    state: dict[str, Tensor]
    dropped: tuple[str, ...]
    filled: tuple[str, ...]


def fit(origin: Origin, checkpoint: Checkpoint, shapes_of: ShapesOf) -> Fit:
    """Choose among an origin's candidates the one whose tensors are all there and that leaves the fewest over.

    That a network's tensors are there isn't enough: those of a ResNet-50 lie inside a file of a ResNet-101.

    Raises:
        RunError: None fits, or the best leaves tensors over that no training alone uses.
    """
    tensors = origin.tensors(checkpoint)
    if origin.head not in tensors:
        raise RunError(f"expected its outputs in {origin.head}, found no such tensor")
    outputs = int(tensors[origin.head].shape[0])
    spare = _training_only(origin, checkpoint)
    best: Fit | None = None
    left: list[str] = []
    closest: tuple[int, str] | None = None
    for arguments in origin.candidates(checkpoint):
        adapted = origin.adapted(dict(tensors), arguments)
        shapes = shapes_of(origin.model, {"num_classes": outputs, **arguments})
        expected = {key: tuple(size) for key, size in shapes.items() if key not in NOT_LEARNED}
        if problems := _problems(origin, expected, adapted):
            if closest is None or len(problems) < closest[0]:
                closest = len(problems), f"{_shown(arguments)}: {problems[0]}"
            continue
        over = [key for key in adapted if key not in expected and not key.endswith(COUNTER)]
        if best is None or len(over) < len(left):
            filled = tuple(key for key in expected if key not in adapted and not key.endswith(COUNTER))
            state = {key: adapted[key] if key in adapted else _zeros(key, size) for key, size in expected.items()}
            best, left = Fit(arguments, outputs, state, tuple(over), filled), over
    if best is None:
        raise RunError(f"no variant fits; the closest is {closest[1]}" if closest else "no variant fits")
    if unknown := [key for key in left if key not in spare and not matches(key, origin.training_only)]:
        raise RunError(
            f"{len(unknown)} of its tensors belong to no network that is known here, first {unknown[0]}; the closest "
            f"is {_shown(best.arguments)}"
        )
    return best


def _training_only(origin: Origin, checkpoint: Checkpoint) -> Collection[str]:
    """Return our names of the tensors that a file may have without any use here."""
    patterns = (*origin.training_only, *LOSSES)
    return {renamed(key, origin.rules) for key in checkpoint.state if matches(key, patterns)}


def _problems(origin: Origin, expected: Shapes, found: Mapping[str, Tensor]) -> list[str]:
    """Return what of a network isn't in the file, or in another shape, in words."""
    problems = []
    for key, size in expected.items():
        if key not in found:
            if not key.endswith(COUNTER) and not matches(key, origin.missing_bias):
                problems.append(f"there is no {key}")
        elif tuple(found[key].shape) != tuple(size):
            problems.append(f"{key} is {tuple(found[key].shape)} rather than {tuple(size)}")
    return problems


def _zeros(key: str, size: Sequence[int]) -> Tensor:
    return torch.tensor(0) if key.endswith(COUNTER) else torch.zeros(tuple(size))


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in arguments.items()) or "its only variant"
