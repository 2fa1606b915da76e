"""Budgets of training: a number of steps, or the steps that fit into a time, in stages of equal length."""

import re
import time
from copy import deepcopy
from dataclasses import dataclass, replace

from sceneseg import tasks
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.temporaries import temporary_folder
from sceneseg.training.builder import build_setup
from sceneseg.training.monitor import show
from sceneseg.training.processes import launch
from sceneseg.training.trainer import Trainer

STAGES = 5
"""Parts of a run after which it is validated: all models have their best weights chosen from as many."""
WARMUP_STEPS = 3
LEAST_STEPS = 8
LEAST_SECONDS = 6.0
UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600}


@dataclass(frozen=True)
class StepBudget:
    """The steps that fit into a time of training.

    Args:
        seconds_per_step: Measured on this machine, waiting for data included.
        steps: All steps of the run.
    """

    seconds_per_step: float
    steps: int


def parse_duration(text: str) -> float:
    """Return the seconds of "90s", "10m", "1.5h" or "600".

    Raises:
        ConfigError: It is something else.

    Example:
        >>> parse_duration("1.5h")
        5400.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)?\s*", text)
    if found is None or float(found[1]) <= 0:
        raise ConfigError(
            f'budget "{text}": expected the time of training of each model, for example 90s, 10m or 2h.', field="budget"
        )
    return float(found[1]) * UNITS[found[2] or "s"]


def with_steps(config: Config, steps: int) -> Config:
    """Return a configuration of that many steps (to a multiple of its stages), with a validation after each stage.

    Example:
        >>> train = with_steps(Config(), 52).train
        >>> train.epochs, train.steps_per_epoch, train.validate_every
        (5, 10, 1)
    """
    stages = min(STAGES, max(1, steps))
    train = replace(config.train, epochs=stages, validate_every=1, steps_per_epoch=max(1, steps // stages))
    return replace(config, train=train)


def fit_into(config: Config, seconds: float) -> tuple[Config, StepBudget]:
    """Return a configuration of the steps that fit into a time of training; validations don't count.

    The schedule then ends exactly where the run does, which stopping a longer run after that time wouldn't do.

    Returns:
        The configuration, and what its steps follow from.
    """
    step = measure_step(config)
    config = with_steps(config, int(seconds / step))
    return config, StepBudget(step, config.train.epochs * (config.train.steps_per_epoch or 1))


def measure_step(config: Config) -> float:
    """Return the seconds of a training step on this machine, waiting for data included; nothing is stored."""
    augment = replace(config.augment, progressive=[])  # steps at the full size: one that begins smaller ends early
    trial = deepcopy(with_steps(replace(config, augment=augment), 1_000_000))
    fabric = launch(trial)
    task = tasks.create(trial)
    task.cost()
    times: list[float] = []
    with temporary_folder("sceneseg-timing") as folder:
        begin = time.perf_counter()
        setup = build_setup(trial, task, fabric, show)
        for seconds in Trainer(setup, RunDirectory(folder), [], show).timed_steps():
            times.append(seconds)
            if len(times) == WARMUP_STEPS:
                begin = time.perf_counter()
            if len(times) >= WARMUP_STEPS + LEAST_STEPS and time.perf_counter() - begin >= LEAST_SECONDS:
                break
    timed = times[WARMUP_STEPS:]
    return sum(timed) / len(timed)
