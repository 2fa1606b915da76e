"""Adamax: Adam with the infinity norm."""

from torch.optim import Adamax
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def adamax(params: ParamsT, lr: float = 2e-3, weight_decay: float = 1e-4) -> Adamax:
    """Return Adamax.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, section 7.1.
    """
    return Adamax(params, lr=lr, weight_decay=weight_decay)
