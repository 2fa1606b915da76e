import io

import numpy as np
from PIL import Image

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.inference import visualization

rng = np.random.default_rng(0)


def test_palette_png_holds_indices_and_colors():
    labels = np.array([[0, 13, 255]], np.uint8)
    picture = Image.open(io.BytesIO(visualization.palette_png(labels, LABEL_SPACE)))
    assert picture.mode == "P"
    assert np.array(picture).tolist() == [[0, 13, 255]]
    assert np.array(picture.convert("RGB")).tolist() == [[[128, 64, 128], [0, 0, 142], [0, 0, 0]]]


def test_overlay_leaves_void_as_it_is_and_outlines_classes():
    image = np.full((20, 40, 3), 100, np.uint8)
    labels = np.full((20, 40), 255, np.uint8)
    labels[:, 20:] = 0
    mixed = visualization.overlay(image, labels, LABEL_SPACE, opacity=0.5, legend=False)
    assert (mixed[:, :19] == 100).all()
    assert mixed[5, 30].tolist() == [114, 82, 114]
    assert mixed[5, 20].min() > 180


def test_legend_lies_below_and_wraps():
    labels = rng.integers(0, 19, (200, 300), dtype=np.uint8)
    image = np.zeros((200, 300, 3), np.uint8)
    few = visualization.overlay(image, np.zeros_like(labels), LABEL_SPACE)
    many = visualization.overlay(image, labels, LABEL_SPACE)
    assert many.shape[1] == few.shape[1] == 300
    assert many.shape[0] > few.shape[0] > 200


def test_grid_puts_rows_and_columns():
    cell = np.zeros((10, 20, 3), np.uint8)
    assert visualization.grid([[cell, cell], [cell, cell]], width=40, gap=2).shape == (20 + 2 + 20, 40 + 2 + 40, 3)
