"""OpenVINO's own files, from the ONNX model."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx

from sceneseg.environment import import_openvino


def convert(model: onnx.ModelProto) -> Any:
    """Return OpenVINO's form of a complete ONNX model."""
    ov = import_openvino()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        onnx.save(model, file)
        return ov.convert_model(str(file))


def runner(model: Any) -> Callable[[npt.NDArray[np.uint8]], npt.NDArray[Any]]:
    """Return what runs a model on one picture (H, W, 3)."""
    ov = import_openvino()
    compiled = ov.Core().compile_model(model, "CPU", {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})

    def run(picture: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        return np.array(compiled([picture[None]])[0][0])

    return run


def save(model: Any, file: Path, half: bool) -> None:
    """Write FILE.xml and FILE.bin; `half` stores weights in float16."""
    import_openvino().save_model(model, str(file), compress_to_fp16=half)
