"""The road from above, against a camera whose geometry can be worked out by hand."""

import numpy as np
import pytest

from sceneseg.errors import DataError
from sceneseg.inference.birds_eye import SIZE, birds_eye, read_calibration

FOCAL, CENTER, HEIGHT = 700.0, (600.0, 180.0), 1.65


def calibration(tmp_path, **changes):
    """Write a level camera 1.65 m above the road; the road's axes are those of the camera, its origin below it."""
    values = {
        "P2": [FOCAL, 0, CENTER[0], 0, 0, FOCAL, CENTER[1], 0, 0, 0, 1, 0],
        "R0_rect": np.eye(3).ravel().tolist(),
        "Tr_cam_to_road": [1, 0, 0, 0, 0, 1, 0, -HEIGHT, 0, 0, 1, 0],
    } | changes
    file = tmp_path / "um_000000.txt"
    file.write_text("\n".join(f"{key}: {' '.join(map(str, numbers))}" for key, numbers in values.items()) + "\n\n")
    return file


def test_points_of_the_road_lie_where_a_pinhole_shows_them(tmp_path):
    matrix = read_calibration(calibration(tmp_path))
    for across, ahead in ((0, 10), (-3, 20), (5, 45)):
        u, v, w = matrix @ [across, ahead, 1]
        assert u / w == pytest.approx(CENTER[0] + FOCAL * across / ahead)
        assert v / w == pytest.approx(CENTER[1] + FOCAL * HEIGHT / ahead)


def test_the_view_shows_a_lane_of_its_width_and_nothing_outside_the_image(tmp_path):
    matrix = read_calibration(calibration(tmp_path))
    rows, columns = np.mgrid[1:376, 1:1243].astype(float)
    ahead = FOCAL * HEIGHT / np.maximum(rows - CENTER[1], 1e-6)
    across = (columns - CENTER[0]) * ahead / FOCAL
    lane = (np.abs(across) < 2) & (rows > CENTER[1])
    view = birds_eye(np.where(lane, 255, 60).astype(np.uint8), matrix)
    assert view.shape == SIZE
    near = view[560]  # 17.975 m ahead
    assert abs(int((near == 255).sum()) - 4 / 0.05) <= 3
    assert abs(np.flatnonzero(near == 255).mean() - 199.5) <= 1.5
    assert (near[[0, -1]] == 60).all()
    assert (view[-1, [0, -1]] == 0).all(), "6 m ahead and 10 m aside is out of sight"


def test_a_calibration_that_is_none(tmp_path):
    with pytest.raises(DataError, match="there is no such file. Unpack all of data_road.zip"):
        read_calibration(tmp_path / "um_000001.txt")
    with pytest.raises(DataError, match="expected R0_rect with 9 numbers"):
        read_calibration(calibration(tmp_path, R0_rect=[1, 2]))


@pytest.mark.parametrize("camera", [["nan"] * 12, ["1e300"] * 12, [0] * 12])
def test_numbers_of_no_camera_are_refused(tmp_path, camera):
    with pytest.raises(DataError, match="expected the calibration of a camera"):
        read_calibration(calibration(tmp_path, Tr_cam_to_road=camera))


def test_bytes_of_no_text_are_refused(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfeP2: 1")
    with pytest.raises(DataError, match="expected P2 with 12 numbers"):
        read_calibration(tmp_path / "a.txt")
