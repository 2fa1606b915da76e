"""What a data.yaml says, in the words of other programs and of other types, and lists in the forms of spreadsheets."""

from pathlib import Path

import numpy as np
from PIL import Image
from street import SPLITS, Case, describe, put, scene, write_streets

NAMES = "names: [road, car, sky]\n"


def with_keys(text: str, mask=lambda labels, i: labels):
    """Return what writes the streets with more in the data.yaml."""
    return lambda root: write_streets(root, NAMES + text, mask)


def from_one(labels: np.ndarray, i: int) -> np.ndarray:
    """Return ids that begin at 1, and a strip of 0."""
    stored = labels + 1
    stored[:, :4] = 0
    return stored


def with_strip(value: int):
    """Return a mask maker with a strip of another id."""

    def mask(labels: np.ndarray, i: int) -> np.ndarray:
        stored = labels.copy()
        stored[:, :4] = value
        return stored

    return mask


def high_ids(root: Path) -> None:
    """Write 32-bit masks with high ids, where a table of all ids would take 8 GiB."""
    describe(
        root, NAMES + "ids: {0: road, 70000: car, 2000000000: sky, 4294967295: void, -1: void, 9999999999: void}\n"
    )
    for split, i in SPLITS:
        image, labels = scene(i)
        stored = np.array([0, 70000, 2000000000], np.int32)[labels]
        stored[:, :4] = -1
        put(root, split, f"s{i}", image, Image.fromarray(stored), (".png", ".tif"))


def spreadsheet_list(root: Path) -> None:
    """Write a list as Excel does on Windows: UTF-16, a header, semicolons, backslashes."""
    write_streets(root, NAMES + "train: train.csv\n")
    lines = [f"images\\train\\s{i}.png;masks\\train\\s{i}.png" for i in range(4)]
    (root / "train.csv").write_bytes("\r\n".join(["image;mask", *lines]).encode("utf-16"))


def refusal(name: str, text: str, words: str, **options) -> Case:
    """Return a case whose YAML is refused."""
    return Case(name, with_keys(text), refused=words, **options)


CASES = [
    Case("reduce_zero_label", with_keys("reduce_zero_label: true\n", from_one), warnings=()),
    Case("ignore_index", with_keys("ignore_index: 7\n", with_strip(7)), warnings=()),
    Case("harmless_keys", with_keys("nc: 3\nlicense: CC0\nurl: x\nignore_label: 255\n"), warnings=()),
    refusal("ignored_class", "ignore_index: 0\n", 'ignore_index .*0.* void, but it is the class "road"'),
    refusal("nc_wrong", "nc: 7\n", "nc is 7, but there are 3 names"),
    refusal("unknown_key", "mask_dir: labels\n", 'unknown key "mask_dir".*Did you mean "masks_dir"'),
    refusal("unknown_key_far", "single_cls: true\n", 'unknown key "single_cls"'),
    refusal("wrong_types", "ids: [0, 1, 2]\n", "expected ids, a mapping of ids to classes, found a list"),
    Case("high_ids", high_ids),
    Case("spreadsheet_list", spreadsheet_list, warnings=()),
]
