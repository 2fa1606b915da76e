"""The headers of ordinary PNG and JPEG files, read from their bytes: nothing between a training and OpenCV."""

import struct
from dataclasses import dataclass

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8"
FRAMES = {0xC0, 0xC1, 0xC2}
"""JPEG's markers of baseline, extended and progressive frames with Huffman codes."""
BARE = {0x01, *range(0xD0, 0xD9)}
"""JPEG's markers without a segment behind them."""


@dataclass(frozen=True)
class Header:
    """Header of an image file.

    Args:
        format: PNG or JPEG.
        width: Pixels.
        height: Pixels.
        bits: Of a sample, 8 (or fewer) or 16.
    """

    format: str
    width: int
    height: int
    bits: int


def read_header(data: bytes) -> Header | None:
    """Read the header of a PNG or of a JPEG with one or three colors; None for everything else."""
    if data.startswith(PNG) and data[12:16] == b"IHDR" and len(data) > 25:
        width, height, bits = struct.unpack_from(">IIB", data, 16)
        return Header("PNG", width, height, max(bits, 8))
    return _read_jpeg(data) if data.startswith(JPEG) else None


def _read_jpeg(data: bytes) -> Header | None:
    at = len(JPEG)
    while at + 10 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in FRAMES:
            bits, height, width, colors = struct.unpack_from(">BHHB", data, at + 4)
            return Header("JPEG", width, height, bits) if bits == 8 and colors in {1, 3} else None
        if marker == 0xFF:  # they may be repeated
            at += 1
        else:
            at += 2 if marker in BARE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
