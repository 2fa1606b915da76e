"""FTRL-Proximal: follow the regularized leader, which with an L1 penalty sets weights to exactly zero."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register

NUMBERS = ("lr", "weight_decay", "l1", "l2", "beta", "initial_accumulator")
"""Options of a group of parameters."""


@register
def ftrl(params: ParamsT, lr: float = 1e-3, weight_decay: float = 1e-4) -> "Ftrl":
    """Return FTRL-Proximal without penalties; the learning rate is TensorFlow's."""
    return Ftrl(params, lr=lr, weight_decay=weight_decay)


class Ftrl(torch.optim.Optimizer):
    """The optimizer of TensorFlow's `Ftrl`; without penalties it takes the steps of Adagrad.

    Source: McMahan et al., "Ad Click Prediction: a View from the Trenches", KDD 2013, algorithm 1; defaults are
    TensorFlow's. Differs: it starts from the weights it is given (there: from z = 0, which forgets a network's initial
    weights in the first step), and its learning rate may change from step to step.

    Args:
        params: Parameters, or groups of them.
        lr: The paper's alpha.
        weight_decay: Shrinks weights by lr x this / (beta + sqrt(n)) a step; not counted in n (TensorFlow's L2
            shrinkage is half of it).
        l1: The paper's lambda 1.
        l2: The paper's lambda 2.
        beta: The paper's beta.
        initial_accumulator: What n starts from.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.0,
        l1: float = 0.0,
        l2: float = 0.0,
        beta: float = 0.0,
        initial_accumulator: float = 0.1,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "l1": l1, "l2": l2, "beta": beta}
        super().__init__(params, defaults | {"initial_accumulator": initial_accumulator})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take one step; a learning rate of 0 changes nothing."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            options = {key: group[key] for key in NUMBERS}
            for parameter in group["params"]:
                if parameter.grad is not None and options["lr"] > 0:
                    self._update(parameter, parameter.grad, options)
        return loss

    def _update(self, weight: Tensor, gradient: Tensor, options: Mapping[str, float]) -> None:
        """Update the sums n (of squared gradients) and z, and solve for the weight.

        `strength` is the paper's (beta + sqrt n) / alpha: how strongly the past holds the weight. z starts where it
        gives the present weight, but for the penalties; without them an alpha that changes moves nothing by itself.
        """
        state = self.state[weight]
        l1, l2 = options["l1"], options["l2"]
        if not state:
            state["n"] = torch.full_like(weight, options["initial_accumulator"])
            state["strength"] = (options["beta"] + state["n"].sqrt()) / options["lr"]
            state["z"] = -weight * state["strength"]
        state["n"].addcmul_(gradient, gradient)
        strength = (options["beta"] + state["n"].sqrt()) / options["lr"]
        sigma = strength - state["strength"]
        state["z"].add_(gradient + options["weight_decay"] * weight - sigma * weight)
        state["strength"] = strength
        z = state["z"]
        weight.copy_(torch.where(z.abs() <= l1, 0.0, -(z - l1 * z.sign()) / (strength + l2)))
