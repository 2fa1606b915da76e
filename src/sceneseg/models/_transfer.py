"""Starting from other weights: what fits is taken over, a head's rows are matched by class name, the rest stays new."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sceneseg.errors import ModelError, did_you_mean
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import on_meta

State = Mapping[str, Tensor]
LEAST = 0.5
"""Part of the parameters that must be found in the weights: below it what fits does so by chance."""


@dataclass
class Transfer:
    """Result of starting from other weights.

    Args:
        kept: Parameters and statistics taken over whole; counters and the normalization of images don't count.
        classes: Class names whose rows of the head were taken over; None when the classes are the same ones.
        new: Parameters and statistics that the weights don't have, or in another shape.
        rows: Parameters of which the rows of `classes` were taken over.
        prefix: What stands before these names in the network, "encoder." where only that part was started.
    """

    kept: list[str] = field(default_factory=list)
    classes: list[str] | None = None
    new: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    prefix: str = ""

    def describe(self, names: Sequence[str]) -> str:
        """Describe in a few lines what was taken over and what is new, for classes `names`."""
        lines = [f"started from other weights: {self.counts()}"]
        if self.classes is not None:
            new = [name for name in names if name not in self.classes]
            lines.append(f"classes matched by name: {', '.join(self.classes) or 'none'}")
            lines.append(f"classes that start anew: {', '.join(new) or 'none'}")
        if self.new:
            lines.append(f"new: {', '.join(_parts(self.new))}")
        return "\n".join(lines)

    def counts(self) -> str:
        """Describe how many tensors were taken over and how many are new."""
        kept = f"{len(self.kept)} tensor{'s' if len(self.kept) != 1 else ''} kept, {len(self.new)} new"
        return f"{kept} ({', '.join(_parts(self.new))})" if self.prefix and self.new else kept

    def known(self, names: Sequence[str]) -> set[str]:
        """Return the full names of the tensors that came whole from the weights, for classes `names`."""
        whole = self.classes is None or set(names) <= set(self.classes)
        return {self.prefix + key for key in (*self.kept, *(self.rows if whole else ()))}


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
        ModelError: Less than half of the parameters fits.
    """
    transfer = Transfer(classes=None if list(names) == list(theirs) else [n for n in names if n in theirs])
    rows = [(names.index(n), theirs.index(n)) for n in transfer.classes or []]
    class_dims = _class_dims(network, arguments) if transfer.classes is not None else {}
    own = network.state_dict()
    for key, target in own.items():
        given = state.get(key)
        if given is not None and key in class_dims and _fits(target, given, class_dims[key], len(theirs)):
            transfer.rows.append(key)
        elif given is not None and given.shape == target.shape and key not in class_dims:
            transfer.kept.append(key)
        else:
            transfer.new.append(key)
    _check_share(transfer, network, state, {*class_dims, *transfer.rows})
    with torch.no_grad():
        for key in transfer.kept:
            own[key].copy_(state[key])
        for key in transfer.rows:
            for to, frm in rows:
                own[key].select(class_dims[key], to).copy_(state[key].select(class_dims[key], frm))
    _leave_out(transfer)
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
        ModelError: Less than half of the parameters fits.
    """
    name, encoder = next(((n, m) for n, m in network.named_children() if n in {"encoder", "backbone"}), ("", network))
    heads = {} if name else _class_dims(network, arguments or {})
    given = {_core(key): value for key, value in state.items()}
    transfer = Transfer(prefix=f"{name}." if name else "")
    own = {key: tensor for key, tensor in encoder.state_dict().items() if key not in {"mean", "std"}}
    for key, target in own.items():
        source = given.get(_core(key))
        fits = source is not None and source.shape == target.shape and key not in heads
        (transfer.kept if fits else transfer.new).append(key)
    _check_share(transfer, encoder, {key: given[_core(key)] for key in own if _core(key) in given}, heads, name)
    with torch.no_grad():
        for key in transfer.kept:
            own[key].copy_(given[_core(key)])
    _leave_out(transfer)
    for name in ("mean", "std"):  # the encoder is used to images normalized like this
        if name in state and state[name].shape == getattr(network, name).shape:
            getattr(network, name).copy_(state[name])
    return transfer


def freeze(network: SegmentationModel, parts: Sequence[str]) -> None:
    """Keep parts as they are in training: no gradients, and BatchNorm uses and keeps its running statistics.

    Args:
        network: The network of the parts.
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
    larger = on_meta(network.name, network.num_classes + 1, **arguments)
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


def _check_share(transfer: Transfer, network: nn.Module, state: State, heads: Collection[str], part: str = "") -> None:
    """Refuse weights of which too little fits; nothing is copied yet.

    Args:
        transfer: What fits.
        network: What is started, or the part of it.
        state: The given weights by the network's own names.
        heads: Parameters whose size follows from the classes, which don't depend on the architecture.
        part: The name of the part.
    """
    parameters = {key: value.numel() for key, value in network.named_parameters() if key not in heads}
    fitting = sum(parameters.get(key, 0) for key in transfer.kept)
    total = sum(parameters.values())
    if total and fitting >= LEAST * total:
        return
    what = f"the {part}'s parameters" if part else f"the parameters of {type(network).__name__}"
    kept = [key for key in transfer.kept if key in parameters]
    own = network.state_dict()
    wrong = [key for key in transfer.new if key in parameters]
    shapes = [
        f"{key} is {tuple(own[key].shape)}, in the weights {tuple(state[key].shape)}" for key in wrong if key in state
    ]
    missing = _parts([key for key in wrong if key not in state])
    reasons = [*shapes[:2], *([f"not in the weights: {', '.join(missing)}"] if missing else [])]
    raise ModelError(
        f"{fitting / max(1, total):.0%} of {what} ({len(kept)} of {len(parameters)} tensors) fit, at least "
        f"{LEAST:.0%} must: these weights belong to another architecture, or to other arguments of it. What fits: "
        f"{', '.join(_parts(kept)) or 'nothing'}. What doesn't: {'; '.join(reasons) or 'nothing'}. "
        f"`sceneseg summary` shows a model's parts."
    )


def _leave_out(transfer: Transfer) -> None:
    """Name what was learned alone: not the counters of BatchNorm, nor the normalization of images."""
    for keys in (transfer.kept, transfer.new):
        keys[:] = [k for k in keys if k not in {"mean", "std"} and not k.endswith("num_batches_tracked")]


def _parts(keys: Sequence[str], shown: int = 8) -> list[str]:
    """Return the first of the modules that keys lie in; a single one is opened."""
    if len({key.partition(".")[0] for key in keys}) == 1 and all("." in key for key in keys):
        start = keys[0].partition(".")[0] + "."
        return [start + part for part in _parts([key.removeprefix(start) for key in keys], shown)]
    parts = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    return [*parts[:shown], f"and {len(parts) - shown} more"] if len(parts) > shown else parts
