"""Lovasz-softmax: the convex extension of the Jaccard loss, which comes as close to optimizing the IoU as one can."""

from typing import Any

import torch
from torch import Tensor

from sceneseg.kernels.grid import CoarseLogits
from sceneseg.labels import IGNORE_INDEX
from sceneseg.losses import register
from sceneseg.losses._bands import bands, check, map_over_bands
from sceneseg.losses._regions import ClassMeanLoss, labeled_pixels, shares_of_present


@register
class Lovasz(ClassMeanLoss):
    """Mean Lovasz extension of the Jaccard loss over the classes that the batch's labels hold. No valid pixel gives 0.

    Convention: pixels are ranked over the whole batch, not for each image.

    Source: Berman et al., "The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the
    Intersection-Over-Union Measure in Neural Networks", CVPR 2018.

    Args:
        class_weights: One per class, for the mean over the classes; or None.
    """

    def forward(self, logits: CoarseLogits | Tensor, labels: Tensor) -> Tensor:
        """Return the loss of coarse logits (B, C, h, w) against labels (B, H, W) uint8."""
        logits = check(logits, labels, self.class_weights)
        shares = shares_of_present(labeled_pixels(labels, logits), self.class_weights)
        loss: Tensor = _LovaszSoftmax.apply(logits.values, logits, labels, shares)  # type: ignore[no-untyped-call]
        return loss


class _LovaszSoftmax(torch.autograd.Function):
    """Value and gradient at once: both follow from one sorting, which is what costs."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, coarse: CoarseLogits, labels: Tensor, shares: Tensor) -> Tensor:
        exact = coarse.full_precision()
        logits = exact.values
        cut = list(bands(exact, labels))
        log_total = map_over_bands(_logsumexp, exact, labels)  # (B, H, W)
        loss, gradient = logits.new_zeros(()), torch.zeros_like(logits)
        pull = torch.zeros_like(log_total)  # what softmax takes back from every class: the sum of p times slope
        for c in shares.nonzero().flatten().tolist():
            own, own_gradient = logits[:, c : c + 1], gradient[:, c : c + 1]
            p = torch.cat([band.upsample(own) for band in cut], dim=2).squeeze(1).sub_(log_total).exp_()
            class_loss, slope = lovasz_extension(p, labels, c)
            loss += shares[c] * class_loss
            push = slope.mul_(p).mul_(shares[c])
            pull += push
            for band in cut:
                band.add_back(push[:, None, band.rows], own_gradient)
        for band in cut:
            p = band.upsample(logits).sub_(log_total[:, None, band.rows]).exp_()
            band.add_back(p.mul_(-pull[:, None, band.rows]), gradient)
        ctx.save_for_backward(gradient)
        ctx.dtype = values.dtype
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return (gradient * upstream).to(ctx.dtype), None, None, None


def lovasz_extension(p: Tensor, labels: Tensor, c: int) -> tuple[Tensor, Tensor]:
    """Compute the Lovasz extension of class c's Jaccard loss, and its slope in each pixel's probability.

    With the pixels in the order of falling error, the Jaccard loss of the first i grows by 1 / union where pixel i
    is of the class, and by hits to come / (union (union - 1)) where it isn't. Behind the last hit it grows no more,
    so that only pixels with an error at least as large as that of the best hit need sorting.

    Args:
        p: Probability of the class, (B, H, W).
        labels: (B, H, W) uint8, some of them c.
        c: The class.

    Returns:
        The loss, and (B, H, W).
    """
    hits = labels == c
    errors = torch.where(hits, 1 - p, p).masked_fill_(labels == IGNORE_INDEX, -1)
    kept = (errors >= errors[hits].min()).flatten().nonzero().squeeze(1)
    errors, order = errors.flatten()[kept].sort(descending=True)
    kept = kept[order]
    hit = hits.flatten()[kept]
    others = (~hit).cumsum(0)
    total = hit.sum()
    union = (total + others).to(p.dtype)
    to_come = (total - torch.arange(1, len(hit) + 1, device=p.device) + others).to(p.dtype)
    growth = torch.where(hit, 1 / union, to_come / (union * (union - 1)))
    slope = torch.zeros_like(p)
    slope.view(-1)[kept] = torch.where(hit, -growth, growth)
    return (growth * errors).sum(), slope


def _logsumexp(logits: Tensor, _: Tensor) -> Tensor:
    return logits.logsumexp(1)
