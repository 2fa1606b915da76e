"""Parameters, operations and memory of a model, counted on the meta device: nothing is computed."""

import re
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakIdKeyDictionary

from sceneseg import models
from sceneseg.models.base import SegmentationModel
from sceneseg.models.batch_norm import explained_statistics
from sceneseg.records.model_cost import ModelCost, PartCost


class PeakMemory(NamedTuple):
    """Peak memory of activations in bytes (float32, without weights and without what a backend adds).

    Args:
        forward: Of a prediction.
        backward: Of a training step, forward and backward, gradients of the weights included.
    """

    forward: int
    backward: int


def model_cost(name: str, num_classes: int, size: tuple[int, int], **arguments: Any) -> ModelCost:
    """Count what a model costs.

    Args:
        name: Registry name.
        num_classes: Channels of its logits.
        size: (height, width) of the image.
        arguments: Further arguments of the model.

    Returns:
        Parameters and operations, of the whole and of each part that runs.
    """
    network: SegmentationModel = on_meta(name, num_classes, **arguments).eval()
    image = torch.empty(1, network.in_channels, *size, device="meta")
    with FlopCounterMode(display=False) as counter, _Parts(network, image, counter) as parts, torch.no_grad():
        coarse = network.coarse_logits(image)[0]
    return ModelCost(
        name=network.name,
        parameters=sum(p.numel() for p in used_parameters(network)),
        parameters_training=sum(p.numel() for p in network.parameters()),
        gmacs=counter.get_total_flops() / 2e9,
        output_stride=round(network.padded_size(*size)[0] / coarse.shape[-2]),
        size=size,
        parts=tuple(parts.rows),
    )


def model_memory(
    name: str,
    num_classes: int,
    size: tuple[int, int],
    batch: int = 1,
    prepare: Callable[[SegmentationModel], object] | None = None,
    **arguments: Any,
) -> PeakMemory:
    """Count the peak memory of activations.

    Args:
        name: Registry name.
        num_classes: Channels of its logits.
        size: (height, width) of the images.
        batch: How many.
        prepare: What is to be done to the network first.
        arguments: Further arguments of the model.

    Raises:
        ModelError: One image is too small to be trained on alone.
    """
    network: SegmentationModel = on_meta(name, num_classes, **arguments)
    if prepare is not None:
        prepare(network)
    image = torch.empty(batch, network.in_channels, *size, device="meta")
    with torch.no_grad(), _PeakMemory() as predicting:
        network.eval().coarse_logits(image)
    with _PeakMemory() as training, explained_statistics(size):
        torch.stack([logits.sum() for logits in network.train().coarse_logits(image)]).sum().backward()  # type: ignore[no-untyped-call]
    return PeakMemory(predicting.peak, training.peak)


def count_auxiliary_heads(name: str, **arguments: Any) -> int:
    """Return how many auxiliary heads a model has in training; their number doesn't depend on that of the classes.

    Args:
        name: Registry name.
        arguments: Of the model.
    """
    network = on_meta(name, 2, **arguments).train()
    side = max(128, network.min_size)
    with torch.no_grad():
        outputs = network.coarse_logits(torch.empty(2, network.in_channels, side, side, device="meta"))
    return len(outputs) - 1 - len(network.extra_heads)


def used_parameters(network: SegmentationModel) -> list[Tensor]:
    """Return the parameters that the prediction depends on: all but those of auxiliary heads."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    side = max(128, network.min_size)
    logits = network.coarse_logits(torch.empty(1, network.in_channels, side, side, device=network.mean.device))[0]
    gradients = torch.autograd.grad(logits.sum(), parameters, allow_unused=True)
    return [p for p, gradient in zip(parameters, gradients, strict=True) if gradient is not None]


def on_meta(name: str, num_classes: int, **arguments: Any) -> Any:
    """Create a model on the meta device: shapes without numbers, so pre-trained weights aren't loaded.

    Args:
        name: Registry name.
        num_classes: Channels of its logits.
        arguments: Further arguments of the model.
    """
    if "pretrained" in arguments:
        arguments["pretrained"] = False
    with torch.device("meta"):
        return models.create(name, num_classes=num_classes, **arguments)


class _Parts(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Watches the top parts of a network while it runs (lists of modules are looked into), and what feeds them.

    Every tensor is known to come from the parts whose outputs it was made of.
    """

    def __init__(self, network: nn.Module, image: Tensor, counter: FlopCounterMode) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.rows: list[PartCost] = []
        self._counter = counter
        self._origins = WeakIdKeyDictionary()
        self._origins[image] = {"image"}
        self._started: dict[str, tuple[int, set[str]]] = {}
        self._hooks = []
        for name, part in _runnable(network):
            self._hooks.append(part.register_forward_pre_hook(self._before(name)))
            self._hooks.append(part.register_forward_hook(self._after(name)))

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        self._mark(output, self.origins((args, kwargs)))
        return output

    def origins(self, tensors: Any) -> set[str]:
        """Return the parts that tensors (in any nesting) come from."""
        found = (self._origins[t] for t in tree_leaves(tensors) if isinstance(t, Tensor) and t in self._origins)
        return set().union(*found)

    def _mark(self, tensors: Any, origins: set[str]) -> None:
        for tensor in tree_leaves(tensors):
            if isinstance(tensor, Tensor):
                self._origins[tensor] = origins

    def _before(self, name: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: Any) -> None:
            self._started[name] = (self._counter.get_total_flops(), self.origins(inputs))

        return note

    def _after(self, name: str) -> Callable[..., None]:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            flops, origins = self._started[name]
            first = next(t for t in tree_leaves(output) if isinstance(t, Tensor))
            self.rows.append(
                PartCost(
                    name=name,
                    parameters=sum(p.numel() for p in module.parameters()),
                    gmacs=(self._counter.get_total_flops() - flops) / 2e9,
                    output=tuple(first.shape[1:]),
                    inputs=tuple(sorted(origins)),
                )
            )
            self._mark(output, {name})

        return note


def _runnable(module: nn.Module, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from _runnable(child, f"{prefix}{name}.")
        else:
            yield prefix + name, child


class _PeakMemory(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows every storage from its creation to its release."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        tree_map_only(Tensor, self._follow, output)
        return output

    def _follow(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key not in self._known:
            self._known.add(key)
            self.now += size
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


def segmentation_models() -> list[str]:
    """Return the names on the shelf that segment (the others classify)."""
    return [name for name in models.models.names() if _segments(models.models.get(name))]


def _segments(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, SegmentationModel)


def source(name: str) -> str:
    """Return the paper that a model's file names: authors, title, venue and year."""
    text = " ".join((sys.modules[models.models.get(name).__module__].__doc__ or "").split())
    found = re.search(r"Source: (.+?\b(?:19|20)\d\d\b\)?)", text)
    return found[1] if found else ""
