"""Masks in the forms that people have: palettes, colors, gray levels, alpha, one class, pages and kinds of numbers."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from street import SPLITS, Case, describe, put, scene

TABLE = np.array([[128, 64, 128], [0, 0, 142], [70, 130, 180]], np.uint8)
NAMED = "names: [road, car, sky]\n"
COLORED = NAMED + "colors: {road: [128, 64, 128], car: [0, 0, 142], sky: [70, 130, 180]}\n"
GRAY = NAMED + "colors: {road: [0, 0, 0], car: [128, 128, 128], sky: [255, 255, 255]}\n"
BINARY = "names: [sky, road]\n"


def streets(yaml: str, mask: Any, ending: str = ".png") -> Any:
    """Return what writes the streets with masks made by `mask(labels, number)`."""

    def make(root: Path) -> None:
        describe(root, yaml)
        for split, i in SPLITS:
            image, labels = scene(i)
            put(root, split, f"s{i}", image, mask(labels, i), (".png", ending))

    return make


def indexed(numbers: np.ndarray, palette: np.ndarray, **info: Any) -> Image.Image:
    """Return an image with a palette."""
    picture = Image.fromarray(numbers.astype(np.uint8), "P")
    picture.putpalette(palette.astype(np.uint8).ravel().tolist())
    picture.info.update(info)
    return picture


def shuffled(labels: np.ndarray, i: int) -> Image.Image:
    """Return colors of the table in an order of the file's own."""
    order = np.random.default_rng(i).permutation(3)
    return indexed(np.argsort(order)[labels], TABLE[order])


def spread(labels: np.ndarray, i: int) -> Image.Image:
    """Return the right colors at the indices 10, 20, 30."""
    palette = np.zeros((31, 3))
    palette[[10, 20, 30]] = TABLE
    return indexed(np.array([10, 20, 30])[labels], palette)


def first_rows(labels: np.ndarray, value: int) -> np.ndarray:
    """Return the labels with `value` in the first rows, where the sky is."""
    labels = labels.copy()
    labels[:8] = value
    return labels


def with_alpha(labels: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Return RGBA with nothing drawn in the first rows."""
    alpha = np.where(np.arange(len(labels))[:, None] < 8, 0, 255) + 0 * labels
    return np.dstack([colors[labels] * (alpha[..., None] > 0), alpha]).astype(np.uint8)


def clear_index(labels: np.ndarray, i: int) -> Image.Image:
    """Return a palette whose last color, that of road, is transparent."""
    return indexed(first_rows(labels, 3), np.vstack([TABLE, TABLE[:1]]), transparency=3)


def one_bit(labels: np.ndarray, i: int) -> Image.Image:
    return Image.fromarray(labels == 0)


def smooth(colors: np.ndarray) -> np.ndarray:
    """Return colors as a smooth resizing leaves them."""
    height, width = colors.shape[:2]
    return cv2.resize(cv2.resize(colors, (width // 2, height // 2)), (width, height), interpolation=cv2.INTER_LINEAR)


def two_annotators(labels: np.ndarray, i: int) -> np.ndarray:
    """Return 0/1 or 0/255 for other and road."""
    return np.where(labels == 0, 255 if i % 2 else 1, 0).astype(np.uint8)


def write_deep(root: Path) -> None:
    """Write masks as RGB of 16 bits."""
    describe(root, NAMED)
    for split, i in SPLITS:
        image, labels = scene(i)
        put(root, split, f"s{i}", image, labels)
        cv2.imwrite(str(root / f"masks/{split}/s{i}.png"), np.dstack([labels] * 3).astype(np.uint16) * 300)


def write_pages(root: Path) -> None:
    """Write masks with a page for each class."""
    describe(root, NAMED)
    for split, i in SPLITS:
        image, labels = scene(i)
        put(root, split, f"s{i}", image, None)
        file = root / f"masks/{split}/s{i}.tif"
        file.parent.mkdir(parents=True, exist_ok=True)
        first, *others = (Image.fromarray((labels == c).astype(np.uint8)) for c in range(3))
        first.save(file, save_all=True, append_images=others)


CASES = [
    Case("palette_shuffled", streets(COLORED, shuffled), warnings=(), shared="palette_shuffled"),
    Case("palette_spread", streets(COLORED, spread), warnings=()),
    Case(
        "palette_shuffled_without_colors",
        streets(NAMED, shuffled),
        errors=("palettes-differ",),
        refused="palettes-differ.*colors",
        evaluated="",
        score=0,
    ),
    Case(
        "palette_swapped_off_by_one",
        streets(COLORED, lambda labels, i: indexed(np.array([2, 1, 0])[labels], TABLE[::-1] + 1)),
        errors=("colored-masks",),
        refused=r"near \(128, 64, 128\) of road",
        evaluated="aren't in the table",
    ),
    Case("palette_off_by_one", streets(COLORED, lambda labels, i: indexed(labels, TABLE + 1)), warnings=()),
    Case("palette_of_another_program", streets(COLORED, lambda labels, i: indexed(labels, 50 + TABLE)), warnings=()),
    Case(
        "palette_voc",
        streets(NAMED, lambda labels, i: indexed(labels, np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]]))),
        warnings=(),
        shared="palette_voc",
    ),
    Case("rgb_exact", streets(COLORED, lambda labels, i: TABLE[labels]), warnings=(), shared="rgb_exact"),
    Case(
        "rgb_mixed",
        streets(COLORED, lambda labels, i: TABLE[labels] if i % 2 else labels),
        warnings=(),
        shared="rgb_mixed",
    ),
    Case(
        "gray_colors",
        streets(GRAY, lambda labels, i: np.array([0, 128, 255], np.uint8)[labels]),
        warnings=(),
    ),
    Case(
        "gray_ids_beside_black",
        streets(
            NAMED + "colors: {road: [9, 9, 9], car: [128, 128, 128], sky: [0, 0, 0]}\n",
            lambda labels, i: np.where(labels == 1, 0, labels) if i % 2 else labels,
        ),
        warnings=(),
        score=0.75,
    ),
    Case(
        "rgb_off_by_one",
        streets(COLORED, lambda labels, i: TABLE[labels] + np.uint8(i % 2)),
        errors=("colored-masks",),
        refused=r"aren't in the table.*near \(128, 64, 128\) of road",
        evaluated="aren't in the table",
    ),
    Case(
        "rgb_jpeg",
        streets(COLORED, lambda labels, i: TABLE[labels], ".jpg"),
        errors=("jpeg-masks",),
        refused="JPEG",
        evaluated="JPEG",
        shared="rgb_jpeg",
    ),
    Case(
        "rgb_resized",
        streets(COLORED, lambda labels, i: smooth(TABLE[labels]) if i == 3 else TABLE[labels]),
        errors=("smooth-masks",),
        refused="smooth",
        evaluated="",
        shared="rgb_resized",
    ),
    Case(
        "rgba_alpha_trick",
        streets(
            COLORED.replace("[128, 64, 128]", "[0, 0, 0]"),
            lambda labels, i: with_alpha(labels, np.vstack([[[0, 0, 0]], TABLE[1:]])),
        ),
        warnings=("transparent-masks",),
        shared="rgba_alpha_trick",
    ),
    Case(
        "rgba_mask",
        streets(COLORED, lambda labels, i: with_alpha(labels, TABLE)),
        warnings=("transparent-masks",),
        shared="rgba_mask",
    ),
    Case("rgba_never_filled", streets(COLORED, lambda labels, i: np.dstack([TABLE[labels], 0 * labels])), warnings=()),
    Case(
        "mask_la",
        streets(NAMED, lambda labels, i: Image.fromarray(np.dstack([labels, np.full_like(labels, 255)]))),
        warnings=(),
        shared="mask_la",
    ),
    Case(
        "mask_rgb_gray", streets(NAMED, lambda labels, i: np.dstack([labels] * 3)), warnings=(), shared="mask_rgb_gray"
    ),
    Case(
        "mask16",
        streets(
            NAMED + "ids: {7000: road, 26001: car, 300: sky}\n",
            lambda labels, i: np.array([7000, 26001, 300], np.uint16)[labels],
        ),
        warnings=(),
        shared="mask16",
    ),
    Case(
        "mask_i32tif",
        streets(NAMED, lambda labels, i: labels.astype(np.int32), ".tif"),
        warnings=(),
        shared="mask_i32tif",
    ),
    Case("mask_f32tif", streets(NAMED, lambda labels, i: labels.astype(np.float32), ".tif"), warnings=()),
    Case(
        "mask_fractions",
        streets(NAMED, lambda labels, i: labels / np.float32(255), ".tif"),
        errors=("unsupported",),
        refused="expected whole numbers, found float32 with fractions",
        evaluated="expected whole numbers",
    ),
    Case(
        "gif_mask",
        streets(NAMED, lambda labels, i: indexed(labels, np.array([[0, 0, 0], [128, 0, 0], [0, 128, 0]])), ".gif"),
        warnings=(),
        shared="gif_mask",
    ),
    Case("bin1bit", streets(BINARY, one_bit), warnings=(), score=0.8),
    Case(
        "bin1bit_colors",
        streets(
            BINARY + "colors: {sky: [255, 255, 255], road: [0, 0, 0]}\n", lambda labels, i: Image.fromarray(labels != 0)
        ),
        warnings=(),
        score=0.8,
    ),
    Case(
        "bin255_colors",
        streets(
            BINARY + "colors: {sky: [0, 0, 0], road: [255, 255, 255]}\n",
            lambda labels, i: np.where(labels == 0, 255, 0).astype(np.uint8),
        ),
        warnings=(),
        score=0.8,
    ),
    Case(
        "bin255",
        streets(BINARY, lambda labels, i: np.where(labels == 0, 255, 0).astype(np.uint8)),
        errors=("stretched-ids",),
        refused="ids: {0: sky, 255: road}",
        evaluated="",
        score=-1,
        shared=None,
    ),
    Case(
        "bin255_onename",
        streets("names: [road]\n", lambda labels, i: np.where(labels == 0, 255, 0).astype(np.uint8)),
        errors=("single-class",),
        refused=r"names \[background, road\] with ids \{0: background, 255: road\}",
        evaluated="",
        score=0,
        shared="bin255_onename",
    ),
    Case(
        "single",
        streets("names: [road]\n", lambda labels, i: labels * 0),
        errors=("single-class",),
        refused=r"for example names \[background, road\]",
        evaluated="",
        score=0,
        shared="single",
    ),
    Case(
        "one_of_three",
        streets(NAMED, lambda labels, i: labels * 0),
        errors=("single-class",),
        refused="only 1 of the 3 classes",
        evaluated="",
        score=0,
    ),
    Case(
        "void_all_train",
        streets(NAMED, lambda labels, i: labels * 0 + np.uint8(255) if i < 4 else labels),
        errors=("single-class",),
        refused="no pixel has a class in train",
        evaluated="",
        shared="void_all_train",
    ),
    Case(
        "one_class_in_train",
        streets(NAMED, lambda labels, i: labels * 0 if i < 4 else labels),
        errors=("single-class",),
        refused="only road occurs in train",
        evaluated="",
    ),
    Case(
        "one_class_in_val",
        streets(NAMED, lambda labels, i: labels * 0 if i >= 4 else labels),
        errors=("single-class",),
        refused="only road occurs in val",
        evaluated="",
        score=0,
    ),
    Case(
        "void_one",
        streets(NAMED, lambda labels, i: labels * 0 + np.uint8(255) if i == 1 else labels),
        warnings=(),
        shared="void_one",
    ),
    Case(
        "zero_other",
        streets(NAMED, lambda labels, i: first_rows(labels + np.uint8(1), 0)),
        errors=("shifted-ids",),
        refused="they start at 1",
        evaluated="found label id 3",
        shared="zero_other",
    ),
    Case(
        "mixed_255", streets(BINARY, two_annotators), errors=("mixed-255",), refused="mixed-255", evaluated="", score=0
    ),
    Case("palette_clear_index", streets(COLORED, clear_index), warnings=("transparent-masks",), score=0.97),
    Case(
        "webp_lossy_mask",
        streets(NAMED, lambda labels, i: np.dstack([labels * 100] * 3), ".webp"),
        errors=("jpeg-masks",),
        refused="jpeg-masks",
        evaluated="found label id",
        shared="webp_lossy_mask",
    ),
    Case(
        "mask_onehot",
        streets(NAMED, lambda labels, i: np.eye(3, dtype=np.uint8)[labels] * 255),
        errors=("colored-masks",),
        refused="Give the colors",
        evaluated="found a color image",
        shared="mask_onehot_tif",
    ),
    Case("mask_rgb16", write_deep, errors=("unknown-ids",), refused="300", evaluated="300", shared="mask_rgb16"),
    Case(
        "mask_pages",
        write_pages,
        errors=("unsupported",),
        refused="TIFF file of 3 pages",
        evaluated="3 pages",
        shared="tiff_multipage",
    ),
]
