"""The shelf of losses, one file each."""

from typing import TYPE_CHECKING

from sceneseg.registry import Registry

if TYPE_CHECKING:
    from torch import nn

ALIASES = {"ce": "cross_entropy", "iou": "jaccard", "lovasz_softmax": "lovasz", "ohem_cross_entropy": "ohem"}
losses: Registry["nn.Module"] = Registry("loss", __name__, aliases=ALIASES)
register = losses.register
create = losses.create
