"""Images that are predicted when speed is measured."""

import numpy as np
import numpy.typing as npt

from sceneseg.toy import draw_scene
from sceneseg.toy.drawing import SMALLEST


def street_images(size: tuple[int, int], batch: int = 1) -> npt.NDArray[np.uint8]:
    """Draw streets, (B, H, W, 3) uint8; always the same ones.

    Drawn scenes and not noise, because the last step is faster where neighboring pixels agree.
    """
    drawn = (max(size[0], SMALLEST), max(size[1], SMALLEST))
    return np.stack([draw_scene(drawn, index=i).image[: size[0], : size[1]] for i in range(batch)])
