"""AdamW: Adam with decoupled weight decay."""

from torch.optim import AdamW
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def adamw(params: ParamsT, lr: float = 1e-3, weight_decay: float = 0.01, fused: bool | None = None) -> AdamW:
    """Return AdamW.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    return AdamW(params, lr=lr, weight_decay=weight_decay, fused=fused)
