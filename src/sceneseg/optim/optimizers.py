"""Optimizers by name, with their usual values and no weight decay on norms and biases."""

from typing import Any

import torch
from torch import nn

from sceneseg.config import OptimConfig
from sceneseg.errors import UnknownNameError, did_you_mean

DEFAULTS: dict[str, tuple[float, float]] = {"sgd": (0.01, 5e-4), "adamw": (1e-3, 0.01)}
"""Name -> (learning rate, weight decay) where the configuration gives none."""


NOT_DECAYED = ("pos_embed", "cls_token", "class_tokens")
"""Ends of names of parameters that are positions or tokens, not weights."""


def create(model: nn.Module, config: OptimConfig) -> torch.optim.Optimizer:
    """Create the optimizer of a model.

    Raises:
        UnknownNameError: There is no optimizer of that name.
    """
    if config.name not in DEFAULTS:
        hint = did_you_mean(config.name, DEFAULTS)
        raise UnknownNameError(f'There is no optimizer called "{config.name}".{hint} Known: {", ".join(DEFAULTS)}.')
    lr, decay = DEFAULTS[config.name]
    lr = lr if config.lr is None else config.lr
    groups = parameter_groups(model, decay if config.weight_decay is None else config.weight_decay)
    if config.name == "sgd":
        return torch.optim.SGD(groups, lr, momentum=config.momentum)
    return torch.optim.AdamW(groups, lr)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Split the trainable parameters into those with and those without weight decay.

    Vectors (norms, biases) and tokens are left without: decaying them only fights the normalisation.
    Source: He et al., "Bag of Tricks for Image Classification", CVPR 2019, section 3.1.
    """
    parameters = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    decayed = [p for name, p in parameters if p.ndim > 1 and not name.endswith(NOT_DECAYED)]
    others = [p for name, p in parameters if p.ndim <= 1 or name.endswith(NOT_DECAYED)]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]
