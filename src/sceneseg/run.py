"""Run an exported model with ONNX Runtime and NumPy alone: python -m sceneseg.run model.onnx photo.jpg

Nothing else of sceneseg is imported, so that this file can be copied to a device. Pillow reads the photographs.
"""

import json
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]


class Runner:
    """A model that `sceneseg export --to onnx` wrote.

    Args:
        file: The ONNX file.
        threads: How many it uses; all cores when absent.
    """

    def __init__(self, file: str | Path, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        if threads is not None:
            options.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(str(file), options, providers=onnxruntime.get_available_providers())
        found = self.session.get_modelmeta().custom_metadata_map.get("sceneseg")
        if found is None:
            sys.exit(f"{file}: not written by `sceneseg export`.")
        self.facts: dict[str, Any] = json.loads(found)
        self.names = [one["name"] for one in self.facts["label_space"]["classes"]]
        self.colors = np.array(self.facts["colors"], np.uint8)
        self.label_ids = np.array(self.facts["label_ids"], np.uint8)

    def __call__(self, picture: Picture) -> npt.NDArray[Any]:
        """Return what the model says of a picture (H, W, 3) uint8 RGB: labels (H, W) uint8, or another output."""
        return np.asarray(self.session.run(None, {"image": picture[None]})[0])[0]

    def labels(self, picture: Picture) -> Picture:
        """Return train ids (H, W), whichever output the model has."""
        found = self(picture)
        if self.facts["output"] == "label_ids":
            back = np.full(256, 255, np.uint8)
            back[self.label_ids[: len(self.names)]] = np.arange(len(self.names))
            return back[found]
        if self.facts["output"] == "probabilities":
            return found.argmax(0).astype(np.uint8)
        if self.facts["output"] == "coarse":
            sys.exit("The model gives coarse logits. Export it with --output labels to see pictures.")
        return found.astype(np.uint8)


def write_png(file: Path, pixels: Picture) -> None:
    """Write (H, W) grey or (H, W, 3) RGB."""
    rows = pixels.reshape(len(pixels), -1)
    raw = np.concatenate([np.zeros((len(rows), 1), np.uint8), rows], 1).tobytes()
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0 if pixels.ndim == 2 else 2, 0, 0, 0)
    parts = [(b"IHDR", header), (b"IDAT", zlib.compress(raw, 6)), (b"IEND", b"")]
    chunks = [struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in parts]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def read_picture(file: Path) -> Picture:
    """Read a photograph as (H, W, 3) RGB."""
    try:
        from PIL import Image
    except ImportError:
        sys.exit("Reading photographs needs Pillow: pip install pillow")
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def main(arguments: list[str]) -> None:
    """Predict photographs; NAME_labelIds.png, NAME_color.png and NAME_overlay.png appear beside each."""
    if len(arguments) < 2:
        sys.exit("Usage: python -m sceneseg.run MODEL.onnx PHOTO...")
    runner = Runner(arguments[0])
    for file in map(Path, arguments[1:]):
        picture = read_picture(file)
        labels = runner.labels(picture)
        color = runner.colors[labels]
        write_png(file.with_name(f"{file.stem}_labelIds.png"), runner.label_ids[labels])
        write_png(file.with_name(f"{file.stem}_color.png"), color)
        write_png(file.with_name(f"{file.stem}_overlay.png"), (0.45 * picture + 0.55 * color).astype(np.uint8))
        pixels = np.bincount(labels.ravel(), minlength=256)[: len(runner.names)]
        shares = sorted(zip(pixels / labels.size, runner.names, strict=True), reverse=True)
        print(f"{file}: {', '.join(f'{name} {share:.0%}' for share, name in shares if share >= 0.01)}")


if __name__ == "__main__":
    main(sys.argv[1:])
