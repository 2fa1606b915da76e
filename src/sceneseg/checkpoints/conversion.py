"""Conversion of other people's checkpoints: a file of any known origin becomes tensors of one of our networks.

What the authors did to an image before the network saw it is folded into the tensors where that is exact: mean and std
are buffers of our networks, and layers that saw blue first are turned round.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sceneseg.checkpoints import origins
from sceneseg.checkpoints.base import Convention, Origin
from sceneseg.checkpoints.fitting import Fit, ShapesOf, fit
from sceneseg.checkpoints.reading import Checkpoint, read_checkpoint
from sceneseg.checkpoints.renaming import matches
from sceneseg.errors import RunError
from sceneseg.registry import name_of

PREFIXES = ("module.", "model.", "net.", "network.", "segmentor.", "_orig_mod.", "ema_model.", "student.")
"""What wrappers put before all names: DataParallel, trainers, `torch.compile`."""
DEEPEST = 4


@dataclass(frozen=True)
class Conversion:
    """A checkpoint as one of our networks.

    Args:
        origin: What is known of such files.
        name: Registry name of the origin.
        arguments: Of the network, `num_classes` included.
        state: For its `load_state_dict`, mean and std included.
        convention: How its authors fed it, and what its outputs mean.
        checkpoint: The file.
        dropped: Tensors that only training uses and that were left out, by our names.
        filled: Biases that the file doesn't have, which are zero.
    """

    origin: Origin
    name: str
    arguments: dict[str, Any]
    state: dict[str, Tensor]
    convention: Convention
    checkpoint: Checkpoint
    dropped: tuple[str, ...]
    filled: tuple[str, ...]


def convert(path: Path, shapes_of: ShapesOf, origin: str | None = None) -> Conversion:
    """Recognize a checkpoint and turn it into tensors of one of our networks.

    Args:
        path: A file, or a folder with one.
        shapes_of: Returns the tensors of our networks, as `sceneseg.checkpoints.fitting.ShapesOf` describes it.
        origin: The only one to try, if it is known.

    Raises:
        RunError: It can't be read, is of none of the origins known here, or of several.
        UnknownNameError: There is no such origin.
    """
    checkpoint = read_checkpoint(path)
    tried = [origins.resolve(origin)] if origin is not None else origins.names()
    recognized = _recognize(checkpoint, [(name, origins.create(name)) for name in tried])
    fits: list[tuple[str, Origin, Checkpoint, Fit]] = []
    refusals: list[str] = []
    for name, known, unwrapped in recognized:
        try:
            fits.append((name, known, unwrapped, fit(known, unwrapped, shapes_of)))
        except RunError as error:
            refusals.append(f"{name}: {error}")
    if not fits:
        raise RunError(_refusal(path, checkpoint, origin, refusals))
    fits.sort(key=lambda found: len(found[3].dropped))
    if len(fits) > 1 and len(fits[0][3].dropped) == len(fits[1][3].dropped):
        names = " and ".join(name for name, *_ in fits[:2])
        raise RunError(f"{path}: expected weights of one origin, found that {names} both fit. Name it.", field="origin")
    return _finished(*fits[0])


def _recognize(checkpoint: Checkpoint, known: Sequence[tuple[str, Origin]]) -> list[tuple[str, Origin, Checkpoint]]:
    """Return the origins whose names a file has, with as few prefixes taken off as that needs."""
    for unwrapped in _unwrapped(checkpoint):
        if found := [(name, origin, unwrapped) for name, origin in known if origin.recognizes(unwrapped)]:
            return found
    return []


def _unwrapped(checkpoint: Checkpoint) -> Iterator[Checkpoint]:
    """Yield a file as it is, and with one after another of the wrappers' prefixes taken off."""
    for _ in range(DEEPEST):
        yield checkpoint
        prefix = next((p for p in PREFIXES if any(key.startswith(p) for key in checkpoint.state)), None)
        if prefix is None:
            return
        checkpoint = checkpoint.without_prefix(prefix)


def _refusal(path: Path, checkpoint: Checkpoint, origin: str | None, refusals: Sequence[str]) -> str:
    if refusals:
        return f"{path}: its tensors aren't those of a network known here. {'; '.join(refusals)}. Fetch it again."
    expected = f"a file of {origin}" if origin is not None else "a file of an origin that is known here"
    keys = ", ".join(list(checkpoint.state)[:3])
    return (
        f"{path}: expected {expected}, found tensors like {keys}. docs/checkpoints.md lists what can be imported; "
        f"weights that this program saved need no import."
    )


def _finished(name: str, origin: Origin, checkpoint: Checkpoint, found: Fit) -> Conversion:
    convention = origin.convention(checkpoint, found.outputs)
    state = dict(found.state)
    for key, value in state.items():
        if matches(key, convention.blue_first):
            state[key] = red_first(value)
        if convention.rows is not None and matches(key, origin.class_rows):
            state[key] = state[key].index_select(0, torch.tensor(convention.rows))
    for key in ("mean", "std"):
        state[key] = torch.tensor(getattr(convention, key)).view(1, -1, 1, 1)
    outputs = found.outputs if convention.rows is None else len(convention.rows)
    arguments = {"num_classes": outputs, **found.arguments}
    return Conversion(
        origin, name_of(type(origin)), arguments, state, convention, checkpoint, found.dropped, found.filled
    )


def red_first(weight: Tensor) -> Tensor:
    """Turn round the last three input channels (dimension 1) of a layer that saw an image with blue first."""
    image = weight.shape[1] - 3
    return weight.index_select(1, torch.tensor([*range(image), image + 2, image + 1, image]))
