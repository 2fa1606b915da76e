"""SGD with momentum."""

from torch.optim import SGD
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def sgd(
    params: ParamsT, lr: float = 0.01, weight_decay: float = 5e-4, momentum: float = 0.9, fused: bool | None = None
) -> SGD:
    """Return SGD with heavy-ball momentum.

    Values: those that are common to the recipes of the field.
    """
    return SGD(params, lr=lr, weight_decay=weight_decay, momentum=momentum, fused=fused)
