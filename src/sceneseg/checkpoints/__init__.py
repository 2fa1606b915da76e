"""The shelf of other people's checkpoints, one file an origin."""

from typing import TYPE_CHECKING

from sceneseg.registry import Registry

if TYPE_CHECKING:
    from sceneseg.checkpoints.base import Origin

origins: Registry["Origin"] = Registry("origin", __name__, field="origin")
register = origins.register
