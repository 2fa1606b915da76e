"""Poly: a power of what is left of the run."""

from sceneseg.optim.schedules import register


@register
def poly(step: int, steps: int, power: float = 0.9) -> float:
    """Fall as a power of what is left of the run.

    Source: Chen et al., "DeepLab", TPAMI 2018, section 4.1.2.
    """
    return (1 - step / steps) ** power
