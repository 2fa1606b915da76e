"""The shelf of architectures, one file each."""

from typing import TYPE_CHECKING, Any

from sceneseg.registry import Registry
from sceneseg.user_files import allow

if TYPE_CHECKING:
    from sceneseg.models.base import SegmentationModel

models: Registry["SegmentationModel"] = Registry(
    "model",
    __name__,
    aliases={
        "bisenet": "bisenet_v1",
        "bayes_segnet": "bayesian_segnet",
        "deeplab": "deeplab_v3_plus",
        "fcn": "fcn8s",
        "hrnetv2": "hrnet",
        "ocr": "ocrnet",
    },
    field="model.name",
    adapt="sceneseg.models.user_module:as_model",
)
register = models.register
create = models.create


def create_model(name: str, /, **arguments: Any) -> "SegmentationModel":
    """Create an untrained model.

    Args:
        name: Registry name, or ``FILE.py:NAME`` for a class or function in a Python file, which is run.
        arguments: Its arguments; `num_classes` is among them.

    Raises:
        UnknownNameError: There is no such model.
        ConfigError: It has no argument of that name, a required one is missing, or a number is out of range.

    Example:
        >>> create_model("fast_scnn", num_classes=3, width=0.25).name
        'fast_scnn'
    """
    allow(name)
    return create(name, **arguments)
