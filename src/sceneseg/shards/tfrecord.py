"""TFRecord files and the tf.train.Example in them, read and written without TensorFlow; shards of such records.

A shard's examples have the keys that TensorFlow's own segmentation programs use: ``image/encoded`` and
``image/segmentation/class/encoded`` are PNG files, the latter with train ids.

Source: tensorflow/core/lib/io/record_writer.h (length, masked CRC-32C of the length, payload, masked CRC-32C of the
payload) and tensorflow/core/example/{example,feature}.proto.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, cast

import numpy as np

from sceneseg.arrays import AnyArray
from sceneseg.errors import DataError, MissingPackageError
from sceneseg.shards.index import Pack, PackedScene, decode_png, encode_png

try:
    from google_crc32c import value as crc32c
except ModuleNotFoundError:
    raise MissingPackageError("google_crc32c") from None

SUFFIX = ".tfrecord"
KEYS = {
    "image": "image/encoded",
    "labels": "image/segmentation/class/encoded",
    "instances": "image/segmentation/instance/encoded",
}
LENGTH, MASKED = struct.Struct("<Q"), struct.Struct("<I")
OVERHEAD = LENGTH.size + 2 * MASKED.size
MOST_BYTES = 2**31 - 1
"""Of a record: a protobuf message has no more."""
PIECE = 2**24
"""Bytes that are read, or inflated, at once."""
BYTES, FLOATS, INTEGERS = 1, 2, 3  # the field that a Feature has

Values = list[bytes] | list[float] | list[int]

encode = encode_png


def write(path: Path, pack: Pack, scenes: Sequence[PackedScene], parts: Sequence[Mapping[str, bytes]]) -> None:
    """Write a shard, a record for each scene."""
    with path.open("wb") as file:
        for scene, encoded in zip(scenes, parts, strict=True):
            features: dict[str, Values] = {
                "image/filename": [scene.name.encode()],
                "image/format": [b"png"],
                "image/height": [scene.height],
                "image/width": [scene.width],
                "image/channels": [3],
                "image/segmentation/class/format": [b"png"],
                "image/segmentation/class/names": [name.encode() for name in pack.label_space.names],
            }
            features |= {KEYS[part]: [data] for part, data in encoded.items()}
            file.write(frame(encode_example(features)))


def places(path: Path, scenes: Sequence[PackedScene]) -> list[dict[str, tuple[int, int]]]:
    """Return the byte range of every record."""
    found: list[dict[str, tuple[int, int]]] = []
    start = 0
    for payload in read_records(path):
        found.append({"record": (start, len(payload) + OVERHEAD)})
        start += len(payload) + OVERHEAD
    return found


def load(path: Path, scene: PackedScene, parts: Sequence[str]) -> dict[str, AnyArray]:
    """Read a scene's record, check it and decode parts of it."""
    start, _ = scene.at("record", path)
    with path.open("rb") as file:
        file.seek(start)
        payload = _read_record(file, path, f"the record of {scene.name}")
    features = {} if payload is None else decode_example(payload, path)
    files = {part: next(iter(features.get(KEYS[part], ())), None) for part in parts}
    if missing := [KEYS[part] for part, data in files.items() if not isinstance(data, bytes)]:
        raise DataError(f"{path}: the record of {scene.name} has no {missing[0]}. Remove it and pack again.")
    return {part: decode_png(part, cast(bytes, data), path, scene.name) for part, data in files.items()}


def write_records(path: Path, payloads: Sequence[bytes]) -> None:
    """Write payloads as a TFRecord file."""
    path.write_bytes(b"".join(map(frame, payloads)))


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the payload of every record; files compressed as a whole (GZIP, ZLIB) are read too.

    Raises:
        DataError: A record is torn or differs from its checksum; the message has its number, counted from 0.
    """
    with path.open("rb") as raw:
        file = _Inflated(raw) if _is_compressed(path) else raw
        number = 0
        while (payload := _read_record(file, path, f"record {number}")) is not None:
            yield payload
            number += 1


def _is_compressed(path: Path) -> bool:
    """Return whether a file starts like GZIP or ZLIB, and not with a record whose length merely looks so."""
    with path.open("rb") as file:
        head = file.read(LENGTH.size + MASKED.size)
    looks_so = head[:2] in {b"\x1f\x8b", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"}
    return looks_so and head[LENGTH.size :] != MASKED.pack(mask(crc32c(head[: LENGTH.size])))


class _Inflated:
    """Reads a compressed file."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._stream, self._ready = file, zlib.decompressobj(zlib.MAX_WBITS | 32), b""

    def read(self, length: int) -> bytes:
        while len(self._ready) < length and not self._stream.eof:
            data = self._stream.unconsumed_tail or self._file.read(1 << 20)
            inflated = self._stream.decompress(data, PIECE)
            if not data and not inflated:
                raise EOFError("the compressed file ends too early")
            self._ready += inflated
        found, self._ready = self._ready[:length], self._ready[length:]
        return found


def _read_record(file: "IO[bytes] | _Inflated", path: Path, which: str) -> bytes | None:
    """Read a record, None at the end of the file."""
    try:
        head = file.read(LENGTH.size + MASKED.size)
        if not head:
            return None
        if len(head) == LENGTH.size + MASKED.size:
            if head[LENGTH.size :] != MASKED.pack(mask(crc32c(head[: LENGTH.size]))):
                raise _corrupt(path, f"the length of {which} differs from its checksum")
            length: int = LENGTH.unpack_from(head)[0]
            if length > MOST_BYTES:
                raise _corrupt(path, f"{which} claims to have {length:,} bytes, more than any record can")
            body = _read(file, length + MASKED.size)
            if len(body) == length + MASKED.size:
                payload = body[:length]
                if body[length:] != MASKED.pack(mask(crc32c(payload))):
                    raise _corrupt(path, f"{which} differs from its checksum")
                return payload
    except (EOFError, zlib.error) as error:
        raise _corrupt(path, f"{which} can't be decompressed ({error})") from None
    raise _corrupt(path, f"{which} is torn: the file ends within it")


def _read(file: "IO[bytes] | _Inflated", length: int) -> bytes:
    """Read so many bytes, or as many as there are, without making room for more than there are."""
    pieces = []
    while length and (piece := file.read(min(length, PIECE))):
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


def _corrupt(path: Path, what: str) -> DataError:
    return DataError(f"{path}: {what}. Fetch the file again, or remove it and pack again.")


def frame(payload: bytes) -> bytes:
    """Return a payload as a record."""
    length = LENGTH.pack(len(payload))
    return length + MASKED.pack(mask(crc32c(length))) + payload + MASKED.pack(mask(crc32c(payload)))


def mask(crc: int) -> int:
    """Return a CRC as the format stores it, so that a CRC over CRCs stays meaningful."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def encode_example(features: Mapping[str, Values]) -> bytes:
    """Return a tf.train.Example; bytes, floats and integers become the three kinds of list."""
    entries = [_field(1, _field(1, key.encode()) + _field(2, _encode_feature(v))) for key, v in features.items()]
    return _field(1, b"".join(entries))


def _encode_feature(values: Values) -> bytes:
    if not values or isinstance(values[0], bytes):
        return _field(BYTES, b"".join(_field(1, cast(bytes, value)) for value in values))
    if isinstance(values[0], float):
        return _field(FLOATS, _field(1, np.array(values, "<f4").tobytes()))
    return _field(INTEGERS, _field(1, b"".join(_varint(int(value) & 0xFFFFFFFFFFFFFFFF) for value in values)))


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def decode_example(payload: bytes, where: object = "the record") -> dict[str, Values]:
    """Return the features of a tf.train.Example.

    Raises:
        DataError: The payload is something else.
    """
    features: dict[str, Values] = {}
    try:
        for _, message in _fields(memoryview(payload)):
            for _, entry in _fields(_message(message)):
                pair = dict(_fields(_message(entry)))
                features[bytes(_message(pair[1])).decode()] = _decode_feature(_message(pair.get(2, memoryview(b""))))
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise DataError(f"{where}: a record isn't a tf.train.Example ({error!r}).") from None
    return features


def _decode_feature(data: memoryview) -> Values:
    for kind, content in _fields(data):
        entries = [value for _, value in _fields(_message(content))]
        if kind == BYTES:
            return [bytes(_message(value)) for value in entries]
        packed = [value for value in entries if isinstance(value, memoryview)]  # else each value is a field of its own
        if kind == FLOATS:
            return np.frombuffer(b"".join(packed), "<f4").tolist()
        numbers = [value for value in entries if isinstance(value, int)]
        for part in packed:
            numbers += _varints(part)
        return [value - (1 << 64) if value >> 63 else value for value in numbers]
    return []


def _message(value: memoryview | int) -> memoryview:
    if isinstance(value, int):
        raise TypeError("a number in the place of a message")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yield number and value of each field of a protobuf message."""
    position = 0
    while position < len(data):
        tag, position = _read_varint(data, position)
        wire = tag & 7
        if wire == 0:
            value, position = _read_varint(data, position)
            yield tag >> 3, value
            continue
        length, position = _read_varint(data, position) if wire == 2 else ({1: 8, 5: 4}[wire], position)
        if position + length > len(data):
            raise ValueError("a field reaches beyond its message")
        yield tag >> 3, data[position : position + length]
        position += length


def _varints(data: memoryview) -> list[int]:
    values, position = [], 0
    while position < len(data):
        value, position = _read_varint(data, position)
        values.append(value)
    return values


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 127) << shift
        position, shift = position + 1, shift + 7
        if byte < 128:
            return value, position
