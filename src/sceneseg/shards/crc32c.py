"""CRC-32C, the checksum of TFRecord files; google-crc32c computes it where it is installed.

30 MB on one thread of an EPYC server: 28 GB/s by google-crc32c, 2.2 GB/s by the loop here, 0.01 GB/s by the reference.

Source: Castagnoli et al., "Optimization of cyclic redundancy-check codes with 24 and 32 parity bits", IEEE Trans. on
Communications 1993; eight tables at once: Kounavis and Berry, "A systematic approach to building high performance
software-based CRC generators", ISCC 2005.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Tables = npt.NDArray[np.uint32]

POLYNOMIAL = 0x82F63B78
FEW_BYTES = 4096  # Python takes 0.3 ms for so many; loading the compiled loop takes 0.4 s


def crc32c(data: bytes | memoryview) -> int:
    """Return the CRC-32C of some bytes."""
    if (fast := _google()) is not None:
        return fast(bytes(data))
    values = np.frombuffer(data, np.uint8)
    return crc32c_reference(values) if len(values) < FEW_BYTES else int(_compiled()(values, tables()))


def crc32c_reference(values: Bytes) -> int:
    """Return the CRC-32C of (N,) uint8, a byte at a time."""
    table = tables()[0].tolist()
    crc = 0xFFFFFFFF
    for value in values.tolist():
        crc = table[(crc ^ value) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def crc32c_by_eights(values: Bytes, tables: Tables) -> Any:
    """Do as the reference does, eight bytes at a time; written for Numba."""
    crc: Any = np.uint32(0xFFFFFFFF)
    low, eights = np.uint32(255), len(values) // 8
    for i in range(eights):
        part = values[8 * i : 8 * i + 8]
        a, b = np.uint32(part[0]) ^ crc & low, np.uint32(part[1]) ^ (crc >> np.uint32(8)) & low
        c, d = np.uint32(part[2]) ^ (crc >> np.uint32(16)) & low, np.uint32(part[3]) ^ crc >> np.uint32(24)
        near = tables[7, a] ^ tables[6, b] ^ tables[5, c] ^ tables[4, d]
        crc = near ^ tables[3, part[4]] ^ tables[2, part[5]] ^ tables[1, part[6]] ^ tables[0, part[7]]
    for value in values[8 * eights :]:
        crc = tables[0, (crc ^ np.uint32(value)) & low] ^ crc >> np.uint32(8)
    return crc ^ np.uint32(0xFFFFFFFF)


@cache
def tables() -> Tables:
    """Return (8, 256) uint32: row k is what a byte has become after k further zero bytes."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(POLYNOMIAL), table >> 1)
    rows = [table]
    for _ in range(7):
        rows.append(table[rows[-1] & 255] ^ rows[-1] >> 8)
    return np.stack(rows)


@cache
def _google() -> Callable[[bytes], int] | None:
    try:
        value: Callable[[bytes], int] = import_module("google_crc32c").value
    except ImportError:
        return None
    return value


@cache
def _compiled() -> Callable[[Bytes, Tables], Any]:
    import numba

    compiled: Callable[[Bytes, Tables], Any] = numba.njit(cache=True, nogil=True)(crc32c_by_eights)
    return compiled
