"""The file of confusion counts, an .npz that is written and read a few matrices at a time.

As a whole the matrices of 20,000 images and 150 classes would take 3.6 GB; in the file and in `ImageCounts` they take
a hundredth of that, because most cells are 0.
"""

import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from sceneseg.kernels.confusion import Counts

AT_ONCE = 2**24
"""Bytes of matrices that are in memory at once."""
CONFUSION = "confusion"


def matrices_at_once(size: int) -> int:
    """Return how many matrices (size, size) of int64 are in memory at once."""
    return max(1, AT_ONCE // (8 * size * size))


def write(
    path: Path, arrays: Mapping[str, npt.NDArray[Any]], chunks: Iterable[Counts], shape: tuple[int, int, int]
) -> None:
    """Write the same file that `numpy.savez_compressed` would, without the whole array of the matrices.

    Args:
        path: The file.
        arrays: By name; the matrices are written behind "names".
        chunks: (B, C+1, C+1) int64 each.
        shape: Of all matrices, (N, C+1, C+1).
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stored:
        for name, array in arrays.items():
            with stored.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)
            if name == "names":
                with stored.open(f"{CONFUSION}.npy", "w", force_zip64=True) as member:
                    _write_matrices(member, chunks, shape)


def _write_matrices(member: Any, chunks: Iterable[Counts], shape: tuple[int, int, int]) -> None:
    header = {"descr": "<i8", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(member, header)
    for chunk in chunks:
        member.write(np.ascontiguousarray(chunk, "<i8").data)


def read_matrices(file: BinaryIO) -> Iterator[Counts]:
    """Yield the matrices of a file, (B, C+1, C+1) int64 at a time; of an empty one an array of none.

    Raises:
        Exception: The file is damaged or something else; zipfile, zlib and NumPy each raise their own.
    """
    with np.load(file, allow_pickle=False) as stored, stored.zip.open(f"{CONFUSION}.npy") as member:
        version = np.lib.format.read_magic(member)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read_header(member)
        if len(shape) != 3 or shape[1] != shape[2] or dtype.kind not in "iu" or fortran_order:
            raise ValueError(f"matrices of the shape {shape} and type {dtype}")
        images, size, _ = shape
        at_once = matrices_at_once(max(size, 1))
        for start in range(0, max(images, 1), at_once):
            count = min(at_once, images - start)
            expected = count * size * size * dtype.itemsize
            data = member.read(expected)
            if len(data) != expected:
                raise ValueError(f"fewer than {images} matrices")
            yield np.frombuffer(data, dtype).reshape(count, size, size).astype(np.int64, copy=False)
        if member.read(1):  # at the end the checksum is compared, too
            raise ValueError(f"more than {images} matrices")
