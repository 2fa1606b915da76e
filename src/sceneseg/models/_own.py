"""Any module as a model: what a Python program made is trained like what lies on the shelf."""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models import models
from sceneseg.models.base import SegmentationModel
from sceneseg.registry import OWN


class OwnModel(SegmentationModel):
    """A module around which stands what every model here does: normalization, padding, checks.

    The module maps normalized pixels (B, 3, H, W) to logits (B, classes, h, w) at any stride. It may return a tensor;
    a sequence, whose first are the main head's and whose others are auxiliary heads'; or a mapping with "out" and
    perhaps "aux", as torchvision's models do. A `SegmentationModel` does all this itself.

    Args:
        module: What is wrapped.
        num_classes: Channels that its logits must have.
    """

    def __init__(self, module: nn.Module, num_classes: int) -> None:
        super().__init__(num_classes)
        self.module = module
        if isinstance(module, SegmentationModel):
            self.size_divisor, self.min_size = module.size_divisor, module.min_size
            self.align_corners, self.extra_heads = module.align_corners, module.extra_heads

    @property
    def name(self) -> str:
        """The class of the module, with what says that it lies on no shelf."""
        return own_name(self.module)

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the module's logits.

        Raises:
            ModelError: It returns something else.
        """
        if isinstance(self.module, SegmentationModel):
            heads = self.module.coarse_logits(image)
        else:
            heads = _heads(self._computed(self.prepare(image)))
        extra = len(self.extra_heads) if self.training else 0
        for logits in heads[: len(heads) - extra]:
            if not isinstance(logits, Tensor) or logits.dim() != 4 or logits.shape[1] != self.num_classes:
                found = tuple(logits.shape) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
                raise ModelError(
                    f"{type(self.module).__name__} must return logits of shape (batch, {self.num_classes}, height, "
                    f"width), a channel for each class of the data set; it returned {found}."
                )
        return heads if self.training else heads[:1]

    def _computed(self, pixels: Tensor) -> Any:
        try:
            return self.module(pixels)
        except (RuntimeError, TypeError, ValueError) as error:
            if pixels.device.type != "meta":  # where costs are counted before anything is trained
                raise
            raise ModelError(
                f"{type(self.module).__name__} can't compute pixels of shape {tuple(pixels.shape)} (batch, 3, height, "
                f"width): {error}. Give a module from RGB pixels to logits."
            ) from error


def own_name(module: nn.Module) -> str:
    """Return the name under which a module is lent."""
    return OWN + type(module).__name__


@contextmanager
def lent(module: nn.Module) -> Iterator[str]:
    """Lend a module to the shelf of models and yield its name there; every creation is a copy, weights included."""

    class Lent(OwnModel):
        def __init__(self, num_classes: int) -> None:
            made = copy.deepcopy(module)
            device: Any = torch.get_default_device()  # costs are counted on the meta device
            super().__init__(made.to(device) if device.type == "meta" else made, num_classes)

    with models.lend(own_name(module), Lent):
        yield own_name(module)


def _heads(found: Any) -> tuple[Any, ...]:
    if isinstance(found, Mapping):
        found = [found[key] for key in ("out", "aux") if key in found] or [found]
    return tuple(found) if isinstance(found, list | tuple) else (found,)
