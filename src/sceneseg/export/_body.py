"""The network between normalized pixels and coarse logits, as an ONNX model."""

import copy
import warnings
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from sceneseg.arrays import ImageSize
from sceneseg.errors import ModelError
from sceneseg.models.base import SegmentationModel

if TYPE_CHECKING:
    import onnx

OPSET = 18  # the first whose Resize can smooth (antialias), and takes sizes for chosen axes
PIXELS, LOGITS = "pixels", "coarse_logits"
LARGEST = 16384  # pixels of a side
TRACED_AT = 416  # pixels of a side: no feature map becomes as small as a bin of a pyramid, which would tie them


class Body(nn.Module):
    """A copy of a network without its own normalization and padding.

    Args:
        network: Any architecture; it stays as it is.
        half: Whether weights and arithmetic are float16.
    """

    def __init__(self, network: SegmentationModel, half: bool = False) -> None:
        super().__init__()
        self.network = copy.deepcopy(network).float().cpu().eval().requires_grad_(False)
        self.network.prepare = _as_it_is  # type: ignore[method-assign]
        if half:
            self.network.half()

    def forward(self, pixels: Tensor) -> Tensor:
        """Map normalized, padded pixels (B, 3, h, w) to the main head's logits."""
        return self.network.coarse_logits(pixels)[0]


def export_body(network: SegmentationModel, size: ImageSize | None = None, half: bool = False) -> "onnx.ModelProto":
    """Return the network as ONNX: `PIXELS` (B, 3, h, w), normalized and padded, to `LOGITS` (B, C, h', w').

    Args:
        network: The architecture with its weights.
        size: (h, w) when the network always sees the same; else both may be any multiples of its `size_divisor`.
        half: Whether weights and arithmetic are float16.

    Raises:
        ModelError: PyTorch's exporter can't translate the network.
    """
    body = Body(network, half)
    divisor = network.size_divisor
    side = -(-TRACED_AT // divisor) * divisor
    height, width = network.padded_size(*size) if size else (side, side + 2 * divisor)
    pixels = torch.zeros(2, network.in_channels, height, width, dtype=torch.half if half else torch.float)
    dimensions: dict[int, Any] = {0: torch.export.Dim("batch")}
    if size is None:
        largest = LARGEST // divisor
        dimensions |= {2: divisor * torch.export.Dim("h", max=largest), 3: divisor * torch.export.Dim("w", max=largest)}
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of torch about itself
            program = torch.onnx.export(
                body,
                (pixels,),
                dynamo=True,
                dynamic_shapes={"pixels": dimensions},
                opset_version=OPSET,
                input_names=[PIXELS],
                output_names=[LOGITS],
                verbose=False,
            )
    except Exception as error:  # of many kinds
        words = str(error.__cause__ or error).strip().splitlines()
        raise ModelError(
            f"{network.name} can't be translated to ONNX ({words[0] if words else type(error).__name__}). "
            f"Use it in PyTorch, or export it to torchscript."
        ) from error
    if program is None:
        raise ModelError(f"{network.name}: PyTorch's exporter returned nothing.")
    translated: onnx.ModelProto = program.model_proto
    for part in (translated.graph, *translated.graph.node, *translated.graph.input, *translated.graph.output):
        del part.metadata_props[:]  # where in which file each line of the network stands
    return translated


def _as_it_is(image: Tensor) -> Tensor:
    return image
