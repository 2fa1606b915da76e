"""NAdam: Adam with Nesterov momentum."""

from torch.optim import NAdam
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def nadam(params: ParamsT, lr: float = 2e-3, weight_decay: float = 1e-4) -> NAdam:
    """Return NAdam.

    Source: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop.
    """
    return NAdam(params, lr=lr, weight_decay=weight_decay)
