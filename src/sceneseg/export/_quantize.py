"""Static int8: weights and activations of the network in bytes, with ranges found on training images."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch

from sceneseg.arrays import ImageArray
from sceneseg.errors import ConfigError
from sceneseg.export._body import PIXELS
from sceneseg.inference.predictor import SemanticModel
from sceneseg.inference.resizing import as_input, resize_picture
from sceneseg.records.environment import import_onnxruntime
from sceneseg.records.temporaries import temporary_folder

quantization: Any = import_onnxruntime("onnxruntime.quantization")
quant_pre_process: Any = import_onnxruntime("onnxruntime.quantization.shape_inference").quant_pre_process

FOR_OTHERS: dict[str, object] = {"activation_type": quantization.QuantType.QUInt8}
FOR_TENSORRT: dict[str, object] = {
    "activation_type": quantization.QuantType.QInt8,
    "op_types_to_quantize": ["Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "AveragePool", "MaxPool"],
    "extra_options": {
        "ActivationSymmetric": True,
        "AddQDQPairToWeight": True,
        "QuantizeBias": False,
        "DedicatedQDQPair": True,
    },
}


def quantize(
    body: onnx.ModelProto, model: SemanticModel, pictures: Sequence[ImageArray], for_tensorrt: bool = False
) -> onnx.ModelProto:
    """Return the network with QuantizeLinear and DequantizeLinear around what is computed in bytes.

    Args:
        body: The network in float32.
        model: It belongs to this one, which says how images become its input.
        pictures: Training images.
        for_tensorrt: It needs activations int8 around zero, weights and biases as they were, and less of it in bytes;
            otherwise activations are uint8 with a zero point.

    Raises:
        ConfigError: There are no images.
    """
    if not pictures:
        raise ConfigError(
            "int8 needs training images to find the range of every value. Give their data set.", field="data.name"
        )
    with temporary_folder("sceneseg-int8") as folder, _without_warnings():
        plain, prepared, done = (folder / f"{name}.onnx" for name in ("plain", "prepared", "int8"))
        onnx.save(body, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)  # joins convolution and normalization
        quantization.quantize_static(
            prepared,
            done,
            _Reader(model, pictures),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
            weight_type=quantization.QuantType.QInt8,
            **(FOR_TENSORRT if for_tensorrt else FOR_OTHERS),
        )
        return onnx.load(done)


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Drop what the quantizer logs of tensors that it treats in another way than most; the gate judges the result."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Gives the network's input for one image after the other."""

    def __init__(self, model: SemanticModel, pictures: Sequence[ImageArray]) -> None:
        self.model = model
        self.inputs = self._inputs(pictures)

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        """Return the next input, or None behind the last."""
        return next(self.inputs, None)

    @torch.no_grad()
    def _inputs(self, pictures: Sequence[ImageArray]) -> Iterator[dict[str, npt.NDArray[np.float32]]]:
        facts, network = self.model.input, self.model.network
        for picture in pictures:
            image = as_input(resize_picture(picture, facts.target_size, facts.resize)[None])
            yield {PIXELS: network.cpu().prepare(image).numpy()}
