"""Engines that compute a network's coarse logits in torch's place; everything around the network stays the same."""

import warnings
from collections import OrderedDict
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from sceneseg.arrays import AnyArray
from sceneseg.errors import ModelError
from sceneseg.inference.networks import autocast
from sceneseg.inference.resizing import as_input
from sceneseg.models.base import SegmentationModel
from sceneseg.records.environment import import_openvino

Key = tuple[tuple[int, ...], str]
"""Shape (B, h, w, 3) and type of images."""

SIZES_KEPT = 4  # networks compiled for one size; each holds its own copy of the weights and activations
TRACES = 2  # for one size each; TorchScript never frees what it traced, 10 to 50 MiB each time
ALIKE = 5e-3
"""How far OpenVINO's logits may lie from torch's in float32, relative to their variation; rounding alone stays under
1e-4, but for position embeddings (1e-3) and SegNet's pooling, where it decides between nearly equal values."""


class OpenVINONetwork(SegmentationModel):
    """A network whose coarse logits OpenVINO computes on the CPU, from images as they lie in memory.

    The graph ends at the coarse logits: OpenVINO's own upsampling and argmax take longer than the whole network in
    front of them, `kernels.upsample_argmax` a few milliseconds.

    Args:
        network: The network with its weights, on the CPU.
        precision: "bf16-mixed" lets OpenVINO compute in bfloat16 where the processor does, else it is float32.
    """

    def __init__(self, network: SegmentationModel, precision: str = "32-true") -> None:
        super().__init__(network.num_classes, network.in_channels)
        self.network = network.eval()
        self.size_divisor, self.min_size = network.size_divisor, network.min_size
        self.align_corners = network.align_corners
        self.precision = precision
        self._requests: OrderedDict[Key, Any] = OrderedDict()
        self._agrees: dict[Key, bool] = {}
        self._any_size: Any = None
        self._dynamic: dict[tuple[str, str], Any] = {}
        self._traces = 0

    @property
    def name(self) -> str:
        """The registry name of the architecture."""
        return self.network.name

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the main head's logits for an image (B, 3, H, W) in [0, 1]."""
        return (self.of_pictures((image * 255).permute(0, 2, 3, 1).contiguous().numpy()),)

    def of_pictures(self, pictures: AnyArray) -> Tensor:
        """Return the main head's logits.

        Args:
            pictures: (B, h, w, 3) uint8 or float32, from 0 to 255.

        Raises:
            ModelError: OpenVINO can't convert the network.
        """
        pictures = np.ascontiguousarray(pictures)
        key = (pictures.shape, pictures.dtype.str)
        if key not in self._requests:
            while len(self._requests) >= SIZES_KEPT:
                self._requests.popitem(last=False)
            self._requests[key] = self._first_of(pictures, key)
        elif self._requests[key] in self._dynamic.values():  # a second one: the size is worth compiling for
            self._requests[key] = self._compile(pictures)
        self._requests.move_to_end(key)
        tensor = import_openvino().Tensor(pictures, shared_memory=True)
        return torch.from_numpy(self._requests[key].infer([tensor])[0])

    def _first_of(self, pictures: AnyArray, key: Key) -> Any:
        """Return what infers the first images of a size.

        The network is traced once and compiled for any size; at each new size it is checked against torch. Where it
        computes something else (sizes became constants in the trace), the network is traced for that size alone.
        TorchScript keeps every trace, so only the first few sizes are, and torch computes the others.
        """
        if key not in self._agrees:
            self._agrees[key] = self._check(pictures)
        if self._agrees[key]:
            return self._for_any_size(key[1], self.precision)
        if self._traces > TRACES:
            return _Torch(self.network, self.precision)
        batch, height, width, channels = pictures.shape
        model = self._trace((batch, height, width), [batch, channels, height, width])
        return self._request(_taking_pictures(model, key[1]), self.precision)

    def _compile(self, pictures: AnyArray) -> Any:
        """Return what infers images of one size, up to a third faster than what infers any."""
        batch, height, width, channels = pictures.shape
        model = self._any_size.clone()
        model.reshape([batch, channels, height, width])
        return self._request(_taking_pictures(model, pictures.dtype.str), self.precision)

    def _check(self, pictures: AnyArray) -> bool:
        """Return whether the network that was compiled for any size computes in float32 what torch does."""
        request = self._for_any_size(pictures.dtype.str, "32-true")
        with torch.inference_mode():
            expected = self.network.coarse_logits(as_input(pictures))[0]
        try:
            found = torch.from_numpy(request.infer([import_openvino().Tensor(pictures, shared_memory=True)])[0])
        except RuntimeError:  # shapes that don't fit each other at this size
            return False
        if found.shape != expected.shape:
            return False
        variation = (expected - expected.mean((2, 3), keepdim=True)).norm() + 1e-3 * expected.norm()
        return bool((found - expected).norm() <= ALIKE * variation)

    def _for_any_size(self, kind: str, precision: str) -> Any:
        if self._any_size is None:
            self._any_size = self._trace(_odd_size(self.network), [-1, self.in_channels, -1, -1])
        key = (kind, "bf16-mixed" if precision == "bf16-mixed" else "32-true")
        if key not in self._dynamic:
            self._dynamic[key] = self._request(_taking_pictures(self._any_size.clone(), kind), precision)
        return self._dynamic[key]

    def _trace(self, size: tuple[int, int, int], shape: list[int]) -> Any:
        """Convert the network by an example of a size (B, H, W); -1 in `shape` (B, C, H, W) stands for any."""
        ov = import_openvino()
        batch, height, width = size
        example = torch.zeros(batch, shape[1], height, width)
        self._traces += 1
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                # Tracing is deprecated and warns of sizes that become constants. What replaces it, torch.export, takes
                # up to five times as long here and fails on Segmenter.
                warnings.simplefilter("ignore")
                return ov.convert_model(_MainHead(self.network), example_input=example, input=shape)
        except Exception as error:  # OpenVINO's own, of several kinds
            raise ModelError(
                f"OpenVINO can't convert {self.name} ({str(error).splitlines()[0]}). Predict with the engine torch.",
                field="engine",
            ) from error

    def _request(self, model: Any, precision: str) -> Any:
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16-mixed" else "f32",
        }
        return _core().compile_model(model, "CPU", settings).create_infer_request()


def _taking_pictures(model: Any, kind: str) -> Any:
    """Make a converted network take images as they lie in memory."""
    ov = import_openvino()
    steps = ov.preprocess.PrePostProcessor(model)
    element = ov.Type.u8 if np.dtype(kind) == np.uint8 else ov.Type.f32
    steps.input().tensor().set_element_type(element).set_layout(ov.Layout("NHWC"))
    steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
    steps.input().model().set_layout(ov.Layout("NCHW"))
    return steps.build()


@cache
def _core() -> Any:
    return import_openvino().Core()


def _odd_size(network: SegmentationModel) -> tuple[int, int, int]:
    """Return a small size (B, H, W) that the network pads, so that padding is part of the trace."""
    divisor = network.size_divisor
    side = (max(network.min_size, 64) + divisor - 1) // divisor * divisor + 1
    return 1, side, side + divisor


class _Torch:
    """Infers as an OpenVINO request does, by torch."""

    def __init__(self, network: SegmentationModel, precision: str) -> None:
        self.network, self.precision = network, precision

    def infer(self, tensors: list[Any]) -> list[npt.NDArray[np.float32]]:
        with torch.inference_mode(), autocast(torch.device("cpu"), self.precision):
            coarse = self.network.coarse_logits(as_input(tensors[0].data))[0]
        return [coarse.float().numpy()]


class _MainHead(nn.Module):
    def __init__(self, network: SegmentationModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.coarse_logits(image)[0]
