"""What the doctor sees in headers and inside of files: depth, bands, damage, and turned masks."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets
from sceneseg.doctor import diagnose, quick_check
from sceneseg.doctor.facts import look_at
from sceneseg.doctor.jpeg import JpegChecker, problem_of
from sceneseg.errors import DataError


@pytest.fixture
def root(tmp_path):
    """Four images of noise with two classes."""
    rng = np.random.default_rng(0)
    (tmp_path / "data.yaml").write_text("names: [left, right]\n")
    for split, i in (("train", 0), ("train", 1), ("val", 2), ("val", 3)):
        labels = np.repeat(np.arange(2, dtype=np.uint8), 48)[None].repeat(64, 0)
        image = cv2.GaussianBlur(rng.integers(0, 256, (64, 96, 3)).astype(np.uint8), (5, 5), 0)
        for folder, pixels, ending in (("images", image, ".jpg"), ("masks", labels, ".png")):
            (tmp_path / folder / split).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / folder / split / f"s{i}{ending}")
    return tmp_path


def errors(root):
    return {f.kind: str(f) for f in diagnose("folder", root).errors}


def refused(root, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        quick_check(*(datasets.create("folder", root=root, split=split) for split in ("train", "val")))


def replaced(root, pixels):
    """Replace the first image by a TIFF file of these bands, and return it."""
    (root / "images/train/s0.jpg").unlink()
    file = root / "images/train/s0.tif"
    file.write_bytes(tiff(pixels))
    return file


def tiff(pixels: np.ndarray, extra: tuple[int, ...] = (), photometric: int = 1) -> bytes:
    """Return an uncompressed TIFF file of (H, W, bands)."""
    height, width, bands = pixels.shape
    kind = {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    longer: dict[int, tuple[int, ...]] = {258: (8 * pixels.itemsize,) * bands, 339: (kind,) * bands}
    single = {256: width, 257: height, 259: 1, 262: photometric, 277: bands, 278: height, 279: pixels.nbytes}
    longer |= {338: extra} if extra else {}
    tags = sorted({**{tag: (value,) for tag, value in single.items()}, **longer, 273: (0,)}.items())
    end = 8 + 2 + 12 * len(tags) + 4
    arrays = {tag: struct.pack(f"<{len(v)}H", *v) for tag, v in tags if tag in longer}
    first = end + sum(len(v) for v in arrays.values())
    entries, tail = b"", b""
    for tag, values in tags:
        if tag in longer:
            packed = arrays[tag]
            held = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", end + len(tail))
            entries += struct.pack("<HHI", tag, 3, len(values)) + held
            tail += packed
        else:
            entries += struct.pack("<HHII", tag, 4, 1, first if tag == 273 else values[0])
    head = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + struct.pack("<I", 0)
    return head + tail + pixels.tobytes()


@pytest.mark.parametrize(
    ("pixels", "words"),
    [
        (np.zeros((64, 96, 4), np.uint8), "TIFF file of 4 bands of 8-bit whole numbers"),
        (np.zeros((64, 96, 7), np.uint8), "TIFF file of 7 bands of 8-bit whole numbers"),
        (np.zeros((64, 96, 5), np.float32), "TIFF file of 5 bands of 32-bit floating point numbers"),
        (np.zeros((64, 96, 2), np.uint16), "TIFF file of 2 bands of 16-bit whole numbers"),
    ],
)
def test_bands_are_no_damage(root, pixels, words):
    file = replaced(root, pixels)
    found = errors(root)
    assert list(found) == ["unsupported"]
    assert words in found["unsupported"]
    assert "The files are sound" in found["unsupported"]
    assert str(file) in found["unsupported"]
    refused(root, words)


def test_a_cut_file_of_many_bands_is_damaged(root):
    file = replaced(root, np.zeros((64, 96, 7), np.uint8))
    file.write_bytes(file.read_bytes()[:-100])
    assert list(errors(root)) == ["unreadable"]


def test_alpha_is_no_band(root):
    file = replaced(root, np.full((64, 96, 4), 200, np.uint8))
    file.write_bytes(tiff(np.full((64, 96, 4), 200, np.uint8), (2,), 2))
    assert look_at(file).bands == 0


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_depth_is_seen_in_every_format(root, ending):
    file = root / f"images/train/deep{ending}"
    cv2.imwrite(str(file), np.full((4, 6, 3), 16 * 255, np.uint16))
    assert look_at(file).depth == 16
    Image.fromarray(np.zeros((4, 6, 3), np.uint8)).save(file)
    assert look_at(file).depth == 8


@pytest.mark.parametrize("progressive", [False, True])
def test_damage_inside_of_a_jpeg_is_found(root, progressive):
    rng = np.random.default_rng(1)
    image = cv2.GaussianBlur(rng.integers(0, 256, (96, 192, 3)).astype(np.uint8), (5, 5), 0)
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", progressive=progressive)
    whole, half = content.getvalue(), len(content.getvalue()) // 2
    file = root / "images/train/x.jpg"
    with JpegChecker() as jpeg:
        file.write_bytes(whole)
        assert jpeg.problem(file) is None
        file.write_bytes(whole[:half] + b"\xff\xd9")
        assert "damaged" in str(jpeg.problem(file))
        file.write_bytes(whole[:half] + rng.integers(0, 255, 300, np.uint8).tobytes() + whole[half + 300 :])
        assert "damaged" in str(jpeg.problem(file))
        assert jpeg.problem(root / "masks/train/s0.png") is None


def test_a_damaged_jpeg_is_named(root):
    file = root / "images/val/s2.jpg"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    found = errors(root)
    assert list(found) == ["unreadable"]
    assert str(file) in found["unreadable"]
    refused(root, r"unreadable.*s2\.jpg")


def test_harmless_warnings_of_libjpeg():
    filled, full = bytes(900) + b"\xff\xd9", bytes(range(200)) * 5 + b"\xff\xd9"
    assert problem_of("", full) is None
    assert problem_of("Corrupt JPEG data: 12 extraneous bytes before marker 0xd9", full) is None
    assert problem_of("Corrupt JPEG data: 500 extraneous bytes before marker 0xd9", filled) is None
    assert problem_of("Corrupt JPEG data: 50 extraneous bytes before marker 0xd9", full)
    assert problem_of("Corrupt JPEG data: bad Huffman code", filled)


@pytest.mark.parametrize("orientation", [3, 6])
@pytest.mark.parametrize("both", [True, False])
def test_a_mask_is_turned_as_its_own_note_says(root, orientation, both):
    tags = Image.Exif()
    tags[0x0112] = orientation
    for file in (root / "images").rglob("*.jpg"):
        with Image.open(file) as image, Image.open(root / "masks" / file.parent.name / f"{file.stem}.png") as mask:
            image.load()
            mask.load()
        image.save(file, exif=tags)
        mask.save(mask.filename, **({"exif": tags} if both else {}))
    diagnosis = diagnose("folder", root)
    if both:
        assert diagnosis.findings == []
        labels = datasets.create("folder", root=root).read(0).labels
        upright = np.rot90(np.repeat([[0, 1]], 48, axis=1).repeat(64, 0), -1 if orientation == 6 else 2)
        assert np.array_equal(labels, upright)
    else:
        assert [f.kind for f in diagnosis.findings] == ["turned-images"]
