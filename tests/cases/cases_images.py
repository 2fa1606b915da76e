"""Images of other kinds than 8-bit RGB: read right, or refused by name before anything is computed."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from street import SPLITS, Case, describe, put, scene, write_streets

from picture_kinds import interlaced, png, tiff


def write_with(root: Path, write, ending: str = ".png", only: int | None = None) -> None:
    """Write the streets, and images (all, or that of one scene) with what `write(image, number)` returns."""
    write_streets(root)
    for split, i in SPLITS:
        if only in {None, i}:
            (root / "images" / split / f"s{i}.png").unlink()
            (root / "images" / split / f"s{i}{ending}").write_bytes(write(scene(i)[0], i))


def write_kinds(root: Path) -> None:
    """Write each image as another kind of file."""
    describe(root)
    for split, i in SPLITS:
        image, labels = scene(i)
        alpha = np.dstack([image, np.full(labels.shape, 100, np.uint8)])
        put(root, split, f"s{i}", image, labels)
        kinds = {
            ".png": cv2.imencode(".png", image[..., ::-1].astype(np.uint16) * 257)[1].tobytes(),
            ".tif": tiff(alpha, t338=(2,)),
            ".tiff": tiff(image.astype(np.uint16) * 257),
            ".bmp": cv2.imencode(".bmp", image[..., ::-1])[1].tobytes(),
            ".webp": cv2.imencode(".webp", image[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes(),
            ".jpg": cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes(),
        }
        ending = list(kinds)[i]
        (root / "images" / split / f"s{i}.png").unlink()
        (root / "images" / split / f"s{i}{ending}").write_bytes(kinds[ending])


def write_turned(root: Path) -> None:
    """Write photographs that lie on their side, with masks drawn on the upright image."""
    describe(root)
    exif = Image.Exif()
    exif[0x0112] = 6
    for split, i in SPLITS:
        image, labels = scene(i)
        put(root, split, f"s{i}", np.ascontiguousarray(np.rot90(image)), labels, exif=exif)


def write_turned_alone(root: Path) -> None:
    """Write photographs that EXIF data turns, with masks drawn on the pixels as they are stored."""
    describe(root)
    exif = Image.Exif()
    exif[0x0112] = 6
    for split, i in SPLITS:
        image, labels = scene(i)
        put(root, split, f"s{i}", image, labels, exif=exif)


def write_interlaced(root: Path) -> None:
    """Write images and masks as interlaced PNG."""
    write_streets(root)
    for split, i in SPLITS:
        for folder, kind, pixels in zip(("images", "masks"), (2, 0), scene(i), strict=True):
            content = png(kind, 8, interlaced(pixels), interlace=1, size=pixels.shape[:2])
            (root / folder / split / f"s{i}.png").write_bytes(content)


def cut(image: np.ndarray, _: int) -> bytes:
    return cv2.imencode(".jpg", image)[1].tobytes()[:-800]


def lying(_: np.ndarray, __: int) -> bytes:
    """Return a PNG of a few bytes that claims 40000 x 40000 pixels."""
    whole = bytearray(png(0, 8, []))
    whole[16:24] = struct.pack(">II", 40_000, 40_000)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    return bytes(whole)


def twelve_bits(image: np.ndarray, _: int) -> bytes:
    return cv2.imencode(".png", image[..., ::-1].astype(np.uint16) * 16)[1].tobytes()


def infrared(image: np.ndarray, _: int) -> bytes:
    return tiff(np.dstack([image, 255 - image[..., :1]]), t338=(0,))


def seven_bands(image: np.ndarray, _: int) -> bytes:
    return tiff(np.dstack([image, image, image[..., :1]]), t262=(1,), t338=(0,) * 6)


UNREADABLE, UNSUPPORTED = ("unreadable",), ("unsupported",)


def write_rare_endings(root: Path) -> None:
    """Write some images with endings that few use, masks as PGM, and a folder that a notebook hides."""
    describe(root)
    for split, i in SPLITS:
        image, labels = scene(i)
        put(root, split, f"s{i}", image, labels, ([".jfif", ".jp2", ".gif", ".png", ".pgm", ".avif"][i], ".pgm"))
    put(root, "train", ".ipynb_checkpoints/s0-checkpoint", scene(0)[0], None)


def write_unread_ending(root: Path) -> None:
    """Write images of which one has an ending that isn't read."""
    write_streets(root)
    (root / "images" / "train" / "s1.png").rename(root / "images" / "train" / "s1.heic")


CASES = [
    Case("image-kinds", write_kinds),
    Case("image-interlaced", write_interlaced, warnings=(), shared="interlaced"),
    Case("image-turned", write_turned, warnings=("turned-images",), shared="exif_turned"),
    Case(
        "image-turned-alone",
        write_turned_alone,
        errors=("turned-images",),
        refused="turned by EXIF data, and the mask isn't",
        evaluated="must have one size",
        shared="exif_raw",
    ),
    Case(
        "image-cut",
        lambda root: write_with(root, cut, ".jpg", only=1),
        errors=UNREADABLE,
        refused="truncated",
        evaluated="",
        shared="truncated",
    ),
    Case(
        "image-12-bits",
        lambda root: write_with(root, twelve_bits),
        errors=UNSUPPORTED,
        refused="12-bit samples",
        shared="rgb16png",
    ),
    Case(
        "image-12-bits-once",
        lambda root: write_with(root, twelve_bits, only=1),
        errors=UNSUPPORTED,
        refused="12-bit samples",
        evaluated="",
    ),
    Case(
        "image-infrared",
        lambda root: write_with(root, infrared, ".tif"),
        errors=UNSUPPORTED,
        refused="4 bands",
        evaluated="4 bands; 1 or 3 are read",
    ),
    Case(
        "image-seven-bands",
        lambda root: write_with(root, seven_bands, ".tif"),
        errors=UNSUPPORTED,
        refused="7 bands",
        evaluated="7 bands; 1 or 3 are read",
    ),
    Case(
        "image-claims-too-much",
        lambda root: write_with(root, lying, only=4),
        errors=UNREADABLE,
        refused="claims 40000 x 40000 pixels",
    ),
    Case("image-rare-endings", write_rare_endings, warnings=(), score=0.6),
    Case(
        "image-unread-ending",
        write_unread_ending,
        errors=("unusable-split",),
        evaluated="",
        refused=r"s1\.heic: it has a mask, but images that end in \.heic aren't read",
    ),
]
