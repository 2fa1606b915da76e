"""Parts around the network in an ONNX file: resizing, normalization and padding, upsampling and the maximum.

The nodes are put together by hand, so that each is the operation that prediction in PyTorch stands for, and none is
quantized.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sceneseg.export._body import LOGITS, OPSET, PIXELS
from sceneseg.export.plan import Plan

IMAGE = "image"
MOST_PLANES = 64  # classes; beyond, one operation over all of them makes the smaller file


class Nodes:
    """A growing list of nodes and constants; every method returns the name of what it gives.

    Sizes, scales and pads are given for all four axes: ONNX Runtime's optimizer mistakes those for some of them when it
    moves a transposition (1.31).
    """

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._count = 0

    def constant(self, value: Any, dtype: Any = np.int64) -> str:
        """Keep an array."""
        name = self._name("constant")
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def add(self, operation: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Append a node with one output."""
        name = self._name(operation)
        output = output or name
        self.nodes.append(helper.make_node(operation, list(inputs), [output], name=name, **attributes))
        return output

    def split(self, x: str, count: int) -> list[str]:
        """Cut (B, C, h, w) into C planes."""
        name = self._name("Split")
        planes = [f"{name}_{i}" for i in range(count)]
        self.nodes.append(helper.make_node("Split", [x], planes, name=name, axis=1, num_outputs=count))
        return planes

    def top(self, x: str, count: str) -> str:
        """Return the number of the highest channel of (B, C, H, W), (B, 1, H, W) int64."""
        name = self._name("TopK")
        self.nodes.append(helper.make_node("TopK", [x, count], [f"{name}_values", name], name=name, axis=1))
        return name

    def resize(self, x: str, size: str, align_corners: bool = False, **attributes: Any) -> str:
        """Resize (B, C, h, w) to a size (H, W)."""
        where = "align_corners" if align_corners else "half_pixel"
        given = {"mode": "linear", "coordinate_transformation_mode": where, **attributes}
        sizes = self.add("Concat", self.add("Shape", x, start=0, end=2), size, axis=0)
        return self.add("Resize", x, "", "", sizes, **given)

    def scale(self, x: str, scales: str, align_corners: bool) -> str:
        """Resize (B, C, h, w) by factors, which a size in whole pixels can't always say."""
        where = "align_corners" if align_corners else "half_pixel"
        factors = self.add("Concat", self.constant([1, 1], np.float32), scales, axis=0)
        return self.add("Resize", x, "", factors, mode="linear", coordinate_transformation_mode=where)

    def crop(self, x: str, size: str, axes: Sequence[int]) -> str:
        """Keep the top left (H, W) of two axes."""
        return self.add("Slice", x, self.constant([0, 0]), size, self.constant(axes))

    def padded(self, size: str, divisor: int) -> str:
        """Return the next multiples of a size (H, W)."""
        up = self.add("Add", size, self.constant([divisor - 1]))
        return self.add("Mul", self.add("Div", up, self.constant([divisor])), self.constant([divisor]))

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{self.prefix}/{what}_{self._count}"


def assemble(body: onnx.ModelProto, plan: Plan) -> onnx.ModelProto:
    """Return the whole model: uint8 images (B, H, W, 3) in, the plan's output out."""
    before, after = Nodes("input"), Nodes("output")
    picture_size = _network_input(before, plan)
    name, kind, shape = _answer(after, plan, picture_size)
    batch, (height, width) = "batch", plan.image_size or ("height", "width")
    graph = helper.make_graph(
        [*before.nodes, *body.graph.node, *after.nodes],
        "sceneseg",
        [helper.make_tensor_value_info(IMAGE, TensorProto.UINT8, [batch, height, width, 3])],
        [helper.make_tensor_value_info(name, kind, [batch, *shape(height, width)])],
        [*before.constants, *body.graph.initializer, *after.constants],
        value_info=list(body.graph.value_info),
    )
    opsets = {entry.domain: entry.version for entry in body.opset_import} | {"": OPSET}
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid(*entry) for entry in opsets.items()])
    model.ir_version, model.producer_name = body.ir_version, "sceneseg"
    onnx.checker.check_model(model)
    return model


def _picture_size(nodes: Nodes, plan: Plan, pictures: str) -> str:
    return nodes.constant(plan.image_size) if plan.image_size else nodes.add("Shape", pictures, start=1, end=3)


def _network_input(nodes: Nodes, plan: Plan) -> str:
    """Resize, normalize, pad; return the size (H, W) of the images."""
    if plan.resizes and plan.resize == "pil_bilinear":
        # of bytes: ONNX Runtime's is then Pillow's own arithmetic, but for 1 % of the bytes
        picture_size, size = _picture_size(nodes, plan, IMAGE), nodes.constant(plan.target_size)
        small = nodes.resize(nodes.add("Transpose", IMAGE, perm=[0, 3, 1, 2]), size, antialias=1)
        x = nodes.add("Cast", small, to=TensorProto.FLOAT)
    else:
        numbers = nodes.add("Cast", IMAGE, to=TensorProto.FLOAT)  # first of all: TensorRT does nothing else with bytes
        size = picture_size = _picture_size(nodes, plan, numbers)
        x = nodes.add("Transpose", numbers, perm=[0, 3, 1, 2])
        if plan.resizes:
            size = nodes.constant(plan.target_size)
            x = nodes.resize(x, size)
        if plan.resizes and plan.resize == "opencv":
            # to bytes; OpenCV's own arithmetic, of 11 bits, differs by 1 at times, though not where the size is halved
            x = nodes.add("Floor", nodes.add("Add", x, nodes.constant(0.5, np.float32)))
    mean, std = (np.reshape(values, (1, -1, 1, 1)) * 255 for values in (plan.mean, plan.std))
    x = nodes.add("Mul", nodes.add("Sub", x, nodes.constant(mean, np.float32)), nodes.constant(1 / std, np.float32))
    if plan.padded_size is None or plan.padded_size != plan.network_size:
        more = nodes.add("Sub", nodes.padded(size, plan.size_divisor), size)
        pads = nodes.add("Concat", nodes.constant([0] * 6), more, axis=0)
        x = nodes.add("Pad", x, pads)
    kind = TensorProto.FLOAT16 if plan.precision == "fp16" else TensorProto.FLOAT
    nodes.add("Cast", x, to=kind, output=PIXELS)
    return picture_size


def _answer(nodes: Nodes, plan: Plan, picture_size: str) -> tuple[str, int, Any]:
    """Turn coarse logits into the output; return its name, type, and shape by height and width of the images."""
    classes = len(plan.values)
    logits = nodes.add("Cast", LOGITS, to=TensorProto.FLOAT) if plan.precision == "fp16" else LOGITS
    if plan.output == "coarse":
        name = nodes.add("Identity", logits, output="coarse")
        rows, columns = (side // plan.stride for side in plan.padded_size) if plan.padded_size else ("rows", "columns")
        return name, TensorProto.FLOAT, lambda height, width: (classes, rows, columns)
    if plan.output == "probabilities":
        logits, crop = _upsampled(nodes, plan, logits, picture_size)
        logits = nodes.crop(logits, picture_size, [2, 3]) if crop else logits
        name = nodes.add("Softmax", logits, axis=1, output="probabilities")
        return name, TensorProto.FLOAT, lambda height, width: (classes, height, width)
    labels = _labels(nodes, plan, logits, picture_size)
    name = nodes.add("Cast", labels, to=TensorProto.UINT8, output=plan.output)
    return name, TensorProto.UINT8, lambda height, width: (height, width)


def _labels(nodes: Nodes, plan: Plan, logits: str, picture_size: str) -> str:
    """Return the labels (B, H, W), bytes or whole float32."""
    if not (plan.enlarge == "labels" and plan.resizes):
        return _labels_at(nodes, plan, logits, picture_size)
    small = _labels_at(nodes, plan, logits, nodes.constant(plan.target_size), at_network_size=True)
    channel = nodes.constant([1])
    small = nodes.add("Unsqueeze", nodes.add("Cast", small, to=TensorProto.FLOAT), channel)
    # the neighbor in which the middle of a pixel lies, as OpenCV's INTER_NEAREST_EXACT has it
    large = nodes.resize(small, picture_size, mode="nearest", nearest_mode="round_prefer_ceil")
    return nodes.add("Squeeze", large, channel)


def _labels_at(nodes: Nodes, plan: Plan, logits: str, size: str, at_network_size: bool = False) -> str:
    if plan.engine == "onnxruntime" and len(plan.values) <= MOST_PLANES:
        labels, crop = _highest_plane(nodes, plan, logits, size, at_network_size)
    else:
        large, crop = _upsampled(nodes, plan, logits, size, at_network_size)
        labels = _values_of(nodes, plan, _number_of_highest(nodes, plan, large))
    return nodes.crop(labels, size, [1, 2]) if crop else labels


def _number_of_highest(nodes: Nodes, plan: Plan, logits: str) -> str:
    """Return (B, H, W) int64; OpenVINO takes a third of the time for TopK that it takes for ArgMax."""
    if plan.engine != "openvino":
        return nodes.add("ArgMax", logits, axis=1, keepdims=0)
    channel = nodes.constant([1])
    return nodes.add("Squeeze", nodes.top(logits, channel), channel)


def _values_of(nodes: Nodes, plan: Plan, number: str) -> str:
    """Return what is written for each number of an output."""
    # TensorRT makes bytes of float32 alone, and only as the very last step
    if plan.values == tuple(range(len(plan.values))):
        return nodes.add("Cast", number, to=TensorProto.FLOAT if plan.engine == "tensorrt" else TensorProto.UINT8)
    return nodes.add(
        "Gather", nodes.constant(plan.values, np.float32 if plan.engine == "tensorrt" else np.uint8), number
    )


def _highest_plane(nodes: Nodes, plan: Plan, logits: str, size: str, at_network_size: bool) -> tuple[str, bool]:
    """Enlarge one class after the other and remember the highest so far.

    ONNX Runtime takes three quarters of the time that it needs to enlarge all and look for the maximum, and a few
    planes of memory instead of one for each class.
    """
    highest = label = ""
    crop = False
    for value, plane in zip(plan.values, nodes.split(logits, len(plan.values)), strict=True):
        large, crop = _upsampled(nodes, plan, plane, size, at_network_size)
        own = nodes.constant(value, np.uint8)
        if not highest:
            highest, label = large, own
            continue
        higher = nodes.add("Greater", large, highest)
        label = nodes.add("Where", higher, own, label)
        highest = nodes.add("Max", highest, large)
    return nodes.add("Squeeze", label, nodes.constant([1])), crop


def _upsampled(nodes: Nodes, plan: Plan, logits: str, size: str, at_network_size: bool = False) -> tuple[str, bool]:
    """Enlarge logits to the padded image; return them, and whether the image must still be cut out.

    Args:
        nodes: To which the operations are added.
        plan: What the model does.
        logits: (B, C, h', w').
        size: (H, W) of the image.
        at_network_size: Whether that is the size at which the network saw it.
    """
    crop = plan.padded_size is None or plan.padded_size != plan.network_size
    if not plan.resizes or at_network_size:
        padded = nodes.constant(plan.padded_size) if plan.padded_size else nodes.padded(size, plan.size_divisor)
        return (logits if plan.stride == 1 else nodes.resize(logits, padded, plan.align_corners)), crop
    if not crop:
        return nodes.resize(logits, size, plan.align_corners), False
    assert plan.network_size is not None  # it is the target size
    assert plan.padded_size is not None
    # a logit covers stride x (image / network's input) pixels; with the padding they reach beyond the image
    factors = [plan.stride / side for side in plan.network_size]
    scales = nodes.add("Mul", nodes.add("Cast", size, to=TensorProto.FLOAT), nodes.constant(factors, np.float32))
    return nodes.scale(logits, scales, plan.align_corners), True
