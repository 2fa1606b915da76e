"""Training, prediction and the runner read the same pixels of every kind of image, or both say why not."""

import re
import struct
import tracemalloc
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from picture_kinds import BE, GRAY, HEIGHT, NEEDS, READ, RGB, WIDE, WIDTH, png, rows_of, tiff
from sceneseg import standalone
from sceneseg.datasets.base import image_size, read_ids, read_image
from sceneseg.datasets.folder import read_mask
from sceneseg.doctor.facts import look_at
from sceneseg.errors import DataError


def save(folder: Path, content: bytes, name: str = "picture") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def refusals(file: Path) -> list[str]:
    """Return the sentences with which both readers refuse a file."""
    with pytest.raises(DataError) as ours:
        read_image(file)
    with pytest.raises(standalone.RunnerError) as runners:
        standalone.read_picture(file)
    return [str(ours.value), str(runners.value)]


@pytest.mark.parametrize("kind", READ)
def test_both_readers_give_the_right_pixels(kind, tmp_path):
    needed = next((feature for begin, feature in NEEDS.items() if kind.startswith(begin)), None)
    if needed and not features.check(needed):
        pytest.skip(f"Pillow was built without {needed}")
    write, right, tolerance = READ[kind]
    file = save(tmp_path, write())
    right = right if right.ndim == 3 else np.repeat(right[..., None], 3, axis=2)
    ours = read_image(file)
    runners = standalone.read_picture(file)
    assert ours.shape == runners.shape == right.shape
    assert ours.dtype == runners.dtype == np.uint8
    assert np.abs(ours.astype(int) - right).max() <= tolerance
    # two builds of one JPEG decoder may round differently; all other decoders are exact or the same
    assert np.abs(ours.astype(int) - runners).max() <= (2 if kind.startswith("jpeg") else 0)


REFUSED = {
    "float": (lambda: tiff(GRAY / np.float32(255)), r"samples of a kind that isn't read \(F"),
    "32-bit": (lambda: tiff(GRAY.astype(np.uint32)), r"samples of a kind that isn't read \(I"),
    "signed": (lambda: tiff(WIDE[..., 0].astype(np.int16)), r"samples of a kind that isn't read \(I"),
    "16-bit planes": (lambda: tiff(WIDE, planar=True), "samples of a kind that isn't read"),
    "near infrared": (lambda: tiff(np.dstack([RGB, GRAY]), t338=(0,)), "has 4 bands; 1 or 3 are read"),
    "near infrared, 16 bits": (lambda: tiff(np.dstack([WIDE, WIDE[..., :1]]), t338=(0,)), "has 4 bands"),
    "unmarked fourth band": (lambda: tiff(np.dstack([RGB, GRAY])), "has 4 bands"),
    "alpha and a fifth band": (lambda: tiff(np.dstack([RGB, GRAY, GRAY]), t338=(2, 0)), "has 5 bands"),
    "seven bands": (lambda: tiff(np.dstack([RGB, RGB, GRAY]), t262=(1,), t338=(0,) * 6), "has 7 bands"),
    "two bands": (lambda: tiff(RGB[..., :2], t338=(0,)), "has 2 bands"),
    "12 bits in 16, PNG": (lambda: png(2, 16, rows_of((BE >> 4).astype(">u2"))), "12-bit samples, or is nearly black"),
    "12 bits in 16, TIFF": (lambda: tiff(WIDE >> 4), "12-bit samples, or is nearly black"),
    "12 bits in 16, gray PNG": (lambda: png(0, 16, rows_of((BE[..., 0] >> 4).astype(">u2"))), "12-bit samples"),
    "12 bits in 16, gray TIFF": (lambda: tiff(WIDE[..., 0] >> 4), "12-bit samples"),
    "12 bits in 16, white is 0": (lambda: tiff(WIDE[..., 0] >> 4, t262=(0,)), "12-bit samples"),
    "empty": (lambda: b"", "damaged or another format"),
    "text": (lambda: b"<html>404</html>", "damaged or another format"),
    "cut": (lambda: READ["png-RGB"][0]()[:60], "damaged or another format"),
    "cut TIFF": (lambda: tiff(RGB)[:-300], "damaged or another format"),
    "damaged AVIF": (lambda: READ["avif"][0]().replace(b"infe", b"infx"), "damaged or another format"),
    "cut TIFF directory": (lambda: tiff(RGB)[:60], "damaged or another format"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_both_readers_refuse_in_one_sentence(kind, tmp_path):
    write, words = REFUSED[kind]
    for sentence in refusals(save(tmp_path, write())):
        assert sentence.startswith(f"{tmp_path / 'picture'}: ")
        assert "\n" not in sentence
        assert re.search(words, sentence), sentence


def test_a_bright_spot_tells_16_bits_from_12(tmp_path):
    dark = np.full((HEIGHT, WIDTH), 4095, ">u2")
    assert "12-bit" in refusals(save(tmp_path, png(0, 16, rows_of(dark))))[0]
    dark[0, 0] = 4096
    file = save(tmp_path, png(0, 16, rows_of(dark)))
    assert read_image(file).max() == standalone.read_picture(file).max() == 16


def claim(width: int, height: int, kind: str) -> bytes:
    """Return a small image file whose header claims another size."""
    if kind == "tiff":
        return tiff(GRAY, t256=(width,), t257=(height,))
    whole = bytearray(READ[kind][0]())
    if kind == "png-L":
        whole[16:24] = struct.pack(">II", width, height)
        whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    else:
        at = whole.index(b"\xff\xc0") + 5
        whole[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(whole)


@pytest.mark.parametrize("kind", ["png-L", "tiff", "jpeg-L"])
@pytest.mark.parametrize("side", [60_000, 30_000])
def test_headers_that_claim_too_much_get_one_sentence_and_no_memory(kind, side, tmp_path):
    file = save(tmp_path, claim(side, side, kind), "huge.png")
    words = "To read it, raise SCENESEG_MAX_PIXELS" if side == 60_000 else "bytes can't hold; it is damaged"
    tracemalloc.start()
    sentences = refusals(file)
    for read in (read_ids, read_mask, image_size):
        with pytest.raises(DataError) as caught:
            read(file)
        sentences.append(str(caught.value))
    sentences.append(f"{file}: {look_at(file).problem}")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()
    for sentence in sentences:
        assert re.search(f"claims ({side} x {side}|more than 1073741824) pixels", sentence)
        assert words in sentence
        assert "\n" not in sentence


def test_a_picture_of_65_bytes_that_claims_40000_x_40000(tmp_path):
    whole = bytearray(png(0, 8, []))
    whole[16:24] = struct.pack(">II", 40_000, 40_000)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    assert len(whole) == 65
    for sentence in refusals(save(tmp_path, bytes(whole))):
        assert "claims 40000 x 40000 pixels" in sentence


def test_more_pixels_than_pillow_allows_are_read(tmp_path, monkeypatch):
    for kind in ("png-RGB", "tiff-RGB", "gif-L"):
        file = save(tmp_path, READ[kind][0]())
        for read in (read_image, standalone.read_picture, image_size, look_at, lambda file: read_mask(file).values):
            monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)  # it refuses twice as many, 864 are here
            found = read(file)
            assert getattr(found, "shape", getattr(found, "size", found))[:2] == (HEIGHT, WIDTH)


def test_the_limit_is_an_option(tmp_path, monkeypatch):
    file = save(tmp_path, READ["png-RGB"][0]())
    monkeypatch.setenv("SCENESEG_MAX_PIXELS", str(HEIGHT * WIDTH))
    assert read_image(file).shape == (HEIGHT, WIDTH, 3)
    monkeypatch.setenv("SCENESEG_MAX_PIXELS", str(HEIGHT * WIDTH - 1))
    for sentence in refusals(file):
        assert "claims 36 x 24 pixels (width x height); the limit is 863" in sentence
    for wrong in ("many", "-1", "1e9"):
        monkeypatch.setenv("SCENESEG_MAX_PIXELS", wrong)
        for sentence in refusals(file):
            assert f"SCENESEG_MAX_PIXELS={wrong} in the environment: expected a number" in sentence


def test_a_folder_called_like_a_picture(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(DataError, match=r"x\.png: can't be read"):
        read_image(tmp_path / "x.png")


def test_arrays_on_disk_are_checked(tmp_path):
    np.save(tmp_path / "float.npy", RGB / 255)
    assert np.array_equal(standalone.read_picture(tmp_path / "float.npy"), RGB)
    np.save(tmp_path / "gray.npy", GRAY)
    np.savez(tmp_path / "two.npz", RGB, RGB)
    (tmp_path / "two.npz").rename(tmp_path / "zip.npy")
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "cut.npy").write_bytes((tmp_path / "float.npy").read_bytes()[:500])
    for name in ("gray", "zip", "objects", "cut"):
        with pytest.raises(standalone.RunnerError, match=rf"{name}\.npy: (expected \(H, W, 3\)|can't be read)"):
            standalone.read_picture(tmp_path / f"{name}.npy")


@pytest.mark.parametrize("kind", ["png-16-rgb", "tiff-16-alpha", "tiff-LAB", "avif", "gif-P", "webp", "jp2-RGB", "ico"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged EXIF data and TIFF directories
def test_damaged_files_raise_nothing_foreign(kind, tmp_path):
    content = READ[kind][0]()
    rng = np.random.default_rng(0)
    for _ in range(30):
        damaged = np.frombuffer(content, np.uint8).copy()
        damaged[rng.integers(0, min(200, len(content)), 3)] = rng.integers(0, 256, 3)
        file = save(tmp_path, damaged.tobytes())
        look_at(file)
        for read in (read_image, read_ids, read_mask, image_size, standalone.read_picture):
            with suppress(DataError, standalone.RunnerError):
                read(file)
