"""One broken data set of each kind, made from healthy toy scenes."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from sceneseg import datasets
from sceneseg.labels import LabelSpace

Break = Callable[[Path], None]
TRAIN, VAL = 4, 2


def healthy(toy: Path, root: Path) -> LabelSpace:
    """Write toy scenes as images beside masks of the seven categories; return their label space."""
    for split, count in (("train", TRAIN), ("val", VAL)):
        dataset = datasets.create("cityscapes", root=toy, split=split, label_space="categories")
        for i in range(count):
            scene = dataset.read(i)
            save(root / "images" / split / f"s{i}.png", scene.image)
            save(root / "masks" / split / f"s{i}.png", scene.labels)
    write_names(root, dataset.label_space.names)
    return dataset.label_space


def save(path: Path, pixels: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)


def load(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.array(picture)


def write_names(root: Path, names: list[str], more: str = "") -> None:
    (root / "data.yaml").write_text(f"names: [{', '.join(names)}]\n{more}")


def masks(root: Path) -> list[Path]:
    return sorted((root / "masks").rglob("*.png"))


def each_mask(change: Callable[[np.ndarray], np.ndarray]) -> Break:
    """Return what changes every mask."""

    def apply(root: Path) -> None:
        for path in masks(root):
            save(path, change(load(path)))

    return apply


def first_mask(change: Callable[[np.ndarray], np.ndarray]) -> Break:
    """Return what changes one mask."""

    def apply(root: Path) -> None:
        path = root / "masks/train/s0.png"
        save(path, change(load(path)))

    return apply


def first_image(change: Callable[[np.ndarray], np.ndarray], **options) -> Break:
    """Return what changes one image."""

    def apply(root: Path) -> None:
        path = root / "images/train/s0.png"
        save(path, change(load(path)), **options)

    return apply


def two_classes(root: Path) -> None:
    """Sky or not, as 0 and 255."""
    each_mask(lambda mask: np.where(mask == 4, 255, 0).astype(np.uint8))(root)
    write_names(root, ["other", "sky"])


def four_grey_steps(root: Path) -> None:
    """Four classes, as a viewer shows them best."""
    each_mask(lambda mask: (np.minimum(mask // 2, 3) * 85).astype(np.uint8))(root)
    write_names(root, ["a", "b", "c", "d"])


def truncated(file: str) -> Break:
    def apply(root: Path) -> None:
        content = (root / file).read_bytes()
        (root / file).write_bytes(content[: len(content) * 2 // 3])

    return apply


def truncated_jpeg(root: Path) -> None:
    path = root / "images/train/s0.png"
    save(path.with_suffix(".jpg"), load(path))
    path.unlink()
    truncated("images/train/s0.jpg")(root)


def jpeg_masks(root: Path) -> None:
    for path in masks(root):
        save(path.with_suffix(".jpg"), load(path), quality=95)
        path.unlink()


def swapped(root: Path) -> None:
    (root / "images").rename(root / "x")
    (root / "masks").rename(root / "images")
    (root / "x").rename(root / "masks")


def in_both_splits(root: Path) -> None:
    """The same pixels under another name and in another format."""
    save(root / "images/train/again.webp", load(root / "images/val/s0.png"), lossless=True)
    shutil.copy(root / "masks/val/s0.png", root / "masks/train/again.png")


def twice_in_train(root: Path) -> None:
    for kind in ("images", "masks"):
        shutil.copy(root / kind / "train/s0.png", root / kind / "train/again.png")


def only_in_val(root: Path) -> None:
    for path in masks(root / ".." / root.name):
        if "train" in path.parts:
            mask = load(path)
            save(path, np.where(mask == 5, 4, mask))
    mask = load(root / "masks/val/s0.png")
    mask[:4] = 5
    save(root / "masks/val/s0.png", mask)


def exif(orientation: int) -> Break:
    """Return what stores one image otherwise turned, with the note that turns it upright when it is read."""

    def apply(root: Path) -> None:
        path = root / "images/train/s0.png"
        stored = load(path)
        if orientation == 3:
            stored = np.ascontiguousarray(stored[::-1, ::-1])
        tags = Image.Exif()
        tags[0x0112] = orientation
        save(path.with_suffix(".jpg"), stored, quality=95, exif=tags)
        path.unlink()

    return apply


def label_ids(root: Path) -> None:
    """The 19 classes are named, and the masks hold the 34 ids of the download."""
    from sceneseg.datasets.cityscapes import LABEL_SPACE

    ids = np.array([c.label_ids[0] for c in LABEL_SPACE.classes], np.uint8)
    each_mask(lambda mask: ids[np.where(mask == 255, 0, mask * 2 + 1)])(root)
    write_names(root, LABEL_SPACE.names)


def colored(root: Path) -> None:
    palette = np.random.default_rng(0).integers(1, 255, (256, 3), np.uint8)
    each_mask(lambda mask: palette[mask])(root)


def resized_smoothly(mask: np.ndarray) -> np.ndarray:
    small = cv2.resize(mask, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_LINEAR)
    return cv2.resize(small, mask.shape[::-1], interpolation=cv2.INTER_CUBIC)


def on_white(image: np.ndarray) -> np.ndarray:
    return np.dstack([image, np.full(image.shape[:2], 200, np.uint8)])


def sixteen_bits(root: Path) -> None:
    image = load(root / "images/train/s0.png").astype(np.uint16) * 257
    cv2.imwrite(str(root / "images/train/s0.png"), image[..., ::-1])


def gray(image: np.ndarray) -> np.ndarray:
    return image.mean(2).astype(np.uint8)


ERRORS: dict[str, tuple[str, Break]] = {
    "a mask is missing": ("missing-masks", lambda root: (root / "masks/train/s1.png").unlink()),
    "an image is cut off": ("unreadable", truncated("images/train/s2.png")),
    "a JPEG image is cut off": ("unreadable", truncated_jpeg),
    "a mask is cut off": ("unreadable", truncated("masks/val/s0.png")),
    "a file is empty": ("unreadable", lambda root: (root / "images/train/s0.png").write_bytes(b"")),
    "a mask is smaller": ("unequal-sizes", first_mask(lambda mask: np.ascontiguousarray(mask[::2, ::2]))),
    "a mask has another shape": ("unequal-sizes", first_mask(lambda mask: np.ascontiguousarray(mask[:, 9:]))),
    "masks are colors": ("colored-masks", colored),
    "masks are 0/255": ("stretched-ids", two_classes),
    "masks are 0/85/170/255": ("stretched-ids", four_grey_steps),
    "ids start at 1": ("shifted-ids", each_mask(lambda mask: np.where(mask == 255, 0, mask + 1).astype(np.uint8))),
    "label ids for train ids": ("label-ids", label_ids),
    "an id nobody knows": ("unknown-ids", first_mask(lambda mask: np.where(mask == 0, 99, mask).astype(np.uint8))),
    "masks are JPEG": ("jpeg-masks", jpeg_masks),
    "masks were resized smoothly": ("smooth-masks", each_mask(resized_smoothly)),
    "image and mask are swapped": ("swapped", swapped),
    "one class only": ("single-class", each_mask(np.zeros_like)),
    "an image is in both splits": ("shared-images", in_both_splits),
    "EXIF turns an image by 90 degrees": ("turned-images", exif(6)),
}
WARNINGS: dict[str, tuple[str, Break]] = {
    "a mask without an image": ("orphan-masks", lambda root: (root / "images/train/s3.png").unlink()),
    "a class is empty": ("empty-classes", each_mask(lambda mask: np.where(mask == 5, 4, mask).astype(np.uint8))),
    "a class is in val only": ("only-in-val", only_in_val),
    "an image is there twice": ("repeated-images", twice_in_train),
    "a gray image": ("gray-images", first_image(gray)),
    "an image with alpha": ("alpha-images", first_image(on_white)),
    "an image of 16 bits": ("16-bit-images", sixteen_bits),
    "EXIF turns an image upside down": ("turned-images", exif(3)),
}
