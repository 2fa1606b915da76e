"""The shelf of losses, one file each."""

from typing import TYPE_CHECKING

from sceneseg.registry import Registry

if TYPE_CHECKING:
    from torch import nn

losses: Registry["nn.Module"] = Registry("loss", __name__, aliases={"ce": "cross_entropy"})
register = losses.register
create = losses.create
