"""Engines that compute a network's coarse logits in torch's place; everything around the network stays the same."""

import warnings
from collections import OrderedDict
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models.base import SegmentationModel
from sceneseg.records.environment import import_openvino

Pixels = npt.NDArray[Any]
"""uint8 or float32, from 0 to 255."""

SIZES_KEPT = 4  # compiled networks; each holds its own copy of the weights and activations


class OpenVINONetwork(SegmentationModel):
    """A network whose coarse logits OpenVINO computes on the CPU, from pictures as they lie in memory.

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
        self._compiled: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    @property
    def name(self) -> str:
        """The registry name of the architecture."""
        return self.network.name

    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return the main head's logits for an image (B, 3, H, W) in [0, 1]."""
        return (self.of_pictures((image * 255).permute(0, 2, 3, 1).contiguous().numpy()),)

    def of_pictures(self, pictures: Pixels) -> Tensor:
        """Return the main head's logits.

        Args:
            pictures: (B, h, w, 3) uint8 or float32, from 0 to 255.

        Raises:
            ModelError: OpenVINO can't convert the network.
        """
        key = (pictures.shape, pictures.dtype.str)
        if key not in self._compiled:
            while len(self._compiled) >= SIZES_KEPT:
                self._compiled.popitem(last=False)
            self._compiled[key] = self._compile(pictures)
        self._compiled.move_to_end(key)
        answer = self._compiled[key].infer([np.ascontiguousarray(pictures)], share_inputs=True)
        return torch.from_numpy(answer[0])

    def _compile(self, pictures: Pixels) -> Any:
        ov = import_openvino()
        batch, height, width, channels = pictures.shape
        example = torch.zeros(batch, channels, height, width)
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                # Tracing is deprecated and warns of sizes that become constants, which they are. What replaces it,
                # torch.export, takes up to five times as long here and fails on Segmenter.
                warnings.simplefilter("ignore")
                model = ov.convert_model(_MainHead(self.network), example_input=example, input=list(example.shape))
        except Exception as error:  # OpenVINO's own, of several kinds
            raise ModelError(
                f"OpenVINO can't convert {self.name} ({str(error).splitlines()[0]}). Predict with --engine torch."
            ) from error
        kind = ov.Type.u8 if pictures.dtype == np.uint8 else ov.Type.f32
        steps = ov.preprocess.PrePostProcessor(model)
        steps.input().tensor().set_element_type(kind).set_layout(ov.Layout("NHWC"))
        steps.input().preprocess().convert_element_type(ov.Type.f32).scale(255.0)
        steps.input().model().set_layout(ov.Layout("NCHW"))
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16-mixed" else "f32",
        }
        return ov.Core().compile_model(steps.build(), "CPU", settings).create_infer_request()


class _MainHead(nn.Module):
    def __init__(self, network: SegmentationModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network.coarse_logits(image)[0]
