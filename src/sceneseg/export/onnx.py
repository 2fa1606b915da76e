"""ONNX: one file for ONNX Runtime, and for everything else that reads ONNX."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sceneseg.arrays import ImageArray
from sceneseg.export import register
from sceneseg.export._body import export_body
from sceneseg.export._description import describe
from sceneseg.export.base import Artifact, ComputeOutput
from sceneseg.export.plan import Plan, make_plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.export_description import ExportDescription
from sceneseg.standalone import KEY, Runner

if TYPE_CHECKING:
    import onnx  # to open a file takes ONNX Runtime alone


@register
class Onnx(Artifact):
    """uint8 images in, labels out, everything between inside."""

    suffix = ".onnx"
    engine = "onnxruntime"

    def __init__(self, model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray]) -> None:
        self.model = compose(model, plan, calibration)

    def save(self, file: Path, description: ExportDescription) -> None:
        """Write the file."""
        import onnx

        describe_in(self.model, description)
        onnx.save(self.model, file)

    @classmethod
    def open(cls, file: Path) -> tuple[ComputeOutput, Mapping[str, object]]:
        """Open the file with ONNX Runtime."""
        return open_onnx(file)


def open_onnx(file: Path) -> tuple[ComputeOutput, Mapping[str, object]]:
    """Open an ONNX file with ONNX Runtime; return what computes its output, and its description."""
    runner = Runner(file)
    return runner.run, runner.description


def build(
    model: SemanticModel,
    output: str = "labels",
    precision: str = "fp32",
    calibration: Sequence[ImageArray] = (),
    image_size: tuple[int, int] | None = None,
    engine: str = "onnxruntime",
) -> "onnx.ModelProto":
    """Return the complete model, with its description, as an export to onnx writes it, unchecked.

    Its input `image` is (batch, height, width, 3) uint8 RGB; its output (batch, height, width) uint8, or
    (batch, classes, height, width) float32 probabilities, or the network's coarse logits.

    Args:
        model: What is exported.
        output: labels, label_ids, probabilities or coarse.
        precision: fp32, fp16 or int8, of the network; images and labels are bytes.
        calibration: Images (H, W, 3) from which int8 takes the range of every value.
        image_size: (H, W) of the images; None takes any.
        engine: What will run it; others can, too, but find the maximum more slowly.

    Raises:
        ConfigError: An output or precision that doesn't exist, or int8 without images.
        ModelError: The network can't be translated.
    """
    plan = make_plan(model, output, precision, image_size, engine)
    return finish(translate(model, plan, calibration), model, plan)


def compose(model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray]) -> "onnx.ModelProto":
    """Translate the network and put the rest around it; without a description."""
    from sceneseg.export._graph import assemble

    return assemble(translate(model, plan, calibration), plan)


def translate(model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray] = ()) -> "onnx.ModelProto":
    """Return the network alone, quantized if that is planned; plans that differ in the output can share it."""
    body = export_body(model.network, plan.network_size, plan.precision == "fp16")
    if plan.precision == "int8":
        from sceneseg.export._quantize import quantize

        body = quantize(body, model, calibration, for_tensorrt=plan.engine == "tensorrt")
    return body


def finish(body: "onnx.ModelProto", model: SemanticModel, plan: Plan) -> "onnx.ModelProto":
    """Return the whole model around a translated network, with its description; the network stays as it is."""
    from sceneseg.export._graph import assemble

    whole = assemble(body, plan)
    describe_in(whole, describe(model, plan))
    return whole


def describe_in(model: "onnx.ModelProto", description: ExportDescription) -> None:
    """Write a description into a model's metadata."""
    import onnx

    name, kind = description.model.name, description.output.kind
    model.doc_string = f"{name}: images (batch, height, width, 3) uint8 RGB to {kind}"
    onnx.helper.set_model_props(model, {KEY: json.dumps(description.to_dict())})
