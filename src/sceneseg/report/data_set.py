"""Overview image of a data set: pixels and images of each class, what occurs together, and some scenes."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sceneseg.arrays import ImageArray, LabelArray
from sceneseg.datasets.base import Scene
from sceneseg.datasets.statistics import Statistics
from sceneseg.inference import visualization
from sceneseg.labels import IGNORE_INDEX, LabelSpace

ROW = 0.24
"""Inches of a class in the charts."""
WIDTH = 1500
GAP = 4
COLUMNS = 3
CELL = (WIDTH - GAP * (COLUMNS - 1)) // COLUMNS
"""Pixels across one image of a scene."""
DARK = 24
"""The gray behind a legend."""


def draw_statistics(statistics: Statistics, file: Path, examples: int = 6) -> None:
    """Write the image.

    Args:
        statistics: What was counted.
        file: PNG to write.
        examples: How many scenes it shows.
    """
    space = statistics.dataset.label_space
    charts = _charts(statistics)
    scenes = [statistics.dataset.read(i) for i in statistics.examples(examples)]
    cells = [_small(scene, space) for scene in scenes]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % COLUMNS)
    sheet = visualization.grid([_level(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)], CELL, GAP)
    sheet = np.pad(sheet, ((0, 0), (0, WIDTH - sheet.shape[1]), (0, 0)), constant_values=255)
    visualization.write_bytes(file, visualization.rgb_png(np.vstack([charts, sheet])))


def draw_annotations(scenes: Sequence[Scene], space: LabelSpace, file: Path) -> None:
    """Write image, colors and overlay of some scenes, a row each, with the classes of each below.

    Args:
        scenes: With labels.
        space: Names and colors.
        file: PNG to write.
    """
    rows = []
    for scene in scenes:
        labels = _labels(scene)
        colors = visualization.colorize(labels, space)
        rows.append(_level([scene.image, colors, visualization.overlay(scene.image, labels, space)]))
    visualization.write_bytes(file, visualization.rgb_png(visualization.grid(rows, width=640)))


def draw_gallery(pictures: Sequence[tuple[ImageArray, str]], file: Path) -> None:
    """Write images of any shapes with a line of text below each, three in a row."""
    cells = [visualization.captioned(image, text, CELL) for image, text in pictures]
    cells += [np.full((1, CELL, 3), DARK, np.uint8)] * (-len(cells) % COLUMNS)
    rows = [_level(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    visualization.write_bytes(file, visualization.rgb_png(visualization.grid(rows, CELL, GAP)))


@matplotlib.rc_context({"text.parse_math": False})  # a class may be called $x_{
def _charts(statistics: Statistics) -> ImageArray:
    dataset, classes, void_pixels = statistics.dataset, statistics.classes, statistics.void_pixels
    names = [one.name for one in classes]
    height = max(3.2, 1.5 + ROW * len(names))
    figure = Figure(figsize=(WIDTH / 100, height), dpi=100, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    found = [f"{height} x {width}" for height, width in sorted(statistics.sizes)]
    sizes = ", ".join(found[:3]) + (" and more" if len(found) > 3 else "")
    void = void_pixels / max(1, void_pixels + sum(one.pixels for one in classes))
    number = len(statistics.table)
    figure.suptitle(f"{dataset.name} {dataset.split}: {number:,} images of {sizes}, {void:.1%} void", fontsize=13)
    pixels, images, matrix = figure.subplots(1, 3, width_ratios=(1.25, 1, 1.25))
    colors = [tuple(np.array(c.color) / 255) for c in dataset.label_space.classes]
    shares = [100 * one.share for one in classes]
    _bars(pixels, names, shares, colors, "labeled pixels, %", [_percent(share) for share in shares])
    pixels.set_xscale("log")
    pixels.set_xlim(max(1e-4, min((s for s in shares if s), default=1) / 2), 400)
    counts = [one.images for one in classes]
    _bars(images, [""] * len(names), counts, colors, "images with the class", [f"{count:,}" for count in counts])
    images.set_xlim(0, max(1, *counts) * 1.18)
    _matrix(matrix, names, statistics.together)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # of a name's letters; they are drawn as boxes
        canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]


def _bars(
    axes: Axes, names: Sequence[str], values: Sequence[float], colors: Sequence[Any], title: str, notes: Sequence[str]
) -> None:
    at = np.arange(len(names))
    axes.barh(at, [max(value, 1e-9) for value in values], color=colors, edgecolor="#00000055", linewidth=0.6)
    for y, value, note in zip(at, values, notes, strict=True):
        axes.annotate(note, (max(value, 1e-9), y), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(at, names, fontsize=9)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)


def _matrix(axes: Axes, names: Sequence[str], together: npt.NDArray[np.int64]) -> None:
    share = together / np.maximum(1, np.diag(together))[:, None]  # of the row's images, how many have the column
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    at = np.arange(len(names))
    axes.set_yticks(at, names, fontsize=8)
    axes.set_xticks(at, names, fontsize=8, rotation=90)
    axes.set_title("share of the row's images that have the column, too", fontsize=10)
    if len(names) <= 20:
        for y, x in np.ndindex(share.shape):
            shade = "white" if share[y, x] > 0.6 else "#555555"
            axes.annotate(f"{100 * share[y, x]:.0f}", (x, y), ha="center", va="center", fontsize=6, color=shade)


def _percent(share: float) -> str:
    return "none" if share == 0 else f"{share:.3g} %"


def _small(scene: Scene, space: LabelSpace) -> ImageArray:
    """Draw the overlay at the size of a cell, so that lines and letters stay sharp."""
    height, width = scene.image.shape[:2]
    rows = max(1, round(CELL * height / width))
    index = np.ix_(np.arange(rows) * height // rows, np.arange(CELL) * width // CELL)
    return visualization.overlay(scene.image[index], _labels(scene)[index], space)


def _labels(scene: Scene) -> LabelArray:
    return np.full(scene.image.shape[:2], IGNORE_INDEX, np.uint8) if scene.labels is None else scene.labels


def _level(pictures: list[ImageArray]) -> list[ImageArray]:
    """Bring images of one width to one height, filled up as behind a legend."""
    height = max(image.shape[0] for image in pictures)
    return [np.pad(p, ((0, height - p.shape[0]), (0, 0), (0, 0)), constant_values=DARK) for p in pictures]
