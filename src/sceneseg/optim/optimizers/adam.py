"""Adam."""

from torch.optim import Adam
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def adam(params: ParamsT, lr: float = 1e-3, weight_decay: float = 1e-4, fused: bool | None = None) -> Adam:
    """Return Adam, with weight decay as an L2 penalty.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015.
    """
    return Adam(params, lr=lr, weight_decay=weight_decay, fused=fused)
