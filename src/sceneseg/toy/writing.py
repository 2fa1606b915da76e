"""Writes toy scenes in the official layout of Cityscapes: leftImg8bit, gtFine and gtCoarse, a folder per city.

Source: the layout and the file formats are those that cityscapesScripts (MIT) documents.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.datasets.cityscapes import LABELS
from sceneseg.errors import DataError
from sceneseg.records.temporaries import temporary_folder
from sceneseg.toy.canvas import Annotation, Polygon
from sceneseg.toy.drawing import ToyScene, check_arguments, draw_scene

CITIES = {"train": ("brickfield", "toytown"), "val": ("pixelburg",), "test": ("mockford",)}
MARKER = "toy_scenes.json"
"""Lies at the top of every toy set, records how it was made, and marks a folder that may be replaced by another."""
FOLDERS = ("leftImg8bit", "gtFine", "gtCoarse")
FRAME = 19
"""The frame of its sequence that is annotated, as in the original."""


def write_toy_scenes(
    out: Path,
    count: int,
    size: tuple[int, int] = (256, 512),
    seed: int = 0,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write a toy data set that reads like Cityscapes: 70 % train, 20 % val, 10 % test (without labels).

    The folder appears when everything is written, and takes the place of an earlier toy set.

    Args:
        out: The folder to make.
        count: How many scenes; from 3 on no split is empty.
        size: (height, width) in pixels.
        seed: Any non-negative number; another one gives other streets.
        progress: Is called after each scene with the number of scenes written so far.

    Raises:
        DataError: No scenes or tiny ones are asked for, or `out` holds something else than a toy set.
    """
    if count < 1:
        raise DataError(f"A toy set needs at least 1 scene, {count} were asked for. Ask for more.")
    check_arguments(size, seed)
    out = out.expanduser().resolve()
    _refuse_other_data(out)
    with temporary_folder(out.name, out.parent) as folder:
        partial = folder / "new"
        for i, (split, city) in enumerate(assign_splits(count)):
            _write_scene(partial, draw_scene(size, seed, i), split, city, f"{city}_{i:06}_{FRAME:06}")
            if progress:
                progress(i + 1)
        facts = {"count": count, "size": list(size), "seed": seed}
        (partial / MARKER).write_text(json.dumps(facts) + "\n")
        if out.exists():
            out.rename(folder / "old")  # whole, and removed behind the new one: a kill leaves no half of it
        partial.rename(out)


def _refuse_other_data(out: Path) -> None:
    if not out.exists():
        return
    found = sorted(p.name for p in out.iterdir()) if out.is_dir() else [f"a file called {out.name}"]
    if found and (MARKER not in found or set(found) - {MARKER, *FOLDERS}):
        raise DataError(
            f"{out}: expected a new or empty folder, or an earlier toy set to replace; found {', '.join(found[:6])}. "
            f"Give another folder, or remove this one yourself."
        )


def assign_splits(count: int) -> list[tuple[str, str]]:
    """Return the split and the city of each scene: train first, then val, then test."""
    test = max(1, round(0.1 * count)) if count >= 3 else 0
    val = max(1, round(0.2 * count)) if count >= 2 else 0
    train = count - val - test
    first, second = CITIES["train"]
    half = (train + 1) // 2
    places = [("train", first)] * half + [("train", second)] * (train - half)
    return places + [("val", CITIES["val"][0])] * val + [("test", CITIES["test"][0])] * test


def _write_scene(root: Path, scene: ToyScene, split: str, city: str, name: str) -> None:
    _write_png(root / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", scene.image[..., ::-1])
    fine = scene.polygons if split != "test" else [p for p in scene.polygons if p.label == "ego vehicle"]
    size = (scene.label_ids.shape[0], scene.label_ids.shape[1])
    _write_annotation(root / "gtFine" / split / city / f"{name}_gtFine", fine, size)
    if split != "test":
        coarse = coarse_polygons(scene)
        _write_annotation(root / "gtCoarse" / split / city / f"{name}_gtCoarse", coarse, size)


def _write_annotation(stem: Path, polygons: Sequence[Polygon], size: tuple[int, int]) -> None:
    """Write the four official files: the polygons, and three images of them."""
    drawn = Annotation(size)
    for polygon in polygons:
        drawn.add(polygon)
    _write_png(stem.with_name(f"{stem.name}_labelIds.png"), drawn.label_ids)
    _write_png(stem.with_name(f"{stem.name}_instanceIds.png"), drawn.instance_ids)
    _write_png(stem.with_name(f"{stem.name}_color.png"), BGRA[drawn.label_ids])
    objects = [{"label": p.label, "polygon": p.points.tolist()} for p in polygons]
    content = {"imgHeight": size[0], "imgWidth": size[1], "objects": objects}
    stem.with_name(f"{stem.name}_polygons.json").write_text(json.dumps(content))


def coarse_polygons(scene: ToyScene) -> list[Polygon]:
    """Return what a hurried annotator would outline: large regions, well inside their edges, with few corners.

    What is labeled is labeled rightly: a hole in a region is taken out again by an "unlabeled" polygon, and
    larger regions come first, so that what stands in the hole is drawn after it.
    """
    height, width = scene.label_ids.shape
    margin, least = max(2.0, height / 100), height * width / 1500
    kernel = np.ones((2 * round(margin) + 1,) * 2, np.uint8)
    found: list[tuple[float, list[Polygon]]] = []
    for value in np.flatnonzero(np.bincount(scene.instance_ids.ravel()) > least):
        mask = cv2.erode((scene.instance_ids == value).astype(np.uint8), kernel)
        contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        for i, outer in enumerate(contours):
            area = cv2.contourArea(outer)
            if hierarchy[0][i][3] < 0 and area > least:  # an outer contour has no parent
                holes = [contours[j] for j in range(len(contours)) if hierarchy[0][j][3] == i]
                labels = [_label(int(value)), *["unlabeled"] * len(holes)]
                pieces = [cv2.approxPolyDP(c, margin / 2, closed=True)[:, 0].astype(np.int32) for c in (outer, *holes)]
                found.append((area, list(map(Polygon, labels, pieces))))
    found.sort(key=lambda region: -region[0])
    return [polygon for _, region in found for polygon in region]


def _label(value: int) -> str:
    """Return the label of an instance value; a plain id of a countable class stands for a group."""
    row = LABELS[value // 1000 or value]
    return f"{row.name}group" if row.has_instances and value < 1000 else row.name


def _write_png(path: Path, pixels: npt.NDArray[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", pixels)[1].tobytes())


BGRA = np.zeros((256, 4), np.uint8)
"""The color of each label id as OpenCV stores it; unused ids are as black as void."""
BGRA[:, 3] = 255
for _row in LABELS:
    BGRA[_row.label_id, :3] = _row.color[::-1]
