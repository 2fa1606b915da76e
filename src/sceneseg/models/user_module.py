"""User-supplied modules as models: they are trained, scored and exported like the architectures of the shelf."""

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sceneseg.errors import ConfigError, ModelError
from sceneseg.models import models
from sceneseg.models.base import SegmentationModel


class UserModule(SegmentationModel):
    """A module with what every model here does around it: normalization, padding, checks.

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


@contextmanager
def user_supplied(module: nn.Module) -> Iterator[str]:
    """Put a module on the shelf for one call and yield its name there; every creation copies it with its weights."""

    class Copied(UserModule):
        def __init__(self, num_classes: int) -> None:
            made = copy.deepcopy(module)
            device: Any = torch.get_default_device()  # costs are counted on the meta device
            super().__init__(made.to(device) if device.type == "meta" else made, num_classes)

    with models.temporarily(type(module).__name__, Copied) as name:
        yield name


def as_model(thing: Callable[..., Any]) -> Callable[..., nn.Module]:
    """Return a class or function from outside of the package as a model.

    Args:
        thing: A `SegmentationModel`, which stays as it is; another class of modules, or a function that makes one. It
            is given `num_classes` if it takes such an argument, and the arguments of the configuration.

    Raises:
        ConfigError: It is the class of something else.
    """
    if inspect.isclass(thing):
        if issubclass(thing, SegmentationModel):
            return thing
        if not issubclass(thing, nn.Module):
            raise ConfigError(
                f"{thing.__module__}.{thing.__qualname__} is no torch.nn.Module. Give the class of a module from RGB "
                f"pixels to logits.",
                field=models.field,
            )
    signature = inspect.signature(thing)
    classes = signature.parameters.get("num_classes")

    class Created(UserModule):
        def __init__(self, num_classes: int, **arguments: Any) -> None:
            given = arguments if classes is None else {"num_classes": num_classes, **arguments}
            super().__init__(thing(**given), num_classes)

    first = inspect.Parameter("num_classes", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=int)
    others = [p for p in signature.parameters.values() if p is not classes and p.kind is not p.VAR_POSITIONAL]
    others = [p.replace(kind=p.KEYWORD_ONLY) if p.kind is p.POSITIONAL_OR_KEYWORD else p for p in others]
    signature = signature.replace(parameters=[first, *others], return_annotation=inspect.Signature.empty)
    Created.__signature__ = signature  # type: ignore[attr-defined]  # what the configuration may give
    Created.__doc__ = thing.__doc__
    Created.__module__, Created.__qualname__ = thing.__module__, thing.__qualname__
    return Created


def _heads(found: Any) -> tuple[Any, ...]:
    if isinstance(found, Mapping):
        found = [found[key] for key in ("out", "aux") if key in found] or [found]
    return tuple(found) if isinstance(found, list | tuple) else (found,)
