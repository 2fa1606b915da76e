"""Run an exported ONNX file: ``python -m sceneseg.run model.onnx photo.jpg``.

Needs onnxruntime and numpy alone, and no other module of sceneseg, so that this file can be copied to a device. JPEG,
PNG and other pictures are read with Pillow, if it is there; ``.ppm`` and ``.npy`` without.
"""

import argparse
import json
import os
import struct
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

KEY = "sceneseg"
"""Under which an exported file keeps its description, JSON."""
FORMAT = 1
"""Of the description."""
VOID = 255
ROWS_AT_ONCE = 64

Picture = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]


class RunnerError(Exception):
    """A model or picture that can't be used; its message is meant for the user."""


class Runner:
    """An exported file, ready to predict.

    Args:
        file: What `sceneseg export --to onnx` wrote.
        threads: Of the processor; ONNX Runtime's choice when None.

    Raises:
        RunnerError: ONNX Runtime isn't installed, or the file isn't what it should be.
    """

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
        if threads is not None:
            options.intra_op_num_threads = threads
        try:
            self.session = onnxruntime.InferenceSession(file, options, providers=_providers(onnxruntime))
        except Exception as error:  # ONNX Runtime's own, of several kinds
            raise RunnerError(f"{file}: ONNX Runtime can't load it ({str(error).splitlines()[0]}).") from None
        self.description = describe(self.session.get_modelmeta().custom_metadata_map.get(KEY), file)

    def __call__(self, image: Picture) -> npt.NDArray[Any]:
        """Return the file's own output for a picture (H, W, 3) uint8 RGB: labels (H, W) uint8, or another."""
        check_size(image, self.description)
        output: npt.NDArray[Any] = self.session.run(None, {"image": image[None]})[0][0]
        return output

    def labels(self, image: Picture) -> Labels:
        """Return the train ids (H, W) of a picture, whichever output the file has; 255 where there is none."""
        return labels_of(self(image), self.description, (image.shape[0], image.shape[1]))


def describe(text: str | None, file: object) -> dict[str, Any]:
    """Read what an exported file says of itself: names, colors, label_ids, input, output, trained_model, gate, ...

    Raises:
        RunnerError: It says nothing, or in a form that is newer than this file.
    """
    if not text:
        raise RunnerError(f"{file}: doesn't say what its classes are. Give a file that `sceneseg export` wrote.")
    description: dict[str, Any] = json.loads(text)
    if description.get("format") != FORMAT:
        raise RunnerError(
            f"{file}: written by another sceneseg ({description.get('sceneseg_version')}), in a form that this one "
            f"can't read. Export it again, or use the runner of that version."
        )
    return description


def check_size(image: Picture, description: dict[str, Any]) -> None:
    """Refuse a picture (H, W, 3) of another size than the file was exported for.

    Raises:
        RunnerError: The sizes differ.
    """
    wanted, found = description["input"]["image_size"], list(image.shape[:2])
    if wanted is not None and found != wanted:
        raise RunnerError(
            f"The file takes pictures of {wanted[0]} x {wanted[1]} pixels, this one has {found[0]} x {found[1]}. "
            f"Resize it, or export without --size."
        )


def labels_of(answer: npt.NDArray[Any], description: dict[str, Any], size: tuple[int, int]) -> Labels:
    """Return train ids (H, W) for any kind of output of one picture.

    Args:
        answer: The output without the batch's dimension.
        description: Of the file.
        size: (H, W) of the picture.
    """
    kind = description["output"]["kind"]
    if kind == "labels":
        return answer.astype(np.uint8, copy=False)
    if kind == "label_ids":
        train_ids = np.full(256, VOID, np.uint8)
        for i, label_id in enumerate(description["label_ids"]):
            train_ids[label_id] = i
        labels: Labels = train_ids[answer]
        return labels
    numbers = np.array(description["output"]["train_ids"], np.uint8)
    best = answer.argmax(0) if kind == "probabilities" else _upsample_argmax(answer, description, size)
    chosen: Labels = numbers[best]
    return chosen


def to_label_ids(labels: Labels, description: dict[str, Any]) -> Labels:
    """Turn train ids into the ids that the data set stores."""
    table = np.full(256, description["void_label_id"], np.uint8)
    table[: len(description["label_ids"])] = description["label_ids"]
    label_ids: Labels = table[labels]
    return label_ids


def palette(description: dict[str, Any]) -> Picture:
    """Return the colour of every train id, (256, 3); void is black."""
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(description["colors"])] = description["colors"]
    return colors


def overlay(image: Picture, labels: Labels, description: dict[str, Any], opacity: float = 0.55) -> Picture:
    """Lay the class colours over a picture; void shows the picture."""
    mixed = (1 - opacity) * image + opacity * palette(description)[labels]
    picture: Picture = np.where((labels == VOID)[..., None], image, mixed.round()).astype(np.uint8)
    return picture


def largest(labels: Labels, description: dict[str, Any], most: int = 5) -> list[str]:
    """Return the classes that cover most of a picture, each with its part of it."""
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
        if facts["enlarge"] == "labels":
            nearest = np.floor((np.arange(size[axis]) + 0.5) * seen[axis] / size[axis])
            taps.append(_taps(nearest, coarse.shape[1 + axis], padded, description))
        else:
            covered = padded * size[axis] / seen[axis]
            taps.append(_taps(np.arange(size[axis]), coarse.shape[1 + axis], covered, description))
    (above, below, down), (left, right, along) = taps
    bands = []
    for first in range(0, size[0], ROWS_AT_ONCE):
        part = slice(first, first + ROWS_AT_ONCE)
        share = down[part, None]
        rows = coarse[:, above[part]] * (1 - share) + coarse[:, below[part]] * share
        bands.append((rows[:, :, left] * (1 - along) + rows[:, :, right] * along).argmax(0))
    return np.concatenate(bands)


def _taps(pixels: npt.NDArray[Any], cells: int, covered: float, description: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return the two cells that each pixel lies between, and the second one's share."""
    if description["output"]["align_corners"]:
        position = pixels * (cells - 1) / max(covered - 1, 1)
    else:
        position = np.maximum((pixels + 0.5) * cells / covered - 0.5, 0)
    low = np.minimum(position.astype(np.intp), cells - 1)
    share = np.clip(position - low, 0, 1).astype(np.float32)
    return low, np.minimum(low + 1, cells - 1), share


def unique(names: Sequence[str]) -> list[str]:
    """Number names that occur twice, so that no result overwrites another: a, b, a becomes a, b, a-2."""
    given, taken, found = set(names), set[str](), list[str]()
    for name in names:
        numbered, number = name, 1
        while numbered in taken or (number > 1 and numbered in given):
            number += 1
            numbered = f"{name}-{number}"
        taken.add(numbered)
        found.append(numbered)
    return found


def read_picture(file: Path) -> Picture:
    """Read a picture as (H, W, 3) uint8 RGB.

    Raises:
        RunnerError: It is missing, damaged, or needs Pillow, which isn't there.
    """
    if not file.is_file():
        raise RunnerError(f"{file}: there is no such file.")
    try:
        if file.suffix == ".npy":
            picture: Picture = np.load(file)
        elif file.suffix == ".ppm":
            picture = _read_ppm(file.read_bytes())
        else:
            picture = _read_with_pillow(file)
    except (OSError, ValueError) as error:
        raise RunnerError(f"{file}: can't be read as a picture ({error}).") from None
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise RunnerError(f"{file}: expected (H, W, 3) uint8, found {picture.shape} {picture.dtype}.")
    return np.ascontiguousarray(picture)


def _read_with_pillow(file: Path) -> Picture:
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise RunnerError(
            f"{file}: reading it needs Pillow (pip install pillow). Without it .ppm and .npy can be read."
        ) from None
    with Image.open(file) as picture:
        return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))


def _read_ppm(data: bytes) -> Picture:
    magic, width, height, most = data.split(maxsplit=4)[:4]
    if magic != b"P6" or most != b"255":
        raise ValueError("expected binary PPM, P6, of 255 levels")
    shape = (int(height), int(width), 3)
    return np.frombuffer(data, np.uint8, offset=len(data) - shape[0] * shape[1] * 3).reshape(shape)


def write_png(file: Path, picture: npt.NDArray[np.uint8], colors: Picture | None = None) -> None:
    """Write (H, W) or (H, W, 3) uint8 as PNG; with colors (256, 3) as indices into them."""
    height, width = picture.shape[:2]
    kind = 2 if picture.ndim == 3 else 0 if colors is None else 3  # PNG's numbers for RGB, grey and palette
    rows = picture.reshape(height, -1)
    raw = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()  # 0: rows as they are
    parts = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0))]
    if colors is not None:
        parts.append((b"PLTE", colors.tobytes()))
    parts += [(b"IDAT", zlib.compress(raw, 6)), (b"IEND", b"")]
    data = b"".join(
        struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body)) for tag, body in parts
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def _providers(onnxruntime: Any) -> list[str]:
    """Return what computes: a GPU where the installed package knows one."""
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    return [name for name in wanted if name in onnxruntime.get_available_providers()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict pictures and write label ids, colours and overlays; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sceneseg.run", description="Predict with an exported ONNX file.")
    parser.add_argument("model", type=Path, help="what `sceneseg export --to onnx` wrote")
    parser.add_argument("pictures", type=Path, nargs="+", help="JPEG, PNG, ... (with Pillow), .ppm or .npy")
    parser.add_argument("-r", "--results", type=Path, default=Path("results"), help="folder for the results")
    parser.add_argument("--threads", type=int, help="of the processor; ONNX Runtime's choice when absent")
    given = parser.parse_args(arguments)
    try:
        model = Runner(given.model, given.threads)
        for name, file in zip(unique([file.stem for file in given.pictures]), given.pictures, strict=True):
            image = read_picture(file)
            labels = model.labels(image)
            write_png(given.results / f"{name}_labelIds.png", to_label_ids(labels, model.description))
            write_png(given.results / f"{name}_color.png", labels, palette(model.description))
            write_png(given.results / f"{name}_overlay.png", overlay(image, labels, model.description))
            print(f"{file}: {', '.join(largest(labels, model.description))}")
    except RunnerError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print(f"{len(given.pictures)} predicted; label ids, colours and overlays are in {given.results}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
