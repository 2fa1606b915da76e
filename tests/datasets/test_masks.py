"""Masks in every form that Pillow writes, read as what they mean."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.base import read_ids
from sceneseg.datasets.masks import MaskReading, StoredMask, read_mask
from sceneseg.errors import DataError
from sceneseg.evaluation.counting import count_files
from sceneseg.labels import LabelClass, LabelSpace

IDS = np.array([[0, 1, 2], [2, 1, 0]], np.uint8)
COLORS = np.array([[128, 64, 128], [0, 0, 142], [70, 130, 180]], np.uint8)
SPACE = LabelSpace("street", tuple(LabelClass(n, (0, 0, i), (i,)) for i, n in enumerate("abc")), (255,), 255)
READING = MaskReading({tuple(color): i for i, color in enumerate(COLORS.tolist())}, SPACE)


def save(path, picture, **options):
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(path, **options)
    return path


def indexed(numbers, palette):
    picture = Image.fromarray(np.asarray(numbers, np.uint8), "P")
    picture.putpalette(np.asarray(palette, np.uint8).ravel().tolist())
    return picture


def png(depth: int, rows: list[bytes], width: int) -> bytes:
    """Return a gray PNG file of less than 8 bits."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, len(rows), depth, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("depth", "row", "expected"),
    [(1, b"\x50", [0, 1, 0, 1]), (2, b"\x1b", [0, 1, 2, 3]), (4, b"\x01\x2f", [0, 1, 2, 15])],
)
def test_few_bits_are_ids_as_they_are_stored(tmp_path, depth, row, expected):
    (tmp_path / "a.png").write_bytes(png(depth, [row], 4))
    assert read_mask(tmp_path / "a.png").values.tolist() == [expected]
    assert read_ids(tmp_path / "a.png").tolist() == [expected]


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("a.png", indexed(IDS, COLORS)),
        ("a.gif", indexed(IDS, COLORS)),
        ("a.png", np.dstack([IDS] * 3)),
        ("a.png", np.dstack([IDS] * 3 + [np.full_like(IDS, 255)])),
        ("a.png", np.dstack([IDS, np.full_like(IDS, 255)])),
        ("a.png", IDS.astype(np.uint16)),
        ("a.tif", IDS.astype(np.int32)),
        ("a.tif", IDS.astype(np.float32)),
        ("a.bmp", IDS),
    ],
)
def test_ids_of_every_kind(tmp_path, name, picture):
    path = save(tmp_path / name, picture)
    assert read_ids(path).tolist() == IDS.tolist()
    assert MaskReading({}, SPACE).labels(read_mask(path), "ids").tolist() == IDS.tolist()


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (COLORS[IDS], IDS),
        (indexed(2 - IDS, COLORS[::-1]), IDS),
        (indexed(10 * IDS, np.repeat(COLORS, 10, axis=0)), IDS),
        (indexed(IDS, COLORS // 2 + 3), IDS),  # of another program: the indices count
        (indexed(np.where(IDS == 2, 255, IDS), np.vstack([COLORS, [[9, 9, 9]] * 253])), np.where(IDS == 2, 255, IDS)),
        (IDS, IDS),
        (np.dstack([IDS] * 3), IDS),
        (np.full_like(IDS, 255), np.full_like(IDS, 255)),
        (np.dstack([COLORS[IDS], np.where(IDS == 1, 0, 255)]).astype(np.uint8), np.where(IDS == 1, 255, IDS)),
        (np.dstack([COLORS[IDS], np.zeros_like(IDS)]), IDS),  # its alpha channel was never filled
    ],
)
def test_colors_are_read_where_they_are_given(tmp_path, picture, expected):
    stored = read_mask(save(tmp_path / "a.png", picture))
    assert READING.labels(stored, READING.meaning(stored)).tolist() == np.asarray(expected).tolist()


def test_transparent_indices_are_void_where_colors_are_read(tmp_path):
    stored = read_mask(save(tmp_path / "a.png", indexed(2 - IDS, COLORS[::-1]), transparency=0))
    assert READING.labels(stored, READING.meaning(stored)).tolist() == np.where(IDS == 2, 255, IDS).tolist()
    assert MaskReading({}, SPACE).labels(stored, "ids").tolist() == (2 - IDS).tolist()


def test_palettes_that_fit_in_part_are_refused(tmp_path):
    palette = COLORS[[1, 0, 2]].copy()
    palette[2] = (1, 2, 3)
    stored = read_mask(save(tmp_path / "a.png", indexed(IDS, palette)))
    assert READING.meaning(stored) is None
    with pytest.raises(DataError, match=r"1 colors that aren't in the table, first \(1, 2, 3\) \(2 pixels\)"):
        READING.labels(stored, None)


def test_gray_levels_that_could_be_both():
    reading = MaskReading({(1, 1, 1): 0, (2, 2, 2): 1, (3, 3, 3): 2}, SPACE)
    gray = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)

    def meaning(*values):
        stored = StoredMask(np.array([values], np.uint8), gray)
        return reading.meaning(stored), reading.evidence(stored)

    assert meaning(1, 2) == ("either", None)
    assert meaning(0, 1) == ("ids", "ids")
    assert meaning(2, 3) == ("colors", "colors")
    assert meaning(255) == ("colors", None)
    assert meaning(0, 3) == (None, None)


def test_other_masks_tell_what_gray_levels_mean(tmp_path):
    (tmp_path / "data.yaml").write_text("names: [a, b, c]\ncolors: {a: [1, 1, 1], b: [2, 2, 2], c: [3, 3, 3]}\n")
    for kind in ("images", "masks"):
        (tmp_path / kind / "train").mkdir(parents=True)
    for i, values in enumerate(([[1, 2]], [[2, 3]])):
        save(tmp_path / f"images/train/{i}.png", np.zeros((1, 2, 3), np.uint8))
        save(tmp_path / f"masks/train/{i}.png", np.array(values, np.uint8))
    assert datasets.create("folder", root=tmp_path).read(0).labels.tolist() == [[0, 1]]
    save(tmp_path / "masks/train/1.png", np.array([[0, 1]], np.uint8))
    assert datasets.create("folder", root=tmp_path).read(0).labels.tolist() == [[1, 2]]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[0.5, 1]], "float32 with fractions or without a value, for example 0.5"),
        ([[float("nan"), 1]], "float32 with fractions or without a value, for example nan"),
    ],
)
def test_fractions_are_refused(tmp_path, values, words):
    path = save(tmp_path / "a.tif", np.array(values, np.float32))
    with pytest.raises(DataError, match=f"expected whole numbers, found {words}"):
        read_mask(path)


def test_pages(tmp_path):
    first, second = Image.fromarray(IDS), Image.fromarray(IDS[:1])
    path = save(tmp_path / "a.tif", first, save_all=True, append_images=[second])
    with pytest.raises(DataError, match="TIFF file of 2 pages"):
        read_ids(path)
    second.encoderinfo = {"tiffinfo": {254: 1}}  # a smaller copy, as maps have it
    path = save(tmp_path / "b.tif", first, save_all=True, append_images=[second])
    assert read_ids(path).tolist() == IDS.tolist()


@pytest.mark.parametrize(
    "predicted", [indexed(IDS, COLORS), indexed(2 - IDS, COLORS[::-1]), COLORS[IDS], IDS, np.dstack([IDS] * 3)]
)
def test_predictions_may_have_palettes_and_colors(tmp_path, predicted):
    yaml = "names: [a, b, c]\ncolors: {a: [128, 64, 128], b: [0, 0, 142], c: [70, 130, 180]}\n"
    for folder in ("images/val", "masks/val", "pred"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data.yaml").write_text(yaml)
    save(tmp_path / "images/val/s.png", np.zeros((2, 3, 3), np.uint8))
    save(tmp_path / "masks/val/s.png", IDS)
    save(tmp_path / "pred/s.png", predicted)
    counts = count_files(tmp_path / "pred", datasets.create("folder", root=tmp_path, split="val"))
    assert np.array_equal(counts.total().confusion[:3, :3], 2 * np.eye(3))


def test_predictions_with_palettes_for_data_sets_of_ids(toy_root, tmp_path):
    dataset = datasets.create("cityscapes", root=toy_root, split="val")
    for files in dataset.files:
        with Image.open(files.labels) as stored:
            ids = np.array(stored)
        save(tmp_path / f"{files.name}.png", indexed(ids, np.random.default_rng(0).integers(0, 255, (256, 3))))
    confusion = count_files(tmp_path, dataset).total().confusion
    assert confusion.sum() == np.trace(confusion) > 0
