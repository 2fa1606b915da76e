"""Parameter groups: which parameters decay, and which learn slower or faster than the others."""

from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from sceneseg.errors import ConfigError, did_you_mean

NOT_DECAYED = ("pos_embed", "cls_token", "class_tokens")
"""Ends of names of parameters that are positions or tokens, not weights."""


def parameter_groups(
    model: nn.Module,
    lr: float,
    weight_decay: float,
    lr_scale: Mapping[str, float] | None = None,
    matrices: Collection[str] = (),
) -> list[dict[str, Any]]:
    """Split the trainable parameters by learning rate, weight decay and kind of update.

    Vectors (norms, biases) and tokens don't decay: that would only fight the normalization.
    Source: He et al., "Bag of Tricks for Image Classification", CVPR 2019, section 3.1.

    Args:
        model: What is trained.
        lr: Peak learning rate.
        weight_decay: Of the parameters that decay.
        lr_scale: Factor of the learning rate by prefix of the parameters' names (without what all names share, such
            as "network."); of several prefixes that fit, the longest counts.
        matrices: Names of parameters that muon treats as matrices.

    Raises:
        ConfigError: A prefix that no parameter has.
    """
    factors = _factors([name for name, _ in model.named_parameters()], lr_scale or {})
    groups: dict[tuple[float, bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        decays = parameter.ndim > 1 and not name.endswith(NOT_DECAYED)
        groups.setdefault((factors[name], not decays, name not in matrices), []).append(parameter)
    return [
        {"params": parameters, "lr": lr * factor, "weight_decay": 0.0 if is_spared else weight_decay}
        | ({"matrices": not is_other} if matrices else {})
        for (factor, is_spared, is_other), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def fuses(parameter: nn.Parameter) -> bool:
    """Return whether the fused kernels take a parameter; those sharded over processes aren't left to them."""
    plain = not hasattr(parameter, "device_mesh")
    return plain and parameter.is_floating_point() and parameter.device.type in ("cuda", "cpu")


def _factors(names: list[str], lr_scale: Mapping[str, float]) -> dict[str, float]:
    """Return the factor of every parameter."""
    short = dict(zip(names, _without_what_all_share(names), strict=True))
    parts = {".".join(n.split(".")[:depth]) for n in short.values() for depth in range(1, n.count(".") + 2)}
    for prefix in lr_scale:
        if prefix not in parts:
            top = sorted({n.partition(".")[0] for n in short.values()})
            raise ConfigError(
                f'No parameter of the model begins with "{prefix}".{did_you_mean(prefix, parts)} '
                f"Its parts are {', '.join(top)}.",
                field="optim.lr_scale",
            )
    longest_first = sorted(lr_scale, key=len, reverse=True)
    return {
        name: next((float(lr_scale[p]) for p in longest_first if f"{n}.".startswith(f"{p}.")), 1.0)
        for name, n in short.items()
    }


def _without_what_all_share(names: list[str]) -> list[str]:
    """Take away the modules around the network: network.head.weight, network.stem.bias -> head.weight, stem.bias."""
    while all("." in n for n in names) and len({n.partition(".")[0] for n in names}) == 1:
        names = [n.partition(".")[2] for n in names]
    return names
