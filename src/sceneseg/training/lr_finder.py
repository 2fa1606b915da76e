"""The learning-rate range test: a few steps of training with a rate that rises from step to step."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sceneseg.optim import optimizers
from sceneseg.optim.lr_range import Numbers, RangeTest
from sceneseg.training.gradients import freeze_statistics, random_state, set_random_state
from sceneseg.training.setup import TrainingSetup

MEMORY = 0.8
"""Weight of the past in the running loss that divergence is judged by."""
TOO_MUCH = 4.0
"""The test is broken off when the running loss is this many times the best so far."""


def sweep_rates(
    setup: TrainingSetup,
    optimizer: str,
    rates: Numbers,
    say: Callable[[str], object],
    on_step: Callable[[], None] | None = None,
) -> RangeTest:
    """Train with rising learning rates; model and random numbers are afterwards what they were before.

    Steps, samples, precision and parts of a batch are those of the training. The loss of a step's batch is computed
    before the step, so that it belongs to the rate of the step before.

    Args:
        setup: Of a training that hasn't begun yet.
        optimizer: Name; momentum, weight decay and scales of parts are the configuration's.
        rates: (N,) learning rate of each step.
        say: Is given messages for the user.
        on_step: Is called after each step.
    """
    config = setup.config
    with _as_it_was(setup):
        made = optimizers.create(setup.step, replace(config.optim, name=optimizer, lr=1.0))
        factors = [group["lr"] for group in made.param_groups]
        step: Any = setup.fabric.setup_optimizers(made)
        losses: list[float] = []
        running, best, diverged = 0.0, math.inf, False
        for number, batch in enumerate(setup.loader(0, len(rates) + 1)):
            setup.module.train()
            if config.train.freeze_norm:
                freeze_statistics(setup.module)
            loss = setup.gradients.compute(batch, say)
            losses.append(loss)
            running = MEMORY * running + (1 - MEMORY) * loss
            level = running / (1 - MEMORY ** (number + 1))  # without the zero it began with
            best = min(best, level)
            diverged = not math.isfinite(loss) or level > TOO_MUCH * best
            if diverged or number == len(rates):
                break
            for group, factor in zip(made.param_groups, factors, strict=True):
                group["lr"] = float(rates[number]) * factor
            step.step()
            step.zero_grad(set_to_none=True)
            if on_step is not None:
                on_step()
    found = np.array(losses[1:] if len(losses) > 1 else losses)
    return RangeTest(optimizer, rates[: len(found)], found, len(rates), diverged)


@contextmanager
def _as_it_was(setup: TrainingSetup) -> Iterator[None]:
    """Bring weights, statistics, modes and random numbers back afterwards."""
    module = setup.module
    state = {name: value.detach().clone() for name, value in module.state_dict().items()}
    modes = {name: part.training for name, part in module.named_modules()}
    random = random_state()
    try:
        yield
    finally:
        module.zero_grad(set_to_none=True)
        module.load_state_dict(state)
        for name, part in module.named_modules():
            part.training = modes[name]
        set_random_state(random)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
