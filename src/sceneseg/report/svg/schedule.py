"""Chart of the learning rate: planned over the whole run, how far the run came, and what was recorded."""

import math
from collections.abc import Sequence
from dataclasses import fields
from typing import NamedTuple

from markupsafe import Markup

from sceneseg.config.schema import ScheduleConfig
from sceneseg.errors import ScenesegError
from sceneseg.optim.schedules import learning_rate, returns_rate
from sceneseg.records.history import Epoch
from sceneseg.report.formatting import number
from sceneseg.report.run.run_reader import Contents
from sceneseg.report.svg.charts import Curve, line_chart
from sceneseg.wording import counted

POINTS = 160
"""Places along the run at which the plan is drawn, in addition to the epochs' ends."""
MAX_DOTS = 30
VISIBLE = 1e-3
"""Part of the peak from which a recorded rate determines the peak."""


class _Plan(NamedTuple):
    """A schedule laid out over a run."""

    config: ScheduleConfig
    steps_per_epoch: int
    epochs: int
    scores: Sequence[float | None]

    def rate(self, step: int, peak: float, min_lr: float | None = None) -> float:
        """Return the rate of a step, 0 .. steps - 1."""
        config = self.config if min_lr is None else ScheduleConfig(**{**vars(self.config), "min_lr": min_lr})
        steps = self.steps_per_epoch * self.epochs
        return learning_rate(step, steps, peak, config, self.scores[: step // self.steps_per_epoch])


def schedule_chart(contents: Contents, score: str) -> Markup | None:
    """Draw the learning rate over all epochs of a run: a strong line as far as it came, a faint one for the rest.

    Dots are what the history recorded at the epochs' ends. They lie on the line unless the configuration was changed
    on the way, for example when a finished run was extended.

    Args:
        contents: Of the run.
        score: What the schedule that waits for a plateau watches.

    Returns:
        A ``<figure>``; None where no rate was recorded.
    """
    rows = [row for row in contents.history if math.isfinite(row.value("lr"))]
    if not rows:
        return None
    done = rows[-1].epoch
    dots = rows[:: math.ceil(len(rows) / MAX_DOTS)]
    recorded = Curve("recorded", [r.epoch for r in dots], [r.value("lr") for r in dots], dots=True)
    try:
        plan = _plan(contents, rows, score)
        planned = _curve(plan, _peak(contents, plan, rows))
    except (TypeError, ValueError, ArithmeticError, ScenesegError):  # a schedule of an older or newer version
        plain = Curve("recorded", [r.epoch for r in rows], [r.value("lr") for r in rows])
        return line_chart([plain], title="Learning rate", x_name="epoch", note=f"peak {number(max(plain.y))}")
    so_far = [(x, y) for x, y in planned if x <= done]
    to_come = [(x, y) for x, y in planned if x > done]
    curves = [
        Curve(name, [x for x, _ in places], [y for _, y in places], color)
        for name, places, color in (("planned", to_come, "var(--faint)"), ("so far", so_far, "var(--accent)"))
        if places
    ]
    state = (
        f"{done:g} of {counted(plan.epochs, 'epoch')}"
        if done < plan.epochs
        else f"peak {number(max(y for _, y in planned))}"
    )
    note = f"{plan.config.name}, {state}"
    ends = 0.0, max(float(plan.epochs), done)
    return line_chart([*curves, recorded], title="Learning rate", x_name="epoch", note=note, x_range=ends)


def _plan(contents: Contents, rows: Sequence[Epoch], score: str) -> _Plan:
    """Lay the run's schedule out over its epochs.

    Raises:
        ValueError: The history doesn't say how long an epoch is.
    """
    known = {field.name for field in fields(ScheduleConfig)}
    given = contents.setting("schedule")
    config = ScheduleConfig(**{k: v for k, v in given.items() if k in known} if isinstance(given, dict) else {})
    last = rows[-1]
    steps_per_epoch = round(last.value("step") / last.epoch)
    epochs = int(contents.setting("train.epochs") or last.epoch)
    scores = [v if math.isfinite(v := row.value(score)) else None for row in contents.history]
    return _Plan(config, steps_per_epoch, max(epochs, math.ceil(last.epoch)), scores)


def _peak(contents: Contents, plan: _Plan, rows: Sequence[Epoch]) -> float:
    """Return the peak: as configured, else what it must have been for the rate that was recorded last.

    The optimizer's usual rate isn't in the configuration, and where parts of a model learn at rates of their own the
    history has that of one part.
    """
    given = contents.setting("optim.lr")
    if given is not None and not contents.setting("optim.lr_scale"):
        return float(given)
    falls_to = plan.config.min_lr
    for row in reversed(rows):
        step = round(row.value("step")) - 1
        part = plan.rate(step, 1.0, min_lr=0.0)
        if returns_rate(plan.config.name) or step < plan.config.warmup_steps:  # a factor of the whole peak
            if part > VISIBLE and row.value("lr") > falls_to:
                return row.value("lr") / part
        elif part > VISIBLE:
            return falls_to + (row.value("lr") - falls_to) / part
    return max(row.value("lr") for row in rows)


def _curve(plan: _Plan, peak: float) -> list[tuple[float, float]]:
    """Return (epoch, rate) along the run; each epoch's end is one of the places while there are few."""
    steps = plan.steps_per_epoch * plan.epochs
    places = {round(i * (steps - 1) / (POINTS - 1)) for i in range(POINTS)}
    places.add(min(plan.config.warmup_steps, steps - 1))
    if plan.epochs <= POINTS:
        places |= {plan.steps_per_epoch * epoch - 1 for epoch in range(1, plan.epochs + 1)}
    return [((step + 1) / plan.steps_per_epoch, plan.rate(step, peak)) for step in sorted(places)]
