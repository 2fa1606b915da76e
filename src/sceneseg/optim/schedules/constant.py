"""Constant: the peak, in every step."""

from sceneseg.optim.schedules import register


@register
def constant(step: int, steps: int, peak: float) -> float:
    """Stay at the peak."""
    return peak
