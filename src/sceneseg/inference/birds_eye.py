"""Bird's-eye view of a flat road, in which KITTI ranks road predictions.

Source: Fritsch et al., "A new performance measure and evaluation benchmark for road detection algorithms", ITSC 2013;
ranges and rounding are those of the benchmark's development kit.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from sceneseg.errors import DataError

RESOLUTION = 0.05
"""Meters of a cell."""
ACROSS = (-10.0, 10.0)
"""Meters to the left and to the right of the camera."""
AHEAD = (6.0, 46.0)
"""Meters in front of it."""
SIZE = (800, 400)
"""Cells (height, width); the far end is above."""

LARGEST = 1e12
"""Of the numbers that a camera is described by; pixels and millimeters stay far below."""
CURE = "Unpack data_road.zip again."

Matrix = npt.NDArray[np.float64]


def read_calibration(file: Path) -> Matrix:
    """Read where points of the road plane lie in the image.

    Args:
        file: One of KITTI's calib files, with P2, R0_rect and Tr_cam_to_road.

    Returns:
        (3, 3): maps (meters across, meters ahead, 1) to homogeneous pixel coordinates, counted from 1.

    Raises:
        DataError: The file is missing, or lacks one of the three.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        raise DataError(f"{file}: there is no such file. Unpack all of data_road.zip, calib included.") from None
    found = {key.strip(): values.split() for key, _, values in (line.partition(":") for line in lines)}
    parts = []
    for key, shape in (("P2", (3, 4)), ("R0_rect", (3, 3)), ("Tr_cam_to_road", (3, 4))):
        try:
            parts.append(np.array(found[key], np.float64).reshape(shape))
        except (KeyError, ValueError):
            raise DataError(
                f"{file}: expected {key} with {shape[0] * shape[1]} numbers, found none or others. {CURE}"
            ) from None
    projection, rectification, to_road = parts
    rectify, place = np.eye(4), np.eye(4)
    rectify[:3, :3] = rectification
    place[:3] = to_road
    with np.errstate(all="ignore"):
        try:
            matrix: Matrix = (projection @ rectify @ np.linalg.inv(place))[:, [0, 2, 3]]  # the height on the road is 0
        except np.linalg.LinAlgError:
            matrix = np.full((3, 3), np.nan)
    if not (np.abs(matrix) < LARGEST).all():
        raise DataError(f"{file}: expected the calibration of a camera, found numbers that describe none. {CURE}")
    return matrix


def birds_eye(values: npt.NDArray[np.uint8], matrix: Matrix) -> npt.NDArray[np.uint8]:
    """Draw an image of the road from above, cell by cell the nearest pixel.

    Args:
        values: (H, W) uint8, in the camera's image.
        matrix: From `read_calibration`.

    Returns:
        `SIZE` uint8; 0 where the camera doesn't see.
    """
    across = (np.arange(SIZE[1]) + 0.5) * RESOLUTION + ACROSS[0]
    ahead = AHEAD[1] - (np.arange(SIZE[0]) + 0.5) * RESOLUTION
    x, z = (grid.astype(np.float32) for grid in np.meshgrid(across, ahead))  # rounded as the development kit does
    column, row, scale = np.einsum("ij,jhw->ihw", matrix, np.stack([x, z, np.ones_like(x)]))
    with np.errstate(all="ignore"):  # what lies to the side of the camera isn't in the image
        column, row = column / scale, row / scale
    height, width = values.shape
    seen = (column >= 1) & (row >= 1) & (column <= width) & (row <= height)
    view = np.zeros(SIZE, np.uint8)
    view[seen] = values[row[seen].astype(np.int64) - 1, column[seen].astype(np.int64) - 1]
    return view
