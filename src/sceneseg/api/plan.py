"""`plan`: what a training step takes of the memory, and how a batch is computed with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from sceneseg.api.options import configure, nested
from sceneseg.arrays import ImageSize
from sceneseg.config.schema import Config
from sceneseg.devices import resolve_device, resolve_precision
from sceneseg.training import planning
from sceneseg.training.planning import Plan


@dataclass(frozen=True)
class BatchPlan:
    """Memory plan of a training batch.

    Args:
        model: Registry name of the architecture.
        optimizer: Name of the optimizer.
        size: (height, width) of the samples in pixels.
        precision: Arithmetic: 32-true, bf16-mixed or 16-mixed.
        step: What a step takes, in bytes, and the parts in which a batch is computed.

    Example:
        >>> import sceneseg
        >>> sceneseg.plan("fast_scnn", crop_size=(64, 128), memory="1GB").size
        (64, 128)
    """

    model: str
    optimizer: str
    size: ImageSize
    precision: str
    step: Plan

    @property
    def fits(self) -> bool:
        """Whether at least one sample fits at once."""
        return self.step.micro_batch > 0

    @property
    def peak(self) -> int:
        """Bytes that a step takes at its peak."""
        return self.step.fixed + self.step.micro_batch * self.step.sample


def plan(
    model: str | Mapping[str, Any] | None = None,
    *,
    config: str | PathLike[str] | Config | None = None,
    memory: str | None = None,
    classes: int = 19,
    **options: Any,
) -> BatchPlan:
    """Count before a training how its batch fits into the memory. Nothing is computed or read.

    Args:
        model: A name, or a mapping of name and arguments.
        config: A YAML file, the name of a recipe, or a configuration, over which the options go.
        memory: What a process may take, "8GB" or "512MiB"; what is free here when absent.
        classes: Number of classes.
        options: Any option of `train`.

    Raises:
        ConfigError: An option that doesn't fit.

    Example:
        >>> import sceneseg
        >>> planned = sceneseg.plan("fast_scnn", crop_size=(256, 512), batch_size=16, memory="1GB")
        >>> planned.step.batch, planned.fits
        (16, True)
    """
    changes = nested(options)
    if model is not None:
        changes["model"] = {"name": model} if isinstance(model, str) else dict(model)
    chosen, _ = configure(config, changes)
    device = resolve_device(chosen.train.device)
    precision = resolve_precision(chosen.train.precision, device)
    size = chosen.augment.crop_size or chosen.data.target_size or (1024, 2048)
    amount = planning.parse_bytes(memory or chosen.train.memory or str(planning.free_memory(device)))
    step = planning.plan(chosen, classes, size, amount, precision, chosen.train.devices)
    return BatchPlan(chosen.model_name, chosen.optim.name, size, precision, step)
