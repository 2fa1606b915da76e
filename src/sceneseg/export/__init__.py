"""Export: one file that takes images and gives labels, and the gate that compares it with the model first."""

from sceneseg.export.base import Artifact
from sceneseg.registry import Registry

formats: Registry[Artifact] = Registry("export format", __name__, {"ov": "openvino", "trt": "tensorrt"}, field="to")
register = formats.register
