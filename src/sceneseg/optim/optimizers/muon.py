"""Muon: momentum whose matrices are made orthogonal, for the convolutions in the middle; AdamW for all else."""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.optimizer import ParamsT

from sceneseg.optim.optimizers import register

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Coefficients of the author's quintic: steep at 0, and near 1 it oscillates between 0.7 and 1.2."""
NEWTON_SCHULZ_STEPS = 5
SCALE = 0.2
"""AdamW's updates have about this root mean square; the matrices' are brought to it."""


@register
class Muon(torch.optim.Optimizer):
    """Orthogonal updates for groups with `matrices`, AdamW's for the others.

    A filter (out, in, kh, kw) is the matrix (out, in kh kw). Its update is multiplied by 0.2 sqrt(max(out, in kh kw)),
    so that learning rate and weight decay mean in both kinds of groups what they mean to AdamW.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024
    (https://kellerjordan.github.io/posts/muon); the scale is that of Liu et al., "Muon is Scalable for LLM Training",
    2025, equation 4.

    Args:
        params: Groups; those with a true "matrices" hold parameters of two or four dimensions.
        lr: Learning rate.
        weight_decay: Decoupled, as in AdamW.
        momentum: Nesterov momentum of the matrices.
        betas: AdamW's.
        eps: AdamW's.
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float = 1e-3,
        weight_decay: float = 0.01,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        defaults = {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "betas": betas, "eps": eps}
        super().__init__(params, defaults | {"matrices": False})

    @staticmethod
    def matrix_names(model: nn.Module) -> set[str]:
        """Name the weights that are matrices between features: of convolutions and linear layers in the middle.

        Left out are depthwise and grouped convolutions (their filters share no inputs), transposed ones, and the
        layers that take the image (as many inputs as the model has `in_channels`) or give logits (`num_classes`
        outputs). A model without these two attributes has no such layers.
        """
        image = {getattr(m, "in_channels", None) for m in model.modules() if hasattr(m, "num_classes")}
        logits = {getattr(m, "num_classes", None) for m in model.modules()} - {None}
        names = set()
        for name, m in model.named_modules():
            if isinstance(m, nn.Conv2d) and m.groups == 1:
                inside = m.in_channels not in image and m.out_channels not in logits
            elif isinstance(m, nn.Linear):
                inside = m.out_features not in logits
            else:
                continue
            if inside:
                names.add(f"{name}.weight" if name else "weight")
        return names

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Take one step."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    if group["matrices"]:
                        direction = self._orthogonal_update(parameter, parameter.grad, group["momentum"])
                    else:
                        direction = self._adam_update(parameter, parameter.grad, group["betas"], group["eps"])
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(direction, alpha=-group["lr"])
        return loss

    def _orthogonal_update(self, weight: Tensor, gradient: Tensor, decay: float) -> Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(gradient)
        momentum: Tensor = state["momentum"].lerp_(gradient, 1 - decay)
        ahead = gradient.lerp(momentum, decay)
        matrix = ahead.flatten(1)
        scale = SCALE * math.sqrt(max(matrix.shape))
        return orthogonalize(matrix).mul_(scale).view(gradient.shape)

    def _adam_update(self, weight: Tensor, gradient: Tensor, betas: tuple[float, float], eps: float) -> Tensor:
        state = self.state[weight]
        if not state:
            state |= {"step": 0, "mean": torch.zeros_like(gradient), "square": torch.zeros_like(gradient)}
        state["step"] += 1
        fast, slow = betas
        state["mean"].lerp_(gradient, 1 - fast)
        state["square"].mul_(slow).addcmul_(gradient, gradient, value=1 - slow)
        spread = (state["square"] / (1 - slow ** state["step"])).sqrt_().add_(eps)
        update: Tensor = state["mean"] / spread / (1 - fast ** state["step"])
        return update


def orthogonalize(matrix: Tensor) -> Tensor:
    """Bring all singular values of a matrix near 1, by Newton and Schulz' iteration; in bfloat16 on a GPU."""
    a, b, c = NEWTON_SCHULZ
    x = matrix.bfloat16() if matrix.is_cuda else matrix
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(NEWTON_SCHULZ_STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype, copy=True, memory_format=torch.contiguous_format)
