"""Run an exported ONNX file: ``python -m sceneseg.run model.onnx photo.jpg``.

Needs onnxruntime and numpy alone, so that it can be copied to a device; Pillow for images but ``.ppm`` and ``.npy``.
"""

import argparse
import io
import json
import os
import re
import struct
import sys
import tokenize
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

KEY, FORMAT = "sceneseg", 1  # under which an exported file keeps its description, JSON, and that one's format
VOID, ROWS_AT_ONCE = 255, 64
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
KINDS = ("labels", "label_ids", "probabilities", "coarse")  # of output
MODES = dict.fromkeys(("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"), 8)
MODES |= dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), 16)  # Pillow's pixels -> bits; no others are read
COLORS = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3, 8: 3}  # TIFF's photometric interpretation -> samples but alpha and bands
MAX_PIXELS = "SCENESEG_MAX_PIXELS"  # the environment variable that says how large images may be
PIXELS_PER_BYTE = {"PNG": 8 * 1032, "TIFF": 8 * 1032, "JPEG": 4096, "MPO": 4096}  # at most, in an image with content
BROKEN_DATA = (EOFError, struct.error, zlib.error, MemoryError)  # what decoders raise; the last where a length lies
DAMAGE = (*BROKEN_DATA, OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, RuntimeError)
OPENING = Lock()

Picture = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]


class RunnerError(Exception):
    """A model or image that can't be used; its message is meant for the user."""


class Runner:
    """Exported ONNX model, ready to predict with so many threads (None: ONNX Runtime's choice)."""

    def __init__(self, file: str | Path, threads: int | None = None) -> None:
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # else it looks up its maker's host after some seconds
        try:
            import onnxruntime
        except ImportError:
            raise RunnerError("ONNX Runtime isn't installed. Install it with: pip install onnxruntime") from None
        if not Path(file).is_file():
            raise RunnerError(f"{file}: there is no such file.")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors
        options.intra_op_num_threads = threads or 0  # its own choice
        self.file, known = file, onnxruntime.get_available_providers()
        try:
            self.session = onnxruntime.InferenceSession(file, options, providers=[p for p in PROVIDERS if p in known])
        except Exception as error:  # ONNX Runtime's own, of several kinds
            raise RunnerError(f"{file}: ONNX Runtime can't load it ({str(error).splitlines()[0]}).") from None
        self.description = describe(self.session.get_modelmeta().custom_metadata_map.get(KEY), file)

    def __call__(self, image: Any) -> npt.NDArray[Any]:
        """Return the file's own output for an image (see `as_picture`): labels (H, W) uint8, or another."""
        image = as_picture(image)
        check_size(image, self.description)
        return self.run(image[None])[0]

    def run(self, images: Picture) -> npt.NDArray[Any]:
        """Return the file's own output for images (B, H, W, 3) uint8 RGB of the size that it takes."""
        try:
            return self.session.run(None, {"image": images})[0]
        except Exception as error:  # as above
            raise RunnerError(f"{self.file}: ONNX Runtime can't run it ({str(error).splitlines()[0]}).") from None

    def labels(self, image: Any) -> Labels:
        """Return the train ids (H, W) of an image, whichever output the file has; 255 where there is none."""
        image = as_picture(image)
        return labels_of(self(image), self.description, (image.shape[0], image.shape[1]))


def describe(text: str | None, file: object) -> dict[str, Any]:
    """Read the description of an exported file: names, colors, label_ids, input, output, trained_model, gate, ..."""
    if not text:
        raise RunnerError(f"{file}: doesn't say what its classes are. Give a file that `sceneseg export` wrote.")
    try:
        description: dict[str, Any] = json.loads(text)
        if description["format"] == FORMAT:
            _check(description)
            return description
        version = description.get("sceneseg_version")
    except DAMAGE:
        raise RunnerError(f"{file}: its description is damaged. Export it again.") from None
    raise RunnerError(f"{file}: written by another sceneseg ({version}). Export it again, or run it with that version.")


def _check(description: dict[str, Any]) -> None:
    """Raise one of `DAMAGE` where a description isn't as `sceneseg export` writes it."""
    facts, output, names = description["input"], description["output"], description["names"]
    ids, colors, kind = description["label_ids"], description["colors"], output["kind"]
    small = [*output["train_ids"], *(value for color in colors for value in color), *(ids if kind == KINDS[1] else [])]
    sizes = [size for size in (facts["image_size"], facts["target_size"]) if size is not None]
    sides = [facts["size_divisor"], *(side for size in sizes for side in size)]
    words, numbers = [*names, description["precision"]], [*small, *sides, *ids, description["void_label_id"]]
    fits = [len(ids) == len(colors) == len(names) > 0, {3} == {*map(len, colors)}, {2} >= {*map(len, sizes)}]
    fits += [{int} == {*map(type, numbers)}, {str} == {*map(type, words)}, type(output["align_corners"]) is bool]
    if not all(fits) or not 0 <= min(small) <= max(small) < 256 or not 0 < min(sides) <= max(sides) < 2**16:
        raise ValueError(kind)
    if kind not in KINDS or facts["enlarge"] not in ("logits", "labels") or not "".join(words).encode():
        raise ValueError(kind)


def check_size(image: Picture, description: dict[str, Any]) -> None:
    """Refuse an image (H, W, 3) of another size than the file was exported for."""
    size, (height, width) = description["input"]["image_size"], image.shape[:2]
    if size is not None and size != [height, width]:
        found = f"{size[0]} x {size[1]} pixels, this one has {height} x {width}"
        raise RunnerError(f"The file takes images of {found}. Resize it, or export without --size.")


def labels_of(answer: npt.NDArray[Any], description: dict[str, Any], size: tuple[int, int]) -> Labels:
    """Return train ids (H, W) for any kind of output, without the batch's dimension, for an image of `size`."""
    kind = description["output"]["kind"]
    numbers, whole = np.array(description["output"].get("train_ids", ()), np.uint8), kind in KINDS[:2]
    expected = size if whole else (len(numbers), *(size if kind == "probabilities" else (*answer.shape, 0, 0)[1:3]))
    if not answer.size or answer.shape != expected or (answer.dtype == np.uint8) != whole:
        raise RunnerError(f"The file's output, {answer.shape} {answer.dtype}, isn't its {kind}. Export it again.")
    if kind == "labels":
        return answer
    if kind == "label_ids":
        train_ids = np.full(256, VOID, np.uint8)
        train_ids[description["label_ids"]] = np.arange(len(description["label_ids"]))
        return train_ids[answer]
    best = answer.argmax(0) if kind == "probabilities" else _upsample_argmax(answer, description, size)
    return numbers[best]


def to_label_ids(labels: Labels, description: dict[str, Any]) -> npt.NDArray[Any]:
    """Turn train ids into the ids that the data set stores, uint8, or uint16 where these go beyond 255."""
    ids = [*description["label_ids"], description["void_label_id"]]
    if not 0 <= min(ids) <= max(ids) < 2**16:
        raise RunnerError(f"Label ids from {min(ids)} to {max(ids)} don't fit into a PNG, which holds 0 to 65535.")
    table = np.full(256, ids[-1], np.uint8 if max(ids) < 256 else np.uint16)
    table[: len(ids) - 1] = ids[:-1]
    return np.asarray(table[labels])


def palette(description: dict[str, Any]) -> Picture:
    """Return the color of every train id, (256, 3); void is black."""
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(description["colors"])] = description["colors"]
    return colors


def overlay(image: Picture, labels: Labels, description: dict[str, Any], opacity: float = 0.55) -> Picture:
    """Lay the class colors over an image; void shows the image."""
    mixed = (1 - opacity) * image + opacity * palette(description)[labels]
    return np.where((labels == VOID)[..., None], image, mixed.round()).astype(np.uint8)


def largest(labels: Labels, description: dict[str, Any], most: int = 5) -> list[str]:
    """Return the classes that cover most of an image, each with its part of it."""
    counts = np.bincount(labels.ravel(), minlength=256)[: len(description["names"])]
    shown = [i for i in (-counts).argsort()[:most] if counts[i]]
    return [f"{description['names'][i]} {counts[i] / labels.size:.0%}" for i in shown]


def _upsample_argmax(coarse: npt.NDArray[Any], description: dict[str, Any], size: tuple[int, int]) -> npt.NDArray[Any]:
    """Enlarge coarse logits (C, h, w) bilinearly, a band of rows at a time, and take the maximum."""
    facts = description["input"]
    seen, divisor = facts["target_size"] or size, facts["size_divisor"]
    taps = []
    for axis in (0, 1):
        padded = -(-seen[axis] // divisor) * divisor
        pixels, extent = np.arange(size[axis]), padded * size[axis] / seen[axis]
        if facts["enlarge"] == "labels":
            pixels, extent = np.floor((pixels + 0.5) * seen[axis] / size[axis]), padded
        taps.append(_taps(pixels, coarse.shape[1 + axis], extent, description))
    (above, below, down), (left, right, along) = taps
    bands = []
    for first in range(0, size[0], ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        share = down[part, None]
        rows = coarse[:, above[part]] * (1 - share) + coarse[:, below[part]] * share
        bands.append((rows[:, :, left] * (1 - along) + rows[:, :, right] * along).argmax(0))
    return np.concatenate(bands)


def _taps(pixels: npt.NDArray[Any], cells: int, extent: float, description: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return the two cells that each pixel lies between, and the second one's share."""
    if description["output"]["align_corners"]:
        position = pixels * (cells - 1) / max(extent - 1, 1)
    else:
        position = np.maximum((pixels + 0.5) * cells / extent - 0.5, 0)
    low = np.minimum(position.astype(np.intp), cells - 1)
    share = np.clip(position - low, 0, 1).astype(np.float32)
    return low, np.minimum(low + 1, cells - 1), share


def unique(names: Sequence[str]) -> list[str]:
    """Number names that occur twice, so that no result overwrites another: a, b, a becomes a, b, a-2."""
    given, taken = set(names), dict[str, None]()
    for name in names:
        numbered, number = name, 1
        while numbered in taken or (number > 1 and numbered in given):
            number += 1
            numbered = f"{name}-{number}"
        taken[numbered] = None
    return list(taken)


def as_picture(image: Any, where: str = "") -> Picture:
    """Return an array (H, W, 3) of uint8 or of floats from 0 to 1, or a Pillow image, as uint8 RGB; refuse others."""
    pillow = sys.modules.get("PIL.Image")
    if pillow and isinstance(image, pillow.Image):
        image = rgb_of(image, "The image")
    found = type(image).__name__
    if isinstance(image, np.ndarray):
        found = f"{image.shape} {image.dtype}"
        if image.size and image.ndim == 3 and image.shape[2] == 3:
            if image.dtype.kind == "f":
                found += f" from {image.min():g} to {image.max():g}"
                if image.min() >= 0 and image.max() <= 1:
                    image = (image * np.float32(255)).round().astype(np.uint8)
            if image.dtype == np.uint8:
                return np.ascontiguousarray(image)
    raise RunnerError(f"{where}expected (H, W, 3) uint8, or floats from 0 to 1, or a Pillow image; found {found}.")


def read_picture(file: Path) -> Picture:
    """Read an image as (H, W, 3) uint8 RGB, or raise RunnerError with the reason why not."""
    if not file.is_file():
        found = "expected an image, found a folder" if file.is_dir() else "there is no such file"
        raise RunnerError(f"{file}: {found}.")
    try:
        if file.suffix == ".npy":
            return as_picture(np.array(np.lib.format.open_memmap(file, mode="r")), f"{file}: ")
        data = file.read_bytes()
        if plain := re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data):  # which needs no Pillow
            shape = int(plain[2]), int(plain[1]), 3
            pixels = np.frombuffer(data, np.uint8, shape[0] * shape[1] * 3, plain.end())
            return as_picture(pixels.reshape(shape), f"{file}: ")
        with open_picture(io.BytesIO(data), file) as picture:
            return upright_rgb(picture, file)
    except (*DAMAGE, tokenize.TokenError):
        raise RunnerError(f"{file}: can't be read as an image; it is damaged or another format.") from None


@contextmanager
def open_picture(file: Any, name: object) -> Iterator[Any]:
    """Open a binary file with Pillow, of up to `MAX_PIXELS` pixels; a damaged one raises `DAMAGE`."""
    try:
        from PIL import Image, TiffImagePlugin
    except ImportError:
        raise RunnerError(f"{name}: reading it needs Pillow (pip install pillow); .ppm and .npy don't.") from None
    size, start, most = file.seek(0, os.SEEK_END), file.seek(0), max_pixels()
    Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS and max(Image.MAX_IMAGE_PIXELS, most)  # None is no limit
    try:
        with OPENING, warnings.catch_warnings(action="ignore"):  # which holds for all threads
            _check_bands(TiffImagePlugin, file, name)
            file.seek(start)
            picture = Image.open(file)
            _ = picture.format == "TIFF" and picture.getexif()  # which Pillow keeps, and warns of damage in it
        check_pixels(*picture.size, size, picture.format, name)
        yield picture
    except Image.DecompressionBombError:
        raise RunnerError(f"{name}: claims more than {most} pixels. To read it, raise {MAX_PIXELS}.") from None


def _check_bands(plugin: Any, file: Any, name: object) -> None:
    """Refuse a TIFF with bands beyond one color and its alpha, and let Pillow's plugin open three that aren't RGB."""
    head = file.read(16)
    if head[:4] not in {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}:
        return
    tags = plugin.ImageFileDirectory_v2(head if b"+" in head[:4] else head[:8])
    file.seek(tags.next)
    tags.load(file)
    bands, color, extra = tags.get(277, 1), tags.get(262, 0), tags.get(338, ())
    if (bands, color) == (3, 1):  # as GDAL writes them with 16 bits
        raw = {(8,) * 3: "RGB", (16,) * 3: "RGB;16L" if head[:1] == b"I" else "RGB;16B"}.get(tags.get(258), "")
        plugin.OPEN_INFO[head[:2], 1, (1,), 1, tags.get(258), (0, 0)] = ("RGB", raw)
    elif bands > COLORS.get(color, bands) + (len(extra) == 1 and extra[0] in {1, 2}):
        raise RunnerError(f"{name}: has {bands} bands; 1 or 3 are read (and alpha, where the file calls it so).")


def max_pixels() -> int:
    """Return how large images may be, 2^30 pixels unless the environment sets it."""
    most = os.environ.get(MAX_PIXELS) or str(2**30)
    if not most.isdecimal():
        raise RunnerError(f"{MAX_PIXELS}={most} in the environment: expected a number of pixels.")
    return int(most)


def check_pixels(width: int, height: int, size: int, kind: Any, name: object) -> None:
    """Refuse a header that claims more pixels than are read, or than a file of `size` bytes can hold."""
    claim = f"{name}: claims {width} x {height} pixels (width x height)"
    if width * height > max_pixels():
        raise RunnerError(f"{claim}; the limit is {max_pixels()}. To read it, raise {MAX_PIXELS} in the environment.")
    if width * height > max(2**24, size * PIXELS_PER_BYTE.get(kind, 100_000)):
        raise RunnerError(f"{claim}, which its {size} bytes can't hold; it is damaged.")


def rgb_of(picture: Any, name: object) -> Picture:
    """Return the pixels of Pillow's image as (H, W, 3) uint8 RGB, as they lie and without alpha."""
    bits, tags = bits_of(picture, name), getattr(picture, "tag_v2", {})
    if not picture.mode.startswith("I"):
        kind = "RGBA" if "transparency" in picture.info else "RGB"  # from which Pillow would warn to convert to RGB
        return check_range(np.asarray(picture.convert(kind))[..., :3], bits, name)
    gray = (np.asarray(picture) >> (max(tags.get(258, (16,))) - 8)).astype(np.uint8)
    check_range(gray, bits, name)
    return np.repeat((255 - gray if tags.get(262) == 0 else gray)[..., None], 3, axis=2)  # in TIFF, 0 may be white


def bits_of(picture: Any, name: object) -> int:
    """Return the bits of a sample, 8 or 16, of Pillow's image before it is loaded; refuse what isn't read."""
    tags, mode, tiles = getattr(picture, "tag_v2", {}), picture.mode, getattr(picture, "tile", None)
    raw = str(tiles[0][3]) if tiles else ""
    bits = MODES.get(mode, 16 if mode == "I" and picture.format in {"PNG", "PPM"} else 0)
    if not bits or (bits == 8 and max(tags.get(258, (8,))) > 8 and ";16" not in raw):
        raise RunnerError(f"{name}: has samples of a kind that isn't read ({mode} {raw}). Store it with 8 or 16 bits.")
    return 16 if ";16" in raw else bits


def check_range(pixels: Picture, bits: int, name: object) -> Picture:
    """Refuse an image of 16-bit samples, brought to 8, that uses 12 bits at most: it would be read as black."""
    if bits == 16 and pixels.max(initial=0) < 16:
        reason = "no 16-bit sample is above 4095: it has 12-bit samples, or is nearly black"
        raise RunnerError(f"{name}: {reason}. Multiply 12-bit samples by 16, or store 8 bits.")
    return pixels


def upright_rgb(picture: Any, name: object) -> Picture:
    """Return the pixels of a file that Pillow opened as (H, W, 3) uint8 RGB, turned by its EXIF data."""
    from PIL import Image

    pixels, turn, exif = rgb_of(picture, name), getattr(picture, "tag_v2", {}).get(274, 1), Image.Exif()
    with suppress(*DAMAGE):
        exif.load(picture.info.get("exif", b""))
        turn = exif.get(274, turn)
    pixels = pixels.swapaxes(0, 1) if turn in {5, 6, 7, 8} else pixels
    pixels = pixels[:, ::-1] if turn in {2, 3, 6, 7} else pixels
    return np.ascontiguousarray(pixels[::-1] if turn in {3, 4, 7, 8} else pixels)


def write_png(file: Path, picture: npt.NDArray[Any], colors: Picture | None = None) -> None:
    """Write (H, W) or (H, W, 3) uint8, or uint16, as PNG; with colors (256, 3) as indices into them."""
    (height, width), depth = picture.shape[:2], 8 * picture.itemsize
    kind = 2 if picture.ndim == 3 else 0 if colors is None else 3  # PNG's numbers for RGB, gray and palette
    rows = picture.astype(picture.dtype.newbyteorder(">")).reshape(height, -1).view(np.uint8)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()  # 0: rows as they are
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))]
    if colors is not None:
        parts.append((b"PLTE", colors.tobytes()))
    parts += [(b"IDAT", zlib.compress(raw, 6)), (b"IEND", b"")]
    framed = (struct.pack(">I", len(b)) + t + b + struct.pack(">I", zlib.crc32(t + b)) for t, b in parts)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name[:40]}.tmp")  # so that half a file never has the name
    temporary.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))
    temporary.replace(file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict images and write label ids, colors and overlays; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sceneseg.run", description="Predict with an exported ONNX file.")
    parser.add_argument("model", type=Path, help="what `sceneseg export --to onnx` wrote")
    parser.add_argument("pictures", type=Path, nargs="+", help="JPEG, PNG, ... (with Pillow), .ppm or .npy")
    parser.add_argument("-r", "--results", type=Path, default=Path("results"), help="folder for the results")
    parser.add_argument("--threads", type=int, choices=range(1025), metavar="N", help="of the processor; 0: all cores")
    given, failed = parser.parse_args(arguments), 0
    try:
        model = Runner(given.model, given.threads)
        for name, file in zip(unique([file.stem for file in given.pictures]), given.pictures, strict=True):
            try:
                _predict(model, file, given.results / name)
            except (RunnerError, MemoryError) as error:  # which doesn't end the call
                failed += 1
                print(f"Error: {str(error) or f'{file}: the memory is not enough for it.'}", file=sys.stderr)
    except (RunnerError, OSError, KeyboardInterrupt) as error:
        refused = f"{given.results}: can't be written ({getattr(error, 'strerror', '')}). Choose another with -r."
        print(f"Error: {refused if isinstance(error, OSError) else str(error) or 'stopped'}", file=sys.stderr)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    print(f"{len(given.pictures) - failed} predicted; label ids, colors and overlays are in {given.results}")
    return min(failed, 1)


def _predict(model: Runner, file: Path, target: Path) -> None:
    image = read_picture(file)
    labels, facts = model.labels(image), model.description
    write_png(target.with_name(f"{target.name}_labelIds.png"), to_label_ids(labels, facts))
    write_png(target.with_name(f"{target.name}_color.png"), labels, palette(facts))
    write_png(target.with_name(f"{target.name}_overlay.png"), overlay(image, labels, facts))
    print(f"{file}: {', '.join(largest(labels, facts))}")


if __name__ == "__main__":
    sys.exit(main())
