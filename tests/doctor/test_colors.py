"""What the doctor says of colors and palettes, and what becomes of them in the repaired copy."""

import shutil

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.doctor import diagnose, repair

TABLE = np.array([[128, 64, 128], [0, 0, 142], [70, 130, 180]], np.uint8)
NAMES = "names: [road, car, sky]\n"
COLORS = NAMES + "colors: {road: [128, 64, 128], car: [0, 0, 142], sky: [70, 130, 180]}\n"


def labels(i):
    """Three stripes and a corner of the other classes."""
    found = np.repeat(np.arange(3, dtype=np.uint8), 8)[:, None].repeat(30, 1)
    found[i : i + 3, :5] = (i + 1) % 3
    return found


def write(root, yaml, mask, ending=".png"):
    """Write four images with masks made of the labels."""
    root.mkdir(exist_ok=True)
    (root / "data.yaml").write_text(yaml)
    rng = np.random.default_rng(0)
    for split, i in (("train", 0), ("train", 1), ("val", 2), ("val", 3)):
        for folder, content, end in (
            ("images", rng.integers(0, 255, (24, 30, 3), np.uint8), ".png"),
            ("masks", mask(labels(i), i), ending),
        ):
            (root / folder / split).mkdir(parents=True, exist_ok=True)
            picture = content if isinstance(content, Image.Image) else Image.fromarray(content)
            picture.save(root / folder / split / f"s{i}{end}", quality=90)
    return root


def indexed(numbers, palette):
    picture = Image.fromarray(numbers.astype(np.uint8), "P")
    picture.putpalette(np.asarray(palette, np.uint8).ravel().tolist())
    return picture


def shuffled(mask, i):
    order = np.roll(np.arange(3), i)
    return indexed(np.argsort(order)[mask], TABLE[order])


def repaired(root, out):
    """Repair; return what was told and the labels of the copy."""
    told = repair(diagnose("folder", root), out)
    parts = [datasets.create("folder", root=out, split=split) for split in ("train", "val")]
    return told, [part.read(i).labels for part in parts for i in range(len(part))]


def test_off_by_one(tmp_path):
    root = write(tmp_path / "set", COLORS, lambda mask, i: TABLE[mask] + np.uint8(1))
    (finding,) = diagnose("folder", root).findings
    assert finding.kind == "colored-masks"
    assert "(129, 65, 129)" in finding.what
    assert "near (128, 64, 128) of road" in finding.what
    told, found = repaired(root, tmp_path / "out")
    assert not told.names_to_fill_in
    assert told.became_void == 0
    assert all(np.array_equal(mask, labels(i)) for i, mask in enumerate(found))


def test_a_color_far_from_the_table_becomes_void_and_is_counted(tmp_path):
    def forgotten(mask, i):
        colors = TABLE[mask]
        colors[:2] = (255, 255, 0)
        return colors

    root = write(tmp_path / "set", COLORS, forgotten)
    assert "(255, 255, 0) 240 px" in str(diagnose("folder", root).findings[0])
    told, found = repaired(root, tmp_path / "out")
    assert told.became_void == 4 * 2 * 30
    assert all(np.array_equal(mask[2:], labels(i)[2:]) and (mask[:2] == 255).all() for i, mask in enumerate(found))


@pytest.mark.parametrize(("table", "yaml"), [(TABLE, COLORS), ([[0] * 3, [127] * 3, [255] * 3], "")])
def test_gray_and_indexed_colors_that_are_nearly_right(tmp_path, table, yaml):
    yaml = yaml or NAMES + "colors: {road: [0, 0, 0], car: [128, 128, 128], sky: [255, 255, 255]}\n"
    spread = np.zeros((31, 3), np.uint8)
    spread[[10, 20, 30]] = np.asarray(table) ^ 1
    for name, mask in (
        ("indexed", lambda mask, i: indexed(np.array([10, 20, 30])[mask], spread)),
        ("plain", lambda mask, i: spread[[10, 20, 30]][mask]),
    ):
        root = write(tmp_path / name, yaml, mask)
        assert [f.kind for f in diagnose("folder", root).findings] == ["colored-masks"]
        told, found = repaired(root, tmp_path / f"{name}-out")
        assert told.became_void == 0
        assert all(np.array_equal(mask, labels(i)) for i, mask in enumerate(found))


def test_jpeg_and_smooth_ones_take_the_nearest(tmp_path):
    root = write(tmp_path / "set", COLORS, lambda mask, i: TABLE[mask], ".jpg")
    told, found = repaired(root, tmp_path / "out")
    assert told.became_void == 0
    assert np.mean([mask == labels(i) for i, mask in enumerate(found)]) > 0.9


def test_void_colors_stay_void_and_are_not_counted(tmp_path):
    def with_void(mask, i):
        colors = TABLE[mask] + np.uint8(1)
        colors[:3] = 0
        return colors

    root = write(tmp_path / "set", COLORS + "void: [[0, 0, 0]]\n", with_void)
    told, found = repaired(root, tmp_path / "out")
    assert told.became_void == 0
    assert all((mask[:3] == 255).all() and np.array_equal(mask[3:], labels(i)[3:]) for i, mask in enumerate(found))


def test_ids_nobody_knows_become_void_and_are_counted(tmp_path):
    root = write(tmp_path / "set", NAMES, lambda mask, i: np.where(mask == 2, 99, mask))
    told, _ = repaired(root, tmp_path / "out")
    assert told.became_void == sum((labels(i) == 2).sum() for i in range(4))


def test_palettes_that_differ_are_repaired_by_their_colors(tmp_path):
    root = write(tmp_path / "set", NAMES, shuffled)
    (finding,) = diagnose("folder", root).findings
    assert finding.kind == "palettes-differ"
    assert "index 0 is" in finding.what
    told, found = repaired(root, tmp_path / "out")
    assert told.names_to_fill_in
    order = np.argsort(TABLE @ [65536, 256, 1])
    assert all(np.array_equal(order[mask], labels(i)) for i, mask in enumerate(found))


@pytest.mark.parametrize(
    "mask",
    [
        lambda mask, i: indexed(mask, TABLE),
        lambda mask, i: indexed(mask, TABLE) if i % 2 else mask,
        lambda mask, i: indexed(mask, [[0] * 3] * 3) if i % 2 else indexed(mask, TABLE),
        lambda mask, i: indexed(mask, [[j] * 3 for j in range(3)]) if i % 2 else indexed(mask, TABLE),
        lambda mask, i: indexed(np.where(mask == 2, 255, mask), np.vstack([TABLE, [[i, i, i]] * 253])),
    ],
)
def test_palettes_that_tell_nothing_are_no_trouble(tmp_path, mask):
    root = write(tmp_path / "set", NAMES, mask)
    assert not diagnose("folder", root).errors


def test_gray_levels_with_two_meanings(tmp_path):
    yaml = NAMES + "colors: {road: [1, 1, 1], car: [2, 2, 2], sky: [3, 3, 3]}\n"
    masks = [lambda m: m, lambda m: m + np.uint8(1), lambda m: np.maximum(m, 1), lambda m: m]
    root = write(tmp_path / "set", yaml, lambda mask, i: masks[i](mask))
    findings = diagnose("folder", root).findings
    assert [f.kind for f in findings] == ["two-meanings"]
    assert findings[0].where == (str(root / "masks/val/s2.png"),)


def test_colors_of_the_data_set_at_other_indices(toy_root, tmp_path):
    root = shutil.copytree(toy_root, tmp_path / "toy")
    palette = np.zeros((256, 3), np.uint8)
    palette[:19] = [c.color for c in LABEL_SPACE.classes]
    for path in (root / "gtFine").rglob("*_labelIds.png"):
        with Image.open(path) as stored:
            train_ids = LABEL_SPACE.encode(np.array(stored))
        indexed(np.where(train_ids == 255, 0, train_ids), palette).save(path)
    found = [f.kind for f in diagnose("cityscapes", root).errors]
    assert "misplaced-colors" in found
