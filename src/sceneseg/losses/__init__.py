"""The shelf of losses, one file each."""

from typing import TYPE_CHECKING, Any

from sceneseg.registry import Registry

if TYPE_CHECKING:
    from torch import nn

CLASSES = "classes"
ALIASES = {"ce": "cross_entropy", "iou": "jaccard", "lovasz_softmax": "lovasz", "ohem_cross_entropy": "ohem"}
losses: Registry["nn.Module"] = Registry("loss", __name__, aliases=ALIASES, field="loss")
register = losses.register
create = losses.create


def heads(loss: Any) -> tuple[str, ...]:
    """Return which outputs of a model a loss takes, by its attribute `heads`; class logits alone without it.

    The first is the one that the loss trains, the others it only looks at.

    Args:
        loss: A loss or its class.
    """
    found: tuple[str, ...] = getattr(loss, "heads", (CLASSES,))
    return found
