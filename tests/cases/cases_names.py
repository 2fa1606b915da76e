"""Names that occur twice in a split, odd names, files that are no images, and splits without a labeled pixel."""

from pathlib import Path

import numpy as np
from PIL import Image
from street import SPLITS, Case, describe, put, scene, write_streets


def nested(root: Path) -> None:
    """Write val images whose paths, joined by "_", are equal: a/b_c and a_b/c."""
    describe(root)
    for split, i in SPLITS[:4]:
        put(root, split, f"s{i}", *scene(i))
    for i, name in enumerate(["a/b_c", "a_b/c", "x/s", "y/s"], start=4):
        put(root, "val", name, *scene(i))


def two_endings(root: Path) -> None:
    """Write a second image of a stem: nobody knows to which of them the mask belongs."""
    write_streets(root)
    Image.fromarray(scene(9)[0]).save(root / "images" / "val" / "s4.jpg")


def listed(val: list[int], train: list[int]) -> None:
    """Return what writes the streets with lists of these."""

    def make(root: Path) -> None:
        write_streets(root)
        for split, numbers in (("val", val), ("train", train)):
            lines = [f"images/{split}/s{i}.png masks/{split}/s{i}.png\n" for i in numbers]
            (root / f"{split}.txt").write_text("".join(lines))
        describe(root, "names: [road, car, sky]\ntrain: train.txt\nval: val.txt\n")

    return make


def odd_names(root: Path) -> None:
    """Write names with spaces, accents, brackets, points, signs."""
    describe(root)
    names = ["a b", "Straße_ü", "x[1]{2}", "50%#1", "26.09961_-80.11731_0.0", "-dash"]
    for (split, i), name in zip(SPLITS, names, strict=True):
        put(root, split, name, *scene(i))


def long_names(root: Path) -> None:
    """Write names of which no file with more letters can be made, and long ones that differ at their end only."""
    describe(root)
    for split, i in SPLITS:
        put(root, split, "x" * (240 if i % 2 else 249) + str(i), *scene(i))


def other_files(root: Path) -> None:
    """Write what macOS and Windows leave behind, and a folder that is called like an image."""
    write_streets(root)
    for folder in (root / kind / split for kind in ("images", "masks") for split in ("train", "val")):
        for name in (".DS_Store", "Thumbs.db", "._s0.png", "__MACOSX/._s0.png"):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"\0\5\x16\7")
    (root / "images" / "train" / "frames.png").mkdir()
    (root / "masks" / "train" / "frames.png").mkdir()


def other_order(root: Path) -> None:
    """Write the same classes in another order."""
    write_streets(root, "names: [sky, road, car]\n", lambda labels, i: np.array([1, 2, 0], np.uint8)[labels])


def void(numbers: range) -> None:
    """Return what writes the streets with void masks for these."""

    def make(root: Path) -> None:
        write_streets(root, mask=lambda labels, i: np.full_like(labels, 255) if i in numbers else labels)

    return make


CASES = [
    Case("stem_collide", nested, warnings=(), shared="stem_collide"),
    Case("two_endings", two_endings, ("unusable-split",), refused=r"s4\.png and s4\.jpg|s4\.jpg and s4\.png"),
    Case(
        "val_dup",
        listed([4, 5, 4], [0, 1, 2, 3]),
        ("repeated-names",),
        refused=r"is 2 times in the val split.*Leave it in once",
        shared="val_dup",
    ),
    Case("train_list_repeats", listed([4, 5], [0, 1, 2, 3, 0]), warnings=("repeated-images",)),
    Case("names_odd", odd_names, warnings=(), shared="names_odd"),
    Case("names_long", long_names, warnings=()),
    Case("other_files", other_files, warnings=(), shared="mac_files"),
    Case("dir_named_png", other_files, warnings=(), shared="dir_named_png"),
    Case("names_order", other_order, warnings=(), shared="names_order"),
    Case(
        "void_all_val", void(range(4, 6)), ("void-split",), None, "no pixel of.* val", "", None, shared="void_all_val"
    ),
]
