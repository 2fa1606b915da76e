"""The shelf of transforms, one file each: random changes of training samples."""

from typing import TYPE_CHECKING, Any

from sceneseg.registry import Registry

if TYPE_CHECKING:
    from sceneseg.transforms.base import Transform

transforms: Registry["Transform[Any]"] = Registry("transform", __name__)
register = transforms.register
create = transforms.create
