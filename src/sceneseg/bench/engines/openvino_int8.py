"""OpenVINO on the exported file, int8; what isn't quantized in bfloat16 where the processor computes it."""

from typing import ClassVar

from sceneseg.bench.engines import register
from sceneseg.bench.engines.file_engine import OpenVINOEngine


@register
class OpenVINOInt8(OpenVINOEngine):
    """Quantized by the exporter."""

    file: ClassVar[str] = "openvino/int8"
    precision: ClassVar[str] = "bf16"
