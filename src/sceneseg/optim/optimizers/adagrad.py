"""Adagrad."""

from torch.optim import Adagrad
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def adagrad(params: ParamsT, lr: float = 0.01, weight_decay: float = 1e-4, fused: bool | None = None) -> Adagrad:
    """Return Adagrad.

    Source: Duchi et al., "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 2011.
    """
    return Adagrad(params, lr=lr, weight_decay=weight_decay, fused=fused)
