"""One ONNX file that takes pictures and gives labels: resizing, normalisation, upsampling and argmax are inside.

The network is written by PyTorch's exporter, for any batch, height and width. What comes before and after it is added
here, node by node, as `sceneseg.tasks.semantic.SemanticModel.predict` does it.
"""

import json
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

import sceneseg
from sceneseg.errors import ModelError
from sceneseg.inference.resizing import network_input
from sceneseg.labels import IGNORE_INDEX
from sceneseg.tasks.semantic import SemanticModel

Output = Literal["labels", "label_ids", "probabilities", "coarse"]
Precision = Literal["fp32", "fp16", "int8"]
Picture = npt.NDArray[np.uint8]
OPSET = 18
NUDGE = 1e-3
"""Pixels added before a size is rounded down, against rounding in float32."""


def build(model: SemanticModel, output: Output, precision: Precision, calibration: list[Picture]) -> onnx.ModelProto:
    """Return the complete ONNX model.

    Its input `image` is (batch, height, width, 3) uint8 RGB; its output (batch, height, width) uint8, or
    (batch, classes, height, width) float32 probabilities, or the network's coarse logits.

    Args:
        model: What is exported.
        output: What comes out: train ids, the data set's own label ids, probabilities, or coarse logits.
        precision: Of the network; what surrounds it stays in float32.
        calibration: Pictures (H, W, 3) from which int8 learns the ranges of its numbers.

    Raises:
        ModelError: The network can't be exported.
    """
    network = network_graph(model)
    if precision == "fp16":
        from onnxruntime.transformers.float16 import convert_float_to_float16

        network = in_order(convert_float_to_float16(network, keep_io_types=True))
    elif precision == "int8":
        network = quantise(network, (network_input(p, *_resizing(model)).numpy() for p in calibration))
    return surround(network, model, output)


class _Coarse(nn.Module):
    def __init__(self, model: SemanticModel) -> None:
        super().__init__()
        self.network = model.network

    def forward(self, pixels: Tensor) -> Tensor:
        return self.network.coarse_logits(pixels)[0]


def network_graph(model: SemanticModel) -> onnx.ModelProto:
    """Export the network alone: (batch, 3, h, w) in [0, 1] to coarse logits."""
    d, least = model.network.size_divisor, max(model.network.min_size, 64)
    height = -(-least // d) * d + d - 1 if d > 1 else least  # a size that needs padding, so that padding is exported
    pixels = torch.rand(2, model.network.in_channels, height, height + 2 * d, device=model.device)
    free = torch.export.Dim.DYNAMIC
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "torch.export", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                _Coarse(model).eval(),
                (pixels,),
                dynamo=True,
                dynamic_shapes=({0: free, 2: free, 3: free},),
                input_names=["pixels"],
                output_names=["coarse"],
                opset_version=OPSET,
                verbose=False,
            )
    except Exception as error:
        name = model.network.name
        raise ModelError(f"{name} can't be exported to ONNX by this PyTorch: {str(error).splitlines()[0]}") from error
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
    assert program is not None
    exported: onnx.ModelProto = program.model_proto
    return exported


def in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """Sort a graph's nodes so that each comes after those whose outputs it takes."""
    graph = model.graph
    known = {"", *(i.name for i in graph.input), *(i.name for i in graph.initializer)}
    left, done = list(graph.node), []
    while left:
        ready = [node for node in left if all(name in known for name in node.input)]
        if not ready:
            raise ModelError("The exported graph has a circle or an input from nowhere.")
        known.update(name for node in ready for name in node.output)
        taken = {id(node) for node in ready}
        done += ready
        left = [node for node in left if id(node) not in taken]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in done]
    del graph.node[:]
    graph.node.extend(copies)
    return model


def quantise(network: onnx.ModelProto, inputs: Iterator[npt.NDArray[np.float32]]) -> onnx.ModelProto:
    """Give weights (per channel) and activations 8 bits; ranges are those of the inputs (static, QDQ)."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> dict[str, Any] | None:
            found = next(inputs, None)
            return None if found is None else {"pixels": found}

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, small = (str(Path(folder) / f"{name}.onnx") for name in ("plain", "prepared", "small"))
        onnx.save(network, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            small,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            weight_type=QuantType.QInt8,
            activation_type=QuantType.QUInt8,
            op_types_to_quantize=["Conv", "Gemm", "MatMul", "Add", "Concat", "AveragePool", "MaxPool"],
        )
        return onnx.load(small)


def surround(network: onnx.ModelProto, model: SemanticModel, output: Output) -> onnx.ModelProto:
    """Put resizing and scaling before the network, upsampling and argmax behind it, and the facts into the metadata."""
    graph = _Graph(network)
    size = graph.add("Slice", [graph.add("Shape", ["image"]), _ints(1), _ints(3)])  # height, width
    graph.pictures_to_pixels(model, size)
    if output == "coarse":
        result = "coarse"
    else:
        result = graph.coarse_to_picture(model, size, output)
    kind = TensorProto.UINT8 if output in ("labels", "label_ids") else TensorProto.FLOAT
    shape = {
        "coarse": ["batch", "classes", "rows", "columns"],
        "probabilities": ["batch", "classes", "height", "width"],
    }
    graph.finish(result, helper.make_tensor_value_info(output, kind, shape.get(output, ["batch", "height", "width"])))
    header = {
        "sceneseg": sceneseg.__version__,
        "model": model.model,
        "output": output,
        "label_space": model.label_space.to_dict(),
        "label_ids": model.label_space.decode(np.arange(256, dtype=np.uint8)).tolist(),
        "colors": model.label_space.palette.tolist(),
        "input": {"layout": "NHWC uint8 RGB, any size", "network_size": model.input.target_size},
        "score": model.header.get("score"),
    }
    del network.metadata_props[:]
    helper.set_model_props(network, {"sceneseg": json.dumps(header)})
    onnx.checker.check_model(network)
    return network


class _Graph:
    """The network's graph, while nodes are added before and after it."""

    def __init__(self, model: onnx.ModelProto) -> None:
        self.graph = model.graph
        self.before: list[onnx.NodeProto] = []
        self.after: list[onnx.NodeProto] = []
        self.nodes = self.before

    def add(self, kind: str, inputs: list[str | npt.NDArray[Any]], output: str | None = None, **attributes: Any) -> str:
        """Add a node; arrays among its inputs become constants. Return the name of its output."""
        name = output or f"sceneseg_{len(self.before) + len(self.after)}"
        names = []
        for i, given in enumerate(inputs):
            if not isinstance(given, str):
                self.graph.initializer.append(numpy_helper.from_array(given, f"{name}_{i}"))
                given = f"{name}_{i}"
            names.append(given)
        self.nodes.append(helper.make_node(kind, names, [name], name=f"{name}_node", **attributes))
        return name

    def pictures_to_pixels(self, model: SemanticModel, size: str) -> None:
        """Turn `image` (B, H, W, 3) uint8 into `pixels` (B, 3, h, w) in [0, 1]."""
        pixels = self.add("Cast", [self.add("Transpose", ["image"], perm=[0, 3, 1, 2])], to=TensorProto.FLOAT)
        target, method = _resizing(model)
        if target is not None:
            batch = self.add("Slice", [self.add("Shape", ["image"]), _ints(0), _ints(1)])
            sizes = self.add("Concat", [batch, _ints(model.network.in_channels, *target)], axis=0)
            antialias = int(method == "pil_bilinear")
            pixels = self.add("Resize", [pixels, "", "", sizes], mode="linear", antialias=antialias)
            if method != "opencv_bilinear":  # the others resize bytes; OpenCV's own arithmetic differs by 1 at times
                pixels = self.add("Round", [pixels])
        self.add("Div", [pixels, _floats(255)], "pixels")
        self.nodes = self.after

    def coarse_to_picture(self, model: SemanticModel, size: str, output: Output) -> str:
        """Turn `coarse` into what the output has for every pixel of the image."""
        network, target = model.network, model.input.target_size
        image = self.add("Cast", [size], to=TensorProto.FLOAT)
        seen = _floats(*target) if target else image
        d = float(network.size_divisor)
        padded = self.add("Mul", [self.add("Ceil", [self.add("Div", [seen, _floats(d)])]), _floats(d)])
        at_network_size = model.input.enlarge == "labels"
        out = seen if at_network_size else image
        covered = padded if at_network_size else self.add("Div", [self.add("Mul", [padded, image]), seen])
        cells = self.add("Slice", [self.add("Shape", ["coarse"]), _ints(2), _ints(4)])
        ratio = self.add(
            "Div", [self.add("Add", [covered, _floats(NUDGE)]), self.add("Cast", [cells], to=TensorProto.FLOAT)]
        )
        scales = self.add("Concat", [_floats(1, 1), ratio], axis=0)
        mapping = "align_corners" if network.align_corners else "half_pixel"
        logits = self.add("Resize", ["coarse", "", scales], mode="linear", coordinate_transformation_mode=mapping)
        wanted = np.array(target, np.int64) if isinstance(out, np.ndarray) else size
        logits = self.add("Slice", [logits, _ints(0, 0), wanted, _ints(2, 3)])
        if output == "probabilities":
            return self.add("Softmax", [logits], axis=1)
        labels = self.add("ArgMax", [logits], axis=1, keepdims=0)
        table = np.arange(256, dtype=np.uint8)
        if model.void_output is not None:
            table[model.void_output] = IGNORE_INDEX
        if output == "label_ids":
            table = model.label_space.decode(table)
        labels = self.add("Gather", [table, labels])
        return self._enlarged(labels, size) if at_network_size else labels

    def _enlarged(self, labels: str, size: str) -> str:
        """Bring labels to the picture's size by nearest neighbour."""
        planes = self.add("Cast", [self.add("Unsqueeze", [labels, _ints(1)])], to=TensorProto.FLOAT)
        batch = self.add("Slice", [self.add("Shape", [planes]), _ints(0), _ints(2)])
        sizes = self.add("Concat", [batch, size], axis=0)
        planes = self.add("Resize", [planes, "", "", sizes], mode="nearest", nearest_mode="round_prefer_ceil")
        return self.add("Cast", [self.add("Squeeze", [planes, _ints(1)])], to=TensorProto.UINT8)

    def finish(self, result: str, output: onnx.ValueInfoProto) -> None:
        """Set inputs and outputs."""
        if result != output.name:
            self.nodes.append(helper.make_node("Identity", [result], [output.name], name="sceneseg_output"))
        nodes = [*self.before, *self.graph.node, *self.after]
        del self.graph.node[:], self.graph.input[:], self.graph.output[:]
        self.graph.node.extend(nodes)
        shape: list[str | int | None] = ["batch", "height", "width", 3]
        self.graph.input.append(helper.make_tensor_value_info("image", TensorProto.UINT8, shape))
        self.graph.output.append(output)


def _resizing(model: SemanticModel) -> tuple[tuple[int, int] | None, str]:
    return model.input.target_size, model.input.resize


def _ints(*numbers: int) -> npt.NDArray[np.int64]:
    return np.array(numbers, np.int64)


def _floats(*numbers: float) -> npt.NDArray[np.float32]:
    return np.array(numbers, np.float32)


def runner(model: onnx.ModelProto, threads: int | None = None) -> Callable[[Picture], npt.NDArray[Any]]:
    """Return what runs a model on one picture (H, W, 3) with ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if threads is not None:
        options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(picture: Picture) -> npt.NDArray[Any]:
        found: npt.NDArray[Any] = session.run(None, {"image": picture[None]})[0][0]
        return found

    return run
