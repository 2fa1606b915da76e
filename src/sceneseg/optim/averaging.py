"""A moving average of the weights, which is validated and saved in place of the last step's."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class WeightAverage:
    """Exponential moving average of parameters and buffers (the statistics of BatchNorm too).

    The decay grows as (1 + n) / (10 + n) in the first steps, so that the random start is soon forgotten.
    Source: Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017; the warm-up is TensorFlow's.

    Args:
        module: Module whose state is averaged.
        decay: Weight of the past, for example 0.999.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the module's present state."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        current = module.state_dict()
        floats = [k for k, v in self.state.items() if v.is_floating_point()]
        torch._foreach_lerp_([_own(self.state[k]) for k in floats], [_own(current[k]) for k in floats], 1 - decay)
        for key in self.state.keys() - set(floats):
            self.state[key].copy_(current[key])

    @contextmanager
    def applied_to(self, module: nn.Module) -> Iterator[None]:
        """Put the averaged weights into the module for a while."""
        present = {k: v.clone() for k, v in module.state_dict().items()}
        module.load_state_dict(self.state)
        try:
            yield
        finally:
            module.load_state_dict(present)

    def state_dict(self) -> dict[str, int | dict[str, Tensor]]:
        """Return what resuming needs."""
        return {"steps": self.steps, "state": self.state}

    def load_state_dict(self, saved: dict[str, object]) -> None:
        """Restore what `state_dict` returned."""
        self.steps = int(saved["steps"])  # type: ignore[call-overload]
        for key, value in saved["state"].items():  # type: ignore[attr-defined]
            self.state[key].copy_(value)


def _own(value: Tensor) -> Tensor:
    """Return the part of a tensor that this process has; all of it where it isn't shared out."""
    own: Tensor = value.to_local() if hasattr(value, "to_local") else value
    return own
