"""Optimizers by name, with their usual values."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RMSprop

from sceneseg.config.schema import OptimConfig
from sceneseg.errors import UnknownNameError, did_you_mean
from sceneseg.optim.ftrl import Ftrl
from sceneseg.optim.groups import parameter_groups
from sceneseg.optim.muon import Muon, matrix_names


class Usual(NamedTuple):
    """What an optimizer is made of where the configuration gives nothing.

    Args:
        make: The optimizer.
        lr: Peak learning rate.
        weight_decay: Weight decay.
        momentum: Momentum, None where the optimizer has no such option.
        options: What else its constructor is given.
    """

    make: Callable[..., torch.optim.Optimizer]
    lr: float
    weight_decay: float
    momentum: float | None = None
    options: dict[str, Any] = {}  # noqa: RUF012 (never changed)

    @property
    def reads(self) -> tuple[str, ...]:
        """Keys of the section `optim` that not every optimizer has an eye for, and this one has."""
        return () if self.momentum is None else ("momentum",)


OPTIMIZERS: dict[str, Usual] = {
    "sgd": Usual(SGD, 0.01, 5e-4, 0.9),
    "sgd_nesterov": Usual(SGD, 0.01, 5e-4, 0.9, {"nesterov": True}),
    "adam": Usual(Adam, 1e-3, 1e-4),
    "adamw": Usual(AdamW, 1e-3, 0.01),
    "adamax": Usual(Adamax, 2e-3, 1e-4),
    "nadam": Usual(NAdam, 2e-3, 1e-4),
    "rmsprop": Usual(RMSprop, 1e-3, 1e-4, 0.0),
    "adagrad": Usual(Adagrad, 0.01, 1e-4),
    "adadelta": Usual(Adadelta, 1.0, 1e-4),
    "ftrl": Usual(Ftrl, 1e-3, 1e-4),
    "muon": Usual(Muon, 1e-3, 0.01, 0.95),
}
"""Learning rates are those of the papers or of PyTorch; rmsprop's is FC-DenseNet's, ftrl's TensorFlow's, and those of
sgd are common to the recipes of the field."""


FUSED = (SGD, Adam, AdamW, Adagrad)
"""Optimizers that PyTorch has as one kernel over all parameters, on CUDA and on a CPU."""


def create(model: nn.Module, config: OptimConfig, *, fused: bool = True) -> torch.optim.Optimizer:
    """Create the optimizer of a model that lies where it is trained; every group's `lr` is its peak.

    Args:
        model: What is trained.
        config: The optimizer and its values.
        fused: Take one kernel for all parameters, where PyTorch has it.

    Raises:
        UnknownNameError: There is no optimizer of that name.
        ConfigError: A learning-rate scale for a part that the model doesn't have.
    """
    usual = find(config.name)
    lr = usual.lr if config.lr is None else config.lr
    decay = usual.weight_decay if config.weight_decay is None else config.weight_decay
    matrices = matrix_names(model) if usual.make is Muon else ()
    groups = parameter_groups(model, lr, decay, config.lr_scale, matrices)
    options = dict(usual.options)
    if usual.momentum is not None:
        options["momentum"] = usual.momentum if config.momentum is None else config.momentum
    if fused and usual.make in FUSED and all(_fuses(p) for group in groups for p in group["params"]):
        options["fused"] = True
    return usual.make(groups, lr=lr, **options)


def _fuses(parameter: nn.Parameter) -> bool:
    """Return whether the fused kernels take a parameter; those sharded over processes aren't left to them."""
    plain = not hasattr(parameter, "device_mesh")
    return plain and parameter.is_floating_point() and parameter.device.type in ("cuda", "cpu")


def find(name: str) -> Usual:
    """Return what an optimizer is made of.

    Raises:
        UnknownNameError: There is no optimizer of that name.
    """
    if name not in OPTIMIZERS:
        hint = did_you_mean(name, OPTIMIZERS)
        raise UnknownNameError(f'There is no optimizer called "{name}".{hint} Known: {", ".join(OPTIMIZERS)}.')
    return OPTIMIZERS[name]
