"""ONNX Runtime on the exported file, int8."""

from typing import ClassVar

from sceneseg.bench.engines import register
from sceneseg.bench.engines.file_engine import OnnxRuntimeEngine


@register
class OnnxRuntimeInt8(OnnxRuntimeEngine):
    """Quantized by the exporter."""

    file: ClassVar[str] = "onnxruntime/int8"
