"""Image files of every kind, made from one small image."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 24, 36
SMOOTH = np.stack(np.broadcast_arrays(*np.ogrid[40 : 40 + HEIGHT * 6 : 6, 10 : 10 + WIDTH * 5 : 5], 90), axis=-1)
RGB = SMOOTH.astype(np.uint8)
GRAY = RGB[..., 0]
EXACT, LOSSY = 0, 12
"""How far pixels may be from those that are right."""
ORIENTATIONS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}
"""EXIF's number -> what must be done to the stored pixels."""


Kind = tuple[Callable[[], bytes], np.ndarray, int]
"""What writes the file, the pixels that are right, and how far pixels may be from them."""


def by_pillow(ending: str, mode: str = "RGB", tolerance: int = EXACT, **options: Any) -> Kind:
    """Return the image as Pillow writes it in one of its modes; right is what Pillow makes of the mode."""
    picture = Image.fromarray(RGB)
    if mode in {"RGBA", "LA"}:
        picture.putalpha(Image.fromarray(np.tile(np.arange(WIDTH, dtype=np.uint8) * 7, (HEIGHT, 1))))
    picture = picture.convert(mode)

    def write() -> bytes:
        file = io.BytesIO()
        picture.save(file, ending, **options)
        return file.getvalue()

    return write, np.asarray(picture.convert("RGB")), tolerance


def by_opencv(ending: str, pixels: np.ndarray, right: np.ndarray, tolerance: int = EXACT) -> Kind:
    """Return pixels, in OpenCV's order of colors, as OpenCV writes them."""
    return lambda: cv2.imencode(ending, pixels)[1].tobytes(), right, tolerance


def by_hand(write: Callable[[], bytes], right: np.ndarray = RGB, tolerance: int = EXACT) -> Kind:
    """Return an image that a function below writes."""
    return write, right, tolerance


def turned(ending: str, orientation: int) -> Kind:
    """Return an image with EXIF data that says how it must be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"webp": {"lossless": True}, "jpeg": {"quality": 95}}.get(ending, {})
    tolerance = LOSSY if ending == "jpeg" else EXACT
    return by_pillow(ending, exif=exif, **options)[0], ORIENTATIONS[orientation](RGB), tolerance


def png(
    kind: int,
    bits: int,
    rows: list[bytes],
    *chunks: tuple[bytes, bytes],
    interlace: int = 0,
    size: tuple[int, int] = (HEIGHT, WIDTH),
) -> bytes:
    """Write a PNG by hand: its kind is 0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha."""
    head = struct.pack(">IIBBBBB", size[1], size[0], bits, kind, 0, 0, interlace)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))), (b"IEND", b"")]
    written = [struct.pack(">I", len(b)) + t + b + struct.pack(">I", zlib.crc32(t + b)) for t, b in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def rows_of(pixels: np.ndarray) -> list[bytes]:
    return [np.ascontiguousarray(row).tobytes() for row in pixels]


def interlaced(pixels: np.ndarray) -> list[bytes]:
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    return [row for x, y, dx, dy in passes for row in rows_of(pixels[y::dy, x::dx]) if row]


def packed(values: np.ndarray, bits: int) -> list[bytes]:
    """Pack values (H, W) into rows of so many bits."""
    each = 8 // bits
    parts = [values[:, i::each].astype(np.uint8) << (8 - bits * (i + 1)) for i in range(each)]
    return rows_of(np.bitwise_or.reduce(parts))


def tiff(pixels: np.ndarray, order: str = "<", planar: bool = False, big: bool = False, **tags: Any) -> bytes:
    """Write pixels (H, W) or (H, W, bands) as an uncompressed TIFF; `tags` are `t262=(2,)`."""
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    height, width, bands = pixels.shape
    kind = pixels.dtype.kind
    stored = pixels.transpose(2, 0, 1) if planar else pixels
    data = np.ascontiguousarray(stored.astype(stored.dtype.newbyteorder(order))).tobytes()
    entries = {
        256: (width,),
        257: (height,),
        258: (pixels.dtype.itemsize * 8,) * bands,
        259: (1,),
        262: (2 if bands > 2 else 1,),
        277: (bands,),
        278: (height,),
        279: tuple(len(data) // bands for _ in range(bands)) if planar else (len(data),),
        284: (2 if planar else 1,),
        339: ({"u": 1, "i": 2, "f": 3}[kind],) * bands,
    }
    entries |= {int(tag[1:]): value for tag, value in tags.items()}
    entries[273] = tuple(0 for _ in entries[279])
    word, field, count = (8, "Q", "Q") if big else (4, "I", "H")
    start = 16 if big else 8
    directory = struct.calcsize(count) + len(entries) * (4 + 2 * word) + word
    behind, at, outside = b"", start + directory, {}
    for tag, values in entries.items():
        if len(values) * 4 > word:
            outside[tag] = at + len(behind)
            behind += struct.pack(f"{order}{len(values)}I", *values)
    first = at + len(behind)
    entries[273] = tuple(first + i * entries[279][0] for i in range(len(entries[279])))
    if 273 in outside:
        cut = outside[273] - at
        behind = (
            behind[:cut]
            + struct.pack(f"{order}{len(entries[273])}I", *entries[273])
            + behind[cut + 4 * len(entries[273]) :]
        )
    table = struct.pack(order + count, len(entries))
    for tag, values in sorted(entries.items()):
        inside = struct.pack(f"{order}{len(values)}I", *values).ljust(word, b"\0") if tag not in outside else b""
        inside = inside or struct.pack(order + field, outside[tag])
        table += struct.pack(f"{order}HH{field}", tag, 4, len(values)) + inside
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, 16) if big else struct.pack(f"{order}HI", 42, 8)
    return (b"II" if order == "<" else b"MM") + head + table + struct.pack(order + field, 0) + behind + data


def tiff_12(values: np.ndarray) -> bytes:
    """Write (H, W) values of 12 bits, two in three bytes."""
    a, b = values[:, ::2].astype(np.uint32), values[:, 1::2].astype(np.uint32)
    three = np.stack([a >> 4, (a & 15) << 4 | b >> 8, b & 255], axis=-1).astype(np.uint8)
    whole = tiff(three.reshape(HEIGHT, -1), t256=(WIDTH,), t258=(12,))
    return whole


WIDE = RGB.astype(np.uint16) * 256 + 77
ALPHA16 = np.full((HEIGHT, WIDTH, 1), 40_000, np.uint16)
BE = WIDE.astype(">u2")
READ: dict[str, Kind] = {
    # PNG
    "png-1": by_pillow("png", "1"),
    "png-L": by_pillow("png", "L"),
    "png-LA": by_pillow("png", "LA"),
    "png-P": by_pillow("png", "P"),
    "png-RGB": by_pillow("png"),
    "png-RGBA": by_pillow("png", "RGBA"),
    "png-rgb-transparent": by_pillow("png", transparency=(40, 10, 90)),
    "png-palette-transparent": by_hand(
        lambda: png(
            3,
            8,
            rows_of(GRAY),
            (b"PLTE", np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes()),
            (b"tRNS", bytes(range(200))),
        ),
        GRAY,
    ),
    "png-2-bit": by_hand(lambda: png(0, 2, packed(GRAY // 64, 2)), GRAY // 64 * 85),
    "png-4-bit": by_hand(lambda: png(0, 4, packed(GRAY // 16, 4)), GRAY // 16 * 17),
    "png-interlaced": by_hand(lambda: png(2, 8, interlaced(RGB), interlace=1)),
    "png-16-gray": by_hand(lambda: png(0, 16, rows_of(BE[..., 0])), GRAY),
    "png-16-gray-alpha": by_hand(lambda: png(4, 16, rows_of(np.dstack([BE[..., :1], ALPHA16]).astype(">u2"))), GRAY),
    "png-16-rgb": by_hand(lambda: png(2, 16, rows_of(BE))),
    "png-16-rgba": by_hand(lambda: png(6, 16, rows_of(np.dstack([BE, ALPHA16]).astype(">u2")))),
    "png-16-interlaced": by_hand(lambda: png(2, 16, interlaced(BE), interlace=1)),
    # JPEG
    "jpeg-L": by_pillow("jpeg", "L", quality=95, tolerance=LOSSY),
    "jpeg-RGB": by_pillow("jpeg", quality=95, tolerance=LOSSY),
    "jpeg-4:4:4": by_pillow("jpeg", quality=95, subsampling=0, tolerance=LOSSY),
    "jpeg-progressive": by_pillow("jpeg", quality=95, progressive=True, tolerance=LOSSY),
    "jpeg-rgb-kept": by_pillow("jpeg", quality=95, keep_rgb=True, tolerance=LOSSY),
    "jpeg-CMYK": by_pillow("jpeg", "CMYK", quality=95, tolerance=LOSSY),
    "jpeg-YCbCr": by_pillow("jpeg", "YCbCr", quality=95, tolerance=LOSSY),
    "jpeg-mpo": by_pillow(
        "mpo", save_all=True, append_images=[Image.fromarray(255 - RGB)], quality=95, tolerance=LOSSY
    ),
    # TIFF
    **{
        f"tiff-{mode}": by_pillow("tiff", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB")
    },
    **{
        f"tiff-{how}": by_pillow("tiff", compression=how)
        for how in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd", "lzma")
    },
    "tiff-jpeg": by_pillow("tiff", compression="jpeg", quality=95, tolerance=LOSSY),
    "tiff-group4": by_pillow("tiff", "1", compression="group4"),
    "tiff-big": by_hand(lambda: tiff(RGB, big=True)),
    "tiff-planar": by_hand(lambda: tiff(RGB, planar=True)),
    "tiff-motorola": by_hand(lambda: tiff(RGB, ">")),
    "tiff-unnamed-rgb": by_hand(lambda: tiff(RGB, t262=(1,), t338=(0, 0))),
    "tiff-white-is-0": by_hand(lambda: tiff(255 - GRAY, t262=(0,)), GRAY),
    "tiff-alpha": by_hand(lambda: tiff(np.dstack([RGB, 255 - GRAY]), t338=(2,))),
    "tiff-16-gray": by_hand(lambda: tiff(WIDE[..., 0]), GRAY),
    "tiff-16-gray-motorola": by_hand(lambda: tiff(WIDE[..., 0], ">"), GRAY),
    "tiff-16-white-is-0": by_hand(lambda: tiff(65535 - WIDE[..., 0], t262=(0,)), GRAY),
    "tiff-16-rgb": by_hand(lambda: tiff(WIDE)),
    "tiff-16-rgb-motorola": by_hand(lambda: tiff(WIDE, ">")),
    "tiff-16-rgb-big": by_hand(lambda: tiff(WIDE, big=True)),
    "tiff-16-unnamed-rgb": by_hand(lambda: tiff(WIDE, t262=(1,), t338=(0, 0))),
    "tiff-16-alpha": by_hand(lambda: tiff(np.dstack([WIDE, ALPHA16]), t338=(2,))),
    "tiff-16-lzw": by_opencv(".tif", WIDE[..., ::-1], RGB),
    "tiff-12-gray": by_hand(lambda: tiff_12(WIDE[..., 0] >> 4), GRAY),
    # WebP
    "webp": by_pillow("webp", quality=95, tolerance=2 * LOSSY),
    "webp-lossless": by_pillow("webp", lossless=True),
    "webp-alpha": by_pillow("webp", "RGBA", lossless=True, exact=True),
    "webp-animated": by_pillow("webp", lossless=True, save_all=True, append_images=[Image.fromarray(255 - RGB)]),
    # others
    "bmp-1": by_pillow("bmp", "1"),
    "bmp-L": by_pillow("bmp", "L"),
    "bmp-P": by_pillow("bmp", "P"),
    "bmp-RGB": by_pillow("bmp"),
    "bmp-RGBA": by_pillow("bmp", "RGBA"),
    "gif-L": by_pillow("gif", "L"),
    "gif-P": by_pillow("gif", "P"),
    "gif-animated": by_pillow("gif", "L", save_all=True, append_images=[Image.fromarray(255 - GRAY)]),
    "pbm": by_pillow("ppm", "1"),
    "pgm": by_pillow("ppm", "L"),
    "pgm-16": by_opencv(".pgm", WIDE[..., 0], GRAY),
    "pgm-12": by_hand(
        lambda: b"P5 %d %d 4095\n" % (WIDTH, HEIGHT) + (WIDE[..., 0] >> 4).astype(">u2").tobytes(), GRAY, 1
    ),
    "ppm": by_pillow("ppm"),
    "ppm-16": by_opencv(".ppm", WIDE[..., ::-1], RGB, 1),
    "ppm-12": by_hand(lambda: b"P6 %d %d 4095\n" % (WIDTH, HEIGHT) + (WIDE >> 4).astype(">u2").tobytes(), RGB, 1),
    "ppm-commented": by_hand(lambda: b"P6\n# by hand\n%d %d\n255\n" % (WIDTH, HEIGHT) + RGB.tobytes()),
    "tga-L": by_pillow("tga", "L"),
    "tga-RGB": by_pillow("tga"),
    "tga-RGBA": by_pillow("tga", "RGBA"),
    "tga-packed": by_pillow("tga", compression="tga_rle"),
    "ico": by_pillow("ico", sizes=[(WIDTH, HEIGHT)]),
    "jp2-L": by_pillow("jpeg2000", "L"),
    "jp2-RGB": by_pillow("jpeg2000"),
    "jp2-RGBA": by_pillow("jpeg2000", "RGBA"),
    "avif": by_pillow("avif", quality=95, tolerance=2 * LOSSY),
    "avif-alpha": by_pillow("avif", "RGBA", quality=95, tolerance=2 * LOSSY),
    **{f"{ending}-exif-{n}": turned(ending, n) for ending in ("jpeg", "png", "webp", "tiff") for n in ORIENTATIONS},
}
"""Kind -> how it is made, and what is right."""
NEEDS = {"webp": "webp", "avif": "avif", "jp2": "jpg_2000"}
"""Beginnings of kinds -> what Pillow must have been built with."""
