"""Cyclic: triangles, one after the other."""

from sceneseg.errors import ConfigError
from sceneseg.optim.schedules import register


@register
def cyclic(step: int, steps: int, cycle: int = 2000) -> float:
    """Rise and fall linearly, cycle after cycle.

    Source: Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, figure 2 (triangular).
    """
    if cycle < 2:
        raise ConfigError(
            f"A cycle of the cyclic schedule has at least 2 steps, found {cycle}. Give a longer one.",
            field="schedule.cycle",
        )
    return 1 - abs(2 * (step % cycle) / cycle - 1)
