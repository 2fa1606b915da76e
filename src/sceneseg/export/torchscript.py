"""TorchScript: for C++ programs with LibTorch, which need no Python."""

import io
import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg import standalone
from sceneseg.arrays import ImageArray
from sceneseg.errors import ConfigError, ModelError, RunError
from sceneseg.export import register
from sceneseg.export._body import TRACED_AT, Body
from sceneseg.export.base import Artifact, ComputeOutput
from sceneseg.export.plan import Plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records.binary import DAMAGE
from sceneseg.records.export_description import ExportDescription


@register
class TorchScript(Artifact):
    """The traced network, and around it what is written in TorchScript."""

    suffix = ".torchscript"
    engine = "libtorch"

    def __init__(self, model: SemanticModel, plan: Plan, calibration: Sequence[ImageArray]) -> None:
        if plan.precision == "int8":
            raise ConfigError(
                "TorchScript files are fp32 or fp16. For int8 export to onnx, openvino or tensorrt.", field="to"
            )
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, and tracing warns of what is checked below
            body = trace_body(model, plan)
            self.module = torch.jit.script(Whole(body, plan).eval())

    def save(self, file: Path, description: ExportDescription) -> None:
        """Write the file."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            buffer = io.BytesIO()  # PyTorch's own writing ends the process when the disk is full
            torch.jit.save(self.module, buffer, {f"{standalone.KEY}.json": json.dumps(description.to_dict())})
        file.write_bytes(buffer.getvalue())

    @classmethod
    def open(cls, file: Path) -> tuple[ComputeOutput, Mapping[str, object]]:
        """Open the file with LibTorch."""
        extra: dict[str, str | bytes] = {f"{standalone.KEY}.json": ""}  # bytes when it has been read
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # TorchScript is deprecated, and says so
            try:
                module = torch.jit.load(file, "cpu", extra)  # type: ignore[no-untyped-call]
            except DAMAGE as error:
                raise RunError(f"{file}: not readable as TorchScript ({_first_line(error)}).") from None

        def answer(images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
            try:
                with torch.inference_mode():
                    found: npt.NDArray[Any] = module(torch.from_numpy(np.ascontiguousarray(images))).numpy()
            except DAMAGE as error:
                raise RunError(f"{file}: TorchScript can't run it ({_first_line(error)}).") from None
            return found

        given = extra[f"{standalone.KEY}.json"]
        text = given.decode("utf-8", "replace") if isinstance(given, bytes) else None
        return answer, standalone.describe(text, file)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def trace_body(model: SemanticModel, plan: Plan) -> torch.jit.ScriptModule:
    """Record the network between normalized pixels and coarse logits.

    Raises:
        ModelError: It computes sizes in Python, which a recording holds for all others.
    """
    half = plan.precision == "fp16"
    body, divisor = Body(model.network, half).eval(), plan.size_divisor
    kind = torch.half if half else torch.float
    side = -(-TRACED_AT // divisor) * divisor
    height, width = plan.padded_size or (side, side + 2 * divisor)
    traced: torch.jit.ScriptModule = torch.jit.trace(  # type: ignore[no-untyped-call]
        body, torch.rand(1, 3, height, width, dtype=kind), check_trace=False
    )
    if plan.padded_size is None:
        other = torch.rand(1, 3, height - 3 * divisor, width + 2 * divisor, dtype=kind)
        expected = body(other)
        try:
            fits = torch.allclose(traced(other), expected, atol=1e-3 * float(expected.abs().max()))
        except RuntimeError:
            fits = False
        if not fits:
            raise ModelError(
                f"{model.network.name} computes sizes in Python, so that its TorchScript holds for one size alone. "
                f"Export it for images of that size alone, or to onnx.",
                field="size",
            )
    return traced


class Whole(nn.Module):
    """Exported module around the network, in TorchScript's subset of Python; see `sceneseg.export._graph`.

    Args:
        body: The traced network.
        plan: What the file does.
    """

    mean: Tensor
    std: Tensor
    values: Tensor

    def __init__(self, body: torch.jit.ScriptModule, plan: Plan) -> None:
        super().__init__()
        self.body = body
        self.register_buffer("mean", torch.tensor(plan.mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(plan.std).view(1, -1, 1, 1))
        self.register_buffer("values", torch.tensor(plan.values, dtype=torch.uint8))
        self.output: str = plan.output
        self.resize: str = plan.resize if plan.resizes else ""
        self.target_size: list[int] = list(plan.target_size or (0, 0))
        self.image_size: list[int] = list(plan.image_size or (0, 0))
        self.small_labels: bool = plan.enlarge == "labels" and plan.resizes
        self.divisor: int = plan.size_divisor
        self.align_corners: bool = plan.align_corners
        self.half_precision: bool = plan.precision == "fp16"

    def forward(self, image: Tensor) -> Tensor:
        """Map images (B, H, W, 3) uint8 to what the plan says."""
        size = [image.shape[1], image.shape[2]]
        if self.image_size[0] > 0 and size != self.image_size:
            raise ValueError("images of another size than the file was exported for")
        pixels = image.permute(0, 3, 1, 2).float()
        if self.resize != "" and size != self.target_size:
            pixels = F.interpolate(
                pixels, self.target_size, mode="bilinear", align_corners=False, antialias=self.resize == "pil_bilinear"
            )
            if self.resize != "opencv_bilinear":
                pixels = (pixels + 0.5).floor()
        seen = [pixels.shape[2], pixels.shape[3]]
        padded = [(side + self.divisor - 1) // self.divisor * self.divisor for side in seen]
        pixels = (pixels / 255 - self.mean) / self.std
        pixels = F.pad(pixels, [0, padded[1] - seen[1], 0, padded[0] - seen[0]])
        logits = self.body(pixels.half() if self.half_precision else pixels).float()
        if self.output == "coarse":
            return logits
        if self.small_labels:
            labels = self.highest(logits, padded, seen, seen)
            return F.interpolate(labels[:, None].float(), size, mode="nearest-exact")[:, 0].to(torch.uint8)
        if self.output == "probabilities":
            return self.enlarge(logits, padded, seen, size).softmax(1)
        return self.highest(logits, padded, seen, size)

    def highest(self, logits: Tensor, padded: list[int], seen: list[int], size: list[int]) -> Tensor:
        """Return the labels (B, H, W)."""
        return self.values[self.enlarge(logits, padded, seen, size).argmax(1)]

    def enlarge(self, logits: Tensor, padded: list[int], seen: list[int], size: list[int]) -> Tensor:
        """Interpolate coarse logits to an image; the padding is cut away."""
        if size == seen or padded == seen:
            whole = padded if size == seen else size
            if logits.shape[2] != whole[0] or logits.shape[3] != whole[1]:
                logits = F.interpolate(logits, whole, mode="bilinear", align_corners=self.align_corners)
        else:  # the padding covers a fraction of a pixel
            factors = [float(padded[i]) * size[i] / seen[i] / logits.shape[2 + i] for i in range(2)]
            logits = F.interpolate(logits, scale_factor=factors, mode="bilinear", align_corners=self.align_corners)
        return logits[:, :, : size[0], : size[1]]
