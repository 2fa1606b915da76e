"""RMSprop."""

from torch.optim import RMSprop
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register


@register
def rmsprop(params: ParamsT, lr: float = 1e-3, weight_decay: float = 1e-4, momentum: float = 0.0) -> RMSprop:
    """Return RMSprop.

    Source: Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012; the learning rate is that of FC-DenseNet.
    """
    return RMSprop(params, lr=lr, weight_decay=weight_decay, momentum=momentum)
