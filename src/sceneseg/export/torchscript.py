"""TorchScript, for programs in C++ with libtorch: pictures of one size in, labels out."""

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.tasks.semantic import SemanticModel

Size = tuple[int, int]


class Complete(nn.Module):
    """Resizing, network, upsampling and argmax: (B, H, W, 3) uint8 to (B, H, W) uint8 train ids.

    Args:
        model: What is exported.
        size: (height, width) of the pictures.
    """

    def __init__(self, model: SemanticModel, size: Size) -> None:
        super().__init__()
        self.network = model.network
        self.size, self.seen = size, model.input.target_size or size
        self.rounds = model.input.resize == "opencv"

    def forward(self, image: Tensor) -> Tensor:
        """Return the labels."""
        pixels = image.permute(0, 3, 1, 2).float()
        if self.seen != self.size:
            pixels = F.interpolate(pixels, self.seen, mode="bilinear", align_corners=False)
            pixels = pixels.round() if self.rounds else pixels
        coarse = self.network.coarse_logits(pixels / 255)[0]
        padded = self.network.padded_size(*self.seen)
        covered = [round(p * whole / seen) for p, whole, seen in zip(padded, self.size, self.seen, strict=True)]
        logits = F.interpolate(coarse, covered, mode="bilinear", align_corners=self.network.align_corners)
        return logits[..., : self.size[0], : self.size[1]].argmax(1).to(torch.uint8)


def build(model: SemanticModel, size: Size) -> torch.jit.ScriptModule:
    """Trace the complete model for pictures of one size."""
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # tracing is deprecated, and warns of sizes that become constants
        example = torch.zeros(1, *size, 3, dtype=torch.uint8)
        traced: torch.jit.ScriptModule = torch.jit.trace(Complete(model, size).eval(), example)  # type: ignore[no-untyped-call]
        return traced


def run(model: torch.jit.ScriptModule, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Predict one picture (H, W, 3) of the size that was traced."""
    with torch.inference_mode():
        labels: npt.NDArray[np.uint8] = model(torch.from_numpy(picture)[None])[0].numpy()
        return labels


def save(model: torch.jit.ScriptModule, file: Path) -> None:
    """Write the file."""
    model.save(str(file))
