"""Adadelta."""

from torch.optim import Adadelta
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def adadelta(params: ParamsT, lr: float = 1.0, weight_decay: float = 1e-4) -> Adadelta:
    """Return Adadelta.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.
    """
    return Adadelta(params, lr=lr, weight_decay=weight_decay)
