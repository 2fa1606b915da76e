"""Linked files and folders: followed; loops end, and dead links are named."""

from pathlib import Path

from street import Case, put, scene, write_streets


def linked_folder(root: Path) -> None:
    """Write a second city for train, linked from elsewhere."""
    write_streets(root)
    for i in range(20, 24):
        put(root / "more", "city", f"m{i}", *scene(i))
    for kind in ("images", "masks"):
        (root / kind / "train" / "cityB").symlink_to(root / "more" / kind / "city")


def loops(root: Path) -> None:
    """Write links to their own folder and above, and two folders that link each other."""
    write_streets(root)
    for kind in ("images", "masks"):
        train = root / kind / "train"
        (train / "self").symlink_to(train)
        (train / "up").symlink_to("..")
        for name, other in (("a", "b"), ("b", "a")):
            (train / name).mkdir()
            (train / name / "other").symlink_to(train / other)


def dead_file(root: Path) -> None:
    """Write a link to an image that is gone."""
    write_streets(root)
    (root / "images" / "train" / "s99.png").symlink_to("/nowhere/x.png")


def dead_folder(root: Path) -> None:
    """Write a link to a folder that is gone."""
    write_streets(root)
    (root / "images" / "train" / "cityB").symlink_to("/nowhere/cityB")


CASES = [
    Case("symlinks", linked_folder, warnings=(), shared="symlinks"),
    Case("link_loops", loops, warnings=()),
    Case(
        "symlink_broken",
        dead_file,
        ("missing-images", "missing-masks"),
        refused=r"s99\.png: the image is missing",
        evaluated="",
        shared="symlink_broken",
    ),
    Case("dead_folder", dead_folder, ("unusable-split",), refused="cityB: the link leads to a folder", evaluated=""),
]
