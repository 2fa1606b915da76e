"""The shelf of optimizers, one file each."""

import inspect
from typing import TYPE_CHECKING, Any

from sceneseg.config.schema import OptimConfig
from sceneseg.errors import ConfigError
from sceneseg.registry import Registry

if TYPE_CHECKING:
    import torch
    from torch import nn

optimizers: Registry["torch.optim.Optimizer"] = Registry("optimizer", __name__, field="optim.name")
"""Optimizer classes, and functions that make one. They take parameter groups and `lr`, and of `weight_decay`,
`momentum` and `fused` what they have; the defaults in their signature hold where the configuration gives nothing. One
with a static method `matrix_names` gets groups with ``"matrices": True`` for the weights that it names."""
register = optimizers.register


def create(model: "nn.Module", config: OptimConfig, *, fused: bool = True) -> "torch.optim.Optimizer":
    """Create the optimizer of a model that lies where it is trained; every group's `lr` is its peak.

    Args:
        model: What is trained.
        config: The optimizer and its values.
        fused: Take one kernel for all parameters, where PyTorch has it.

    Raises:
        UnknownNameError: There is no optimizer of that name.
        ConfigError: A learning-rate scale for a part that the model doesn't have, or no learning rate.

    Example:
        >>> from torch import nn
        >>> create(nn.Linear(2, 2), OptimConfig("sgd", lr=0.1)).param_groups[0]["lr"]
        0.1
    """
    from sceneseg.optim.groups import fuses, parameter_groups

    maker: Any = optimizers.get(config.name)
    usual = usual_values(config.name)
    given = {"lr": config.lr, "weight_decay": config.weight_decay, "momentum": config.momentum}
    values = {key: usual.get(key) if value is None else value for key, value in given.items()}
    if values["lr"] is None:
        raise ConfigError(f"The optimizer {config.name} has no usual learning rate. Give one.", field="optim.lr")
    matrices = maker.matrix_names(model) if hasattr(maker, "matrix_names") else ()
    groups = parameter_groups(model, values["lr"], values["weight_decay"] or 0.0, config.lr_scale, matrices)
    options: dict[str, object] = {key: values[key] for key in usual if key in values}
    if fused and "fused" in usual and all(fuses(p) for group in groups for p in group["params"]):
        options["fused"] = True
    return maker(groups, **options)


def usual_values(name: str) -> dict[str, Any]:
    """Return what an optimizer takes where the configuration gives nothing: learning rate, weight decay, momentum, ...

    Args:
        name: Of the optimizer.

    Returns:
        The options in its signature with their defaults, None for those without one.

    Raises:
        UnknownNameError: There is no optimizer of that name.

    Example:
        >>> usual_values("sgd")["momentum"]
        0.9
    """
    _, *options = inspect.signature(optimizers.get(name)).parameters.values()
    return {option.name: None if option.default is option.empty else option.default for option in options}


def reads(name: str) -> tuple[str, ...]:
    """Return the keys of the section `optim` that not every optimizer has an eye for, and this one has."""
    return tuple({"momentum"} & usual_values(name).keys())
