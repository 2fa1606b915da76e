"""Starting from other weights: what fits is kept, a head's rows are matched by class name, the rest stays new."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sceneseg import models
from sceneseg.errors import ModelError, did_you_mean
from sceneseg.models.base import SegmentationModel

State = Mapping[str, Tensor]


@dataclass
class Transfer:
    """What came of starting from other weights.

    Args:
        kept: Tensors taken over whole.
        classes: Class names whose rows of the head were taken over; None when the classes are the same ones.
        new: Tensors that the weights don't have, or in another shape.
    """

    kept: list[str] = field(default_factory=list)
    classes: list[str] | None = None
    new: list[str] = field(default_factory=list)

    def describe(self, names: Sequence[str]) -> str:
        """Say in a few lines what was kept and what is new, for classes `names`."""
        lines = [f"started from other weights: {len(self.kept)} tensors kept, {len(self.new)} new"]
        if self.classes is not None:
            new = [name for name in names if name not in self.classes]
            lines.append(f"classes kept by name: {', '.join(self.classes) or 'none'}")
            lines.append(f"classes that start anew: {', '.join(new) or 'none'}")
        if self.new:
            lines.append(f"new: {', '.join(_parts(self.new))}")
        return "\n".join(lines)


def start_from(
    network: SegmentationModel, arguments: Mapping[str, Any], state: State, names: Sequence[str], theirs: Sequence[str]
) -> Transfer:
    """Copy the weights of a trained network into another of the same kind.

    Args:
        network: Receives them.
        arguments: What it was created with, without the number of classes.
        state: State dict of the trained one.
        names: The receiving network's classes.
        theirs: The trained one's classes; the rows of heads are matched by these names.

    Raises:
        ModelError: Nothing fits.
    """
    transfer = Transfer(classes=None if list(names) == list(theirs) else [n for n in names if n in theirs])
    rows = [(names.index(n), theirs.index(n)) for n in transfer.classes or []]
    class_dims = _class_dims(network, arguments) if transfer.classes is not None else {}
    own = network.state_dict()
    with torch.no_grad():
        for key, target in own.items():
            given = state.get(key)
            if given is not None and key in class_dims and _fits(target, given, class_dims[key], len(theirs)):
                for to, frm in rows:
                    target.select(class_dims[key], to).copy_(given.select(class_dims[key], frm))
            elif given is not None and given.shape == target.shape and key not in class_dims:
                target.copy_(given)
                transfer.kept.append(key)
            else:
                transfer.new.append(key)
    _check_any(transfer, network, state)
    return transfer


def start_encoder_from(
    network: SegmentationModel, state: State, arguments: Mapping[str, Any] | None = None
) -> Transfer:
    """Copy the weights of a trained classifier (or of another network's encoder) into a network's encoder.

    A network without a part of that name is started as a whole, but for what its classes decide.

    Args:
        network: Receives them.
        state: State dict of the trained one.
        arguments: What the network was created with, without the number of classes.

    Raises:
        ModelError: Nothing fits.
    """
    encoder = next((m for name, m in network.named_children() if name in {"encoder", "backbone"}), None)
    heads = _class_dims(network, arguments or {}) if encoder is None else {}
    given = {_core(key): value for key, value in state.items()}
    transfer = Transfer()
    with torch.no_grad():
        for key, target in (encoder or network).state_dict().items():
            if key in {"mean", "std"}:
                continue
            source = given.get(_core(key))
            if source is not None and source.shape == target.shape and key not in heads:
                target.copy_(source)
                transfer.kept.append(key)
            else:
                transfer.new.append(key)
    for name in ("mean", "std"):  # the encoder is used to images normalised like this
        if name in state and state[name].shape == getattr(network, name).shape:
            getattr(network, name).copy_(state[name])
    _check_any(transfer, network, state)
    return transfer


def freeze(network: SegmentationModel, parts: Sequence[str]) -> None:
    """Keep parts as they are in training: no gradients, and BatchNorm uses and keeps its running statistics.

    Args:
        network: Whose parts.
        parts: Names of modules, "encoder" or "encoder.layer1".

    Raises:
        ModelError: There is no such part.
    """
    known = dict(network.named_modules())
    for name in parts:
        if not name or name not in known:
            shallow = [n for n in known if n and n.count(".") < 2]
            raise ModelError(
                f'{network.name} has no part "{name}" to freeze.{did_you_mean(name, shallow)} '
                f"Its parts: {', '.join(n for n, _ in network.named_children())}."
            )
        known[name].requires_grad_(False)
    network.frozen = tuple(parts)


def _class_dims(network: SegmentationModel, arguments: Mapping[str, Any]) -> dict[str, int]:
    """Return which dimension of which tensor counts classes: the one that grows with one class more."""
    with torch.device("meta"):
        larger = models.create(network.name, num_classes=network.num_classes + 1, **arguments)
    dims = {}
    for key, tensor in larger.state_dict().items():
        mine = network.state_dict()[key].shape
        grown = [d for d, (a, b) in enumerate(zip(mine, tensor.shape, strict=True)) if a != b]
        if grown:
            dims[key] = grown[0]
    return dims


def _fits(target: Tensor, given: Tensor, dim: int, classes: int) -> bool:
    same = [a == b for d, (a, b) in enumerate(zip(target.shape, given.shape, strict=False)) if d != dim]
    return given.ndim == target.ndim and all(same) and given.shape[dim] == classes


def _core(key: str) -> str:
    """Reduce a key to what classifiers and encoders have in common: timm's own name for the tensor."""
    key = re.sub(r"^(network|encoder|backbone|model)\.", "", re.sub(r"_(\d+)\.", r".\1.", key))
    return key if key == (shorter := re.sub(r"^(network|encoder|backbone|model)\.", "", key)) else _core(shorter)


def _check_any(transfer: Transfer, network: nn.Module, state: State) -> None:
    if not transfer.kept:
        raise ModelError(
            f"None of the {len(state)} tensors fits {type(network).__name__}: the weights belong to another "
            f"architecture, or to other arguments of it. `sceneseg summary` shows a model's parts."
        )


def _parts(keys: Sequence[str], shown: int = 8) -> list[str]:
    parts = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    return [*parts[:shown], f"and {len(parts) - shown} more"] if len(parts) > shown else parts
