"""Names for the types of images, labels and sizes; arrays are NumPy's, sizes are (height, width) in pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

ImageSize = tuple[int, int]
"""(height, width) in pixels."""

ImageArray = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB."""

LabelArray = npt.NDArray[np.uint8]
"""(H, W) uint8 train ids; 255 is void."""

InstanceArray = npt.NDArray[np.int32]
"""(H, W) int32 numbers of objects."""

AnyArray = npt.NDArray[Any]
"""An array of another type, or of several: what OpenCV takes and gives."""

FloatArray = npt.NDArray[np.float32]
"""float32 values."""

PixelArray = npt.NDArray[np.uint8 | np.uint16 | np.float32]
"""(H, W, C) image of any type: uint8 from 0 to 255, uint16 from 0 to 65535 or float32 from 0 to 1."""
