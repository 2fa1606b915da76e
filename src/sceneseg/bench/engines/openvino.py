"""OpenVINO on the exported file, float32."""

from typing import ClassVar

from sceneseg.bench.engines import register
from sceneseg.bench.engines.file_engine import OpenVINOEngine


@register
class OpenVINO(OpenVINOEngine):
    """Everything inside the file."""

    precision: ClassVar[str] = "f32"
