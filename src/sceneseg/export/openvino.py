"""OpenVINO: for Intel's processors, graphics and NPUs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sceneseg import standalone
from sceneseg.arrays import ImageArray
from sceneseg.errors import ConfigError, RunError
from sceneseg.export import register
from sceneseg.export.base import Artifact, ComputeOutput
from sceneseg.export.onnx import compose
from sceneseg.export.plan import Plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.environment import import_openvino
from sceneseg.records.export_description import ExportDescription
from sceneseg.records.temporaries import temporary_folder


@register
class OpenVINO(Artifact):
    """The ONNX model in OpenVINO's own form; int8 comes as it was quantized there."""

    suffix = ".xml"
    companions = (".bin",)
    engine = "openvino"

    def __init__(self, model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray]) -> None:
        if plan.resizes and plan.resize == "pil_bilinear":
            height, width = plan.target_size or (0, 0)
            raise ConfigError(
                f"This model's images are resized with smoothing, which OpenVINO leaves out. Export it for images of "
                f"{height} x {width} alone and resize them before, or export it to onnx.",
                field="size",
            )
        import onnx

        self.precision = plan.precision
        ov = import_openvino()
        with temporary_folder("sceneseg-openvino") as folder:
            file = folder / "model.onnx"
            onnx.save(compose(model, plan, calibration), file)
            self.model = ov.convert_model(file)

    def save(self, file: Path, description: ExportDescription) -> None:
        """Write FILE.xml and FILE.bin."""
        ov = import_openvino()
        self.model.set_rt_info(json.dumps(description.to_dict()), [standalone.KEY])
        try:
            ov.save_model(self.model, file, compress_to_fp16=self.precision == "fp16")
        except RuntimeError as error:
            raise RunError(
                f"{file.parent}: OpenVINO can't write there ({error}). Is there room on the disk?"
            ) from error

    @classmethod
    def open(cls, file: Path) -> tuple[ComputeOutput, Mapping[str, object]]:
        """Open the file with OpenVINO, for its lowest latency on the CPU."""
        ov = import_openvino()
        try:
            model = ov.Core().read_model(file)
            text = model.get_rt_info(standalone.KEY).astype(str) if model.has_rt_info(standalone.KEY) else None
        except (RuntimeError, ValueError) as error:
            raise RunError(f"{file}: OpenVINO can't load it ({_last_line(error)}).") from None
        description = standalone.describe(text, file)
        settings = {"PERFORMANCE_HINT": "LATENCY"}
        if description["precision"] == "fp32":
            settings["INFERENCE_PRECISION_HINT"] = "f32"  # else it takes bfloat16 where the processor has it
        try:
            compiled = ov.Core().compile_model(model, "CPU", settings)
        except (RuntimeError, ValueError) as error:
            raise RunError(f"{file}: OpenVINO can't compile it ({_last_line(error)}).") from None

        def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
            try:
                return np.array(compiled(images)[0])
            except (RuntimeError, ValueError) as error:
                raise RunError(f"{file}: OpenVINO can't run it ({_last_line(error)}).") from None

        return answer, description


def _last_line(error: Exception) -> str:
    """Return the line in which OpenVINO says what is wrong, behind those that say where in its code."""
    return ([line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__])[-1]
