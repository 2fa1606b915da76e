"""The shelf of learning-rate schedules, one file each: plain functions of what is recorded anyway, to resume by."""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import lru_cache

from sceneseg.config.schema import ScheduleConfig
from sceneseg.registry import Registry

schedules: Registry[float] = Registry("schedule", __name__, {"polynomial": "poly"}, field="schedule.name")
"""Functions of `step` (0 .. `steps` - 1, behind the warm-up) and `steps`. They return the part of the way from `min_lr`
to the peak; one that takes `peak` returns the learning rate itself. Further parameters get the keys of the section
`schedule` of their names, and `scores` the validation score of each finished epoch (None where there was none)."""
register = schedules.register
resolve = schedules.resolve


def learning_rate(
    step: int, steps: int, peak: float, config: ScheduleConfig, scores: Sequence[float | None] | None = None
) -> float:
    """Return the learning rate of a step.

    Args:
        step: 0 .. steps - 1.
        steps: Steps of the whole run.
        peak: The optimizer's learning rate.
        config: Schedule, its end value and the linear warm-up.
        scores: The validation score of each finished epoch, None where there was none; for reduce_on_plateau.

    Raises:
        UnknownNameError: There is no schedule of that name.
        ConfigError: A value that the schedule can't work with, or no scores.

    Example:
        >>> round(learning_rate(50, 100, 0.1, ScheduleConfig("cosine")), 3)
        0.05
    """
    schedule = schedules.get(config.name)
    if step < config.warmup_steps:
        return peak * (step + 1) / (config.warmup_steps + 1)
    takes = _parameters(schedule)
    values = {"peak": peak, "scores": scores, **{key: getattr(config, key) for key in KEYS if key in takes}}
    given = {key: value for key, value in values.items() if key in takes}
    found = schedule(step - config.warmup_steps, max(1, steps - config.warmup_steps), **given)
    return found if "peak" in takes else config.min_lr + (peak - config.min_lr) * found


def reads(name: str) -> tuple[str, ...]:
    """Return the keys of the section `schedule` that a schedule reads; besides, each reads `warmup_steps`.

    Raises:
        UnknownNameError: There is no schedule of that name.

    Example:
        >>> reads("poly")
        ('power', 'min_lr')
    """
    takes = _parameters(schedules.get(name))
    return tuple(key for key in KEYS if key in takes or (key == "min_lr" and "peak" not in takes))


def returns_rate(name: str) -> bool:
    """Return whether a schedule gives the learning rate itself for any peak, and not a part of it.

    Example:
        >>> returns_rate("reduce_on_plateau"), returns_rate("poly")
        (True, False)
    """
    return "peak" in _parameters(schedules.get(name))


KEYS = tuple(field.name for field in fields(ScheduleConfig) if field.name not in {"name", "warmup_steps"})
"""Keys of the section `schedule` that some schedules read."""


@lru_cache
def _parameters(schedule: Callable[..., float]) -> frozenset[str]:
    return frozenset(inspect.signature(schedule).parameters)
