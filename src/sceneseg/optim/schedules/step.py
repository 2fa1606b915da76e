"""Step: lower by a factor at milestones."""

from collections.abc import Sequence

from sceneseg.optim.schedules import register


@register
def step_down(step: int, steps: int, milestones: Sequence[float] = (0.5, 0.75), factor: float = 0.1) -> float:
    """Multiply by the factor at each milestone, given in parts of the run."""
    return factor ** sum(step >= milestone * steps for milestone in milestones)
