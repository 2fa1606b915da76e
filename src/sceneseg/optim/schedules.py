"""Learning-rate schedules as plain functions of what is recorded anyway, so that resuming needs nothing else."""

import math
from collections.abc import Callable, Sequence

from sceneseg.config.schema import ScheduleConfig
from sceneseg.errors import ConfigError, UnknownNameError, did_you_mean

ONE_CYCLE_RISE = 0.3
"""Part of the run in which one_cycle rises."""
ONE_CYCLE_START = 1 / 25
"""Where it starts, in parts of the peak."""


def poly(step: int, steps: int, config: ScheduleConfig) -> float:
    """Fall as a power of what is left of the run.

    Source: Chen et al., "DeepLab", TPAMI 2018, section 4.1.2.
    """
    return (1 - step / steps) ** config.power


def cosine(step: int, steps: int, config: ScheduleConfig) -> float:
    """Fall along half a cosine.

    Source: Loshchilov and Hutter, "SGDR", ICLR 2017, equation 5, without restarts.
    """
    return 0.5 * (1 + math.cos(math.pi * step / steps))


def one_cycle(step: int, steps: int, config: ScheduleConfig) -> float:
    """Rise from 1/25 of the peak for 30 % of the run, then fall to the end, both along half a cosine.

    Source: Smith and Topin, "Super-Convergence", 2017 (arXiv 1708.07120); the cosines are fast.ai's.
    """
    top = ONE_CYCLE_RISE * steps
    if step < top:
        return ONE_CYCLE_START + (1 - ONE_CYCLE_START) * 0.5 * (1 - math.cos(math.pi * step / top))
    return 0.5 * (1 + math.cos(math.pi * (step - top) / (steps - top)))


def cyclic(step: int, steps: int, config: ScheduleConfig) -> float:
    """Rise and fall linearly, cycle after cycle.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, figure 2 (triangular).
    """
    if config.cycle < 2:
        raise ConfigError(
            f"A cycle of the cyclic schedule has at least 2 steps, found {config.cycle}.", field="schedule.cycle"
        )
    return 1 - abs(2 * (step % config.cycle) / config.cycle - 1)


def step_down(step: int, steps: int, config: ScheduleConfig) -> float:
    """Multiply by the factor at each milestone."""
    return config.factor ** sum(step >= milestone * steps for milestone in config.milestones)


def constant(step: int, steps: int, config: ScheduleConfig) -> float:
    """Stay at the peak."""
    return 1.0


READS: dict[str, tuple[str, ...]] = {
    "poly": ("power", "min_lr"),
    "cosine": ("min_lr",),
    "one_cycle": ("min_lr",),
    "cyclic": ("cycle", "min_lr"),
    "step": ("milestones", "factor", "min_lr"),
    "constant": (),
    "reduce_on_plateau": ("factor", "patience", "min_lr"),
}
"""Name -> keys of the section `schedule` that it reads; besides, each reads `warmup_steps`."""
SCHEDULES: dict[str, Callable[[int, int, ScheduleConfig], float]] = {
    "poly": poly,
    "cosine": cosine,
    "one_cycle": one_cycle,
    "cyclic": cyclic,
    "step": step_down,
    "constant": constant,
}
"""Name -> part of the way from `min_lr` to the peak at step 0 .. steps - 1 behind the warm-up."""
PLATEAU = "reduce_on_plateau"
NAMES = (*SCHEDULES, PLATEAU)
SPELLINGS = {"polynomial": "poly"}


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
    """
    name = resolve(config.name)
    if step < config.warmup_steps:
        return peak * (step + 1) / (config.warmup_steps + 1)
    if name == PLATEAU:
        if scores is None:
            raise ConfigError(f"The schedule {PLATEAU} needs the validation scores so far, which are not at hand here.")
        return max(min(config.min_lr, peak), peak * config.factor ** count_plateaus(scores, config.patience))
    part = SCHEDULES[name](step - config.warmup_steps, max(1, steps - config.warmup_steps), config)
    return config.min_lr + (peak - config.min_lr) * part


def resolve(name: str) -> str:
    """Return the schedule's own name for any accepted spelling.

    Raises:
        UnknownNameError: There is no schedule of that name.
    """
    name = SPELLINGS.get(name, name)
    if name not in NAMES:
        raise UnknownNameError(
            f'There is no schedule called "{name}".{did_you_mean(name, NAMES)} Known: {", ".join(NAMES)}.'
        )
    return name


def count_plateaus(scores: Sequence[float | None], patience: int) -> int:
    """Count how often the best score so far went unbeaten for `patience` validations in a row.

    Convention: higher is better; after a plateau the wait begins anew; None is no validation.
    """
    best, waited, plateaus = -math.inf, 0, 0
    for score in scores:
        if score is None:
            continue
        best, waited = (score, 0) if score > best else (best, waited + 1)
        if waited >= max(1, patience):
            plateaus, waited = plateaus + 1, 0
    return plateaus
