"""ONNX Runtime on the exported file, float32."""

from typing import ClassVar

from sceneseg.bench.engines import register
from sceneseg.bench.engines.file_engine import OnnxRuntimeEngine


@register
class OnnxRuntime(OnnxRuntimeEngine):
    """Everything inside the file."""

    file: ClassVar[str] = "onnxruntime/fp32"
