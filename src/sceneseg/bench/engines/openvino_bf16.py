"""OpenVINO on the exported file, in bfloat16 where the processor computes it."""

from typing import ClassVar

from sceneseg.bench.engines import register
from sceneseg.bench.engines.file_engine import OpenVINOEngine


@register
class OpenVINOBFloat16(OpenVINOEngine):
    """Everything inside the file."""

    precision: ClassVar[str] = "bf16"
