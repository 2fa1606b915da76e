"""The shelf of architectures, one file each."""

from typing import TYPE_CHECKING

from sceneseg.registry import Registry

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
)
register = models.register
create = models.create
