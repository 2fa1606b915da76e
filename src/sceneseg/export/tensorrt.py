"""TensorRT: for NVIDIA's GPUs and Jetson, on which the script next to the file builds the engine."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sceneseg.arrays import ImageArray
from sceneseg.errors import ConfigError, ModelError
from sceneseg.export import register
from sceneseg.export.base import Artifact, ComputeOutput
from sceneseg.export.onnx import compose, describe_in, open_onnx
from sceneseg.export.plan import Plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.export_description import ExportDescription

if TYPE_CHECKING:
    import onnx

OPERATIONS = """
Abs Add And ArgMax AveragePool BatchNormalization Cast Ceil Clip Concat Constant ConstantOfShape Conv ConvTranspose
DepthToSpace DequantizeLinear Div Equal Erf Exp Expand Flatten Floor Gather GatherElements Gelu Gemm GlobalAveragePool
GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization
LayerNormalization LeakyRelu Less LessOrEqual Log MatMul Max MaxPool Min Mod Mul Neg Not Or PRelu Pad Pow
QuantizeLinear Range Reciprocal ReduceL2 ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Resize Round
ScatterElements ScatterND Shape Sigmoid Sign Size Slice Softmax Split Sqrt Squeeze Sub Sum Tanh Tile TopK Transpose
Unsqueeze Where
"""
"""That TensorRT 10's ONNX parser has, of those that networks like ours are made of; of bytes it takes Cast alone.

Source: onnx-tensorrt, docs/operators.md.
"""

SCRIPT = """#!/bin/sh
# Builds an engine from the ONNX file next to it and times it, on the device that will run it: an engine belongs to one
# kind of GPU and one version of TensorRT. Further options go to trtexec: sh {script} --useDLACore=0
set -eu
cd "$(dirname "$0")"
TRTEXEC=${{TRTEXEC:-$(command -v trtexec || echo /usr/src/tensorrt/bin/trtexec)}}
TYPES="{flags}"
"$TRTEXEC" --help 2>&1 | grep -q -e --fp16 || TYPES=  # TensorRT 11 takes types from the ONNX file alone
"$TRTEXEC" --onnx={onnx} --saveEngine={engine} $TYPES \\
{shapes}  --useCudaGraph --warmUp=500 --iterations=200 "$@"
"""
FLAGS = {"fp32": "", "fp16": "--fp16", "int8": "--fp16 --int8"}
SMALLEST, USUAL = (256, 256), (1024, 2048)  # (H, W) of images, in engines for any size; a camera's is the usual one


@register
class TensorRT(Artifact):
    """ONNX of the operations that TensorRT has, and the script that makes an engine of it."""

    suffix = ".onnx"
    companions = (".sh",)
    engine = "tensorrt"

    def __init__(self, model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray]) -> None:
        if plan.resizes and plan.resize == "pil_bilinear":
            height, width = plan.target_size or (0, 0)
            raise ConfigError(
                f"This model's images are resized with smoothing, which TensorRT doesn't have. Export it for images of "
                f"{height} x {width} alone, and resize them before.",
                field="size",
            )
        self.plan = plan
        self.model = compose(model, plan, calibration)
        if lacking := unknown_operations(self.model):
            raise ModelError(
                f"{model.network.name} needs {', '.join(lacking)}, which TensorRT isn't known to have. "
                f"Export it to onnx and try it with trtexec.",
                field="to",
            )

    def save(self, file: Path, description: ExportDescription) -> None:
        """Write the ONNX file and the script."""
        import onnx

        describe_in(self.model, description)
        onnx.save(self.model, file)
        script = file.with_suffix(".sh")
        script.write_text(make_script(file.stem, self.plan), encoding="utf-8")
        script.chmod(0o755)

    @classmethod
    def open(cls, file: Path) -> tuple[ComputeOutput, Mapping[str, object]]:
        """Open the ONNX file with ONNX Runtime."""
        return open_onnx(file)

    def advice(self, file: Path) -> str:
        """Return what builds the engine."""
        script = file.with_suffix(".sh").name
        return f"copy {file.name} and {script} to the device and run ./{script} there"


def unknown_operations(model: "onnx.ModelProto") -> list[str]:
    """Return what TensorRT isn't known to have, of what a model is made of."""
    import onnx

    found = {node.op_type for node in model.graph.node} - set(OPERATIONS.split())
    if any(node.op_type == "MaxPool" and len(node.output) > 1 and node.output[1] for node in model.graph.node):
        found.add("MaxPool with indices")
    images = {x.name for x in model.graph.input if x.type.tensor_type.elem_type == onnx.TensorProto.UINT8}
    found |= {f"{n.op_type} of bytes" for n in model.graph.node if n.op_type != "Cast" and images & {*n.input}}
    return sorted(found)


def make_script(name: str, plan: Plan) -> str:
    """Return a shell script that calls trtexec with the shapes and the precision of the file NAME.onnx."""
    if plan.image_size:
        smallest = largest = plan.image_size
    else:  # what the network sees is no bound of the images, which are resized inside
        seen = plan.target_size or USUAL
        smallest = (min(SMALLEST[0], seen[0]), min(SMALLEST[1], seen[1]))
        largest = (max(USUAL[0], seen[0]), max(USUAL[1], seen[1]))
    sizes = (("min", smallest), ("opt", largest), ("max", largest))
    shapes = "".join(f"  --{word}Shapes=image:1x{height}x{width}x3 \\\n" for word, (height, width) in sizes)
    script, graph, engine = (shlex.quote(f"{name}{suffix}") for suffix in (".sh", ".onnx", ".engine"))
    return SCRIPT.format(script=script, onnx=graph, engine=engine, flags=FLAGS[plan.precision], shapes=shapes)
