"""Prediction for one image, and the files that can be made of it."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import ImageArray, LabelArray
from sceneseg.errors import ModelError
from sceneseg.inference import visualization
from sceneseg.labels import LabelSpace

if TYPE_CHECKING:
    from sceneseg.kernels.grid import CoarseLogits


@dataclass(frozen=True)
class Prediction:
    """The prediction for one image, at the image's own size.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8 train ids.
        label_space: Names, colors and stored ids of the classes.
        name: Used for file names.
        coarse: The model's logits, from which probabilities are made when asked for; None where what predicted gives
            labels alone.
    """

    image: ImageArray
    labels: LabelArray
    label_space: LabelSpace
    name: str
    coarse: "CoarseLogits | None" = None

    @cached_property
    def probabilities(self) -> npt.NDArray[np.float32]:
        """Probability of every class at every pixel, (C, H, W) float32.

        Raises:
            ModelError: The prediction has labels alone.
        """
        if self.coarse is None:
            raise ModelError(
                "This prediction has labels alone. Predict with the weights, or export a file that gives probabilities."
            )
        probabilities = self.coarse.probabilities((self.labels.shape[0], self.labels.shape[1]))
        array: npt.NDArray[np.float32] = probabilities[0].cpu().numpy()
        return array

    @property
    def shares(self) -> dict[str, float]:
        """Part of the image that each class covers, for the classes that occur."""
        counts = np.bincount(self.labels.ravel(), minlength=256)
        return {name: float(n / self.labels.size) for name, n in zip(self.label_space.names, counts, strict=False) if n}

    def overlay(self, opacity: float = 0.55, legend: bool = True) -> ImageArray:
        """Return the image under the class colors, with a legend below, (H', W, 3) uint8."""
        return visualization.overlay(self.image, self.labels, self.label_space, opacity, legend)

    def save(self, folder: str | Path) -> list[Path]:
        """Write NAME_labelIds.png (stored ids), NAME_color.png (palette: indices and colors) and NAME_overlay.jpg."""
        folder = Path(folder)
        files = {
            "labelIds.png": visualization.rgb_png(self.label_space.decode(self.labels)),
            "color.png": visualization.palette_png(self.labels, self.label_space),
            "overlay.jpg": visualization.jpeg(self.overlay()),
        }
        paths = [folder / f"{self.name}_{suffix}" for suffix in files]
        for path, data in zip(paths, files.values(), strict=True):
            visualization.write_bytes(path, data)
        return paths
