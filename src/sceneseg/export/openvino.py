"""OpenVINO: for Intel's processors, graphics and NPUs."""

import json
from collections.abc import Sequence
from pathlib import Path

import onnx

from sceneseg.arrays import ImageArray
from sceneseg.errors import ConfigError, RunError
from sceneseg.export import register
from sceneseg.export.base import Artifact
from sceneseg.export.onnx import compose
from sceneseg.export.plan import Plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.environment import import_openvino
from sceneseg.records.export_description import ExportDescription
from sceneseg.records.temporaries import temporary_folder
from sceneseg.standalone import KEY


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
                f"This model's pictures are resized with smoothing, which OpenVINO leaves out. Export it "
                f"--size {height} {width} and resize pictures before, or export it --to onnx."
            )
        self.precision = plan.precision
        ov = import_openvino()
        with temporary_folder("sceneseg-openvino") as folder:
            file = folder / "model.onnx"
            onnx.save(compose(model, plan, calibration), file)
            self.model = ov.convert_model(file)

    def save(self, file: Path, description: ExportDescription) -> None:
        """Write FILE.xml and FILE.bin."""
        ov = import_openvino()
        self.model.set_rt_info(json.dumps(description.to_dict()), [KEY])
        try:
            ov.save_model(self.model, file, compress_to_fp16=self.precision == "fp16")
        except RuntimeError as error:
            raise RunError(
                f"{file.parent}: OpenVINO can't write there ({error}). Is there room on the disk?"
            ) from error
