import gzip
import struct
import sys
import tracemalloc
import zlib

import pytest

from sceneseg.errors import DataError, MissingPackageError
from sceneseg.shards import tfrecord
from sceneseg.shards.index import container
from sceneseg.shards.tfrecord import decode_example, encode_example, frame, read_records, write_records

EXTREMES = {
    "name": ["Straße".encode(), b"", bytes(range(256))],
    "score": [0.5, -1.5, 3.0],
    "id": [0, 1, -1, 2**63 - 1, -(2**63), 300],
    "none": [],
}


def test_the_checksum_of_the_format():
    """The value that every implementation of CRC-32C is checked with (RFC 3720, appendix B.4, has others)."""
    assert tfrecord.crc32c(b"123456789") == 0xE3069283


def test_without_the_package_its_name_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "google_crc32c", None)
    monkeypatch.delitem(sys.modules, "sceneseg.shards.tfrecord")
    with pytest.raises(MissingPackageError, match="pip install google-crc32c"):
        container("tfrecord")


def test_examples_come_back():
    assert decode_example(encode_example(EXTREMES)) == EXTREMES


def test_unpacked_lists_are_read():
    """Protobuf allows a packed list as single fields; 0x08 is field 1 as a varint, 0x0d as a float."""
    integers = b"\x1a\x04\x08\x05\x08\x07"
    floats = b"\x12\x0a\x0d" + struct.pack("<f", 2.5) + b"\x0d" + struct.pack("<f", -1)
    for feature, values in ((integers, [5, 7]), (floats, [2.5, -1.0])):
        entry = b"\x0a\x01k\x12" + bytes([len(feature)]) + feature
        inner = b"\x0a" + bytes([len(entry)]) + entry
        assert decode_example(b"\x0a" + bytes([len(inner)]) + inner) == {"k": values}


@pytest.mark.parametrize("payload", [b"\x0a\xff", b"\x0a\x05ab", b"\x08\x01", b"\xff" * 20])
def test_other_messages_are_refused(payload):
    with pytest.raises(DataError, match="tf.train.Example"):
        decode_example(payload)


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress, zlib.compress])
def test_files_compressed_or_not(tmp_path, pack):
    payloads = [b"one", b"", b"x" * 70000]
    write_records(tmp_path / "a", payloads)
    (tmp_path / "b").write_bytes(pack((tmp_path / "a").read_bytes()))
    assert list(read_records(tmp_path / "b")) == payloads


@pytest.mark.parametrize("length", [0x8B1F, 0x9C78])
def test_a_length_that_looks_like_compression(tmp_path, length):
    write_records(tmp_path / "a", [bytes(length)])
    assert [len(payload) for payload in read_records(tmp_path / "a")] == [length]


def test_an_empty_file_has_no_records(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    assert list(read_records(tmp_path / "a")) == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: d[:-1], "record 1 is torn"),
        (lambda d: d[: len(frame(b"first")) + 5], "record 1 is torn"),
        (lambda d: d[:-5] + b"!" + d[-4:], "record 1 differs from its checksum"),
        (lambda d: b"\x06" + d[1:], "the length of record 0 differs"),
        (lambda d: gzip.compress(d)[:-12], "record 1 can't be decompressed"),
        (lambda d: gzip.compress(d)[:4] + b"????????????" + gzip.compress(d)[16:], "record 0 can't be decompressed"),
    ],
)
def test_damage_is_found_with_its_record(tmp_path, damage, message):
    data = frame(b"first") + frame(b"second")
    (tmp_path / "a").write_bytes(damage(data))
    with pytest.raises(DataError, match=message):
        list(read_records(tmp_path / "a"))


@pytest.mark.parametrize("kind", ["tf", "tfGZIP", "tfZLIB"])
def test_files_of_tensorflow(shared_data, kind):
    examples = [decode_example(p) for p in read_records(shared_data / "tfrecord" / f"{kind}.tfrecord")]
    assert [example["i"] for example in examples] == [[i, -i] for i in range(len(examples))]
    assert [example["x"] for example in examples] == [[b"ab" * i] for i in range(len(examples))]
    assert [example["f"] for example in examples] == [[0.0], [0.5], [1.0]]


@pytest.mark.parametrize(
    ("kind", "message"),
    [("bad", "record 1 differs"), ("trunc", "record 1 is torn"), ("bitflip", "record 0 differs")],
)
def test_damaged_files_of_others(shared_data, kind, message):
    with pytest.raises(DataError, match=message):
        list(read_records(shared_data / "tfrecord" / f"{kind}.tfrecord"))
    assert len(list(read_records(shared_data / "tfrecord" / "mine.tfrecord"))) == 2


@pytest.mark.parametrize("length", [10**6, 2**31, 2**40, 2**64 - 1])
@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_length_beyond_the_file_takes_no_memory(tmp_path, length, compress):
    head = struct.pack("<Q", length)
    record = head + struct.pack("<I", tfrecord.mask(tfrecord.crc32c(head))) + b"x" * 100
    (tmp_path / "a.tfrecord").write_bytes(compress(tfrecord.frame(b"first") + record))
    records = tfrecord.read_records(tmp_path / "a.tfrecord")
    assert next(records) == b"first"
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a\.tfrecord: record 1 "):
        next(records)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()


def test_compressed_records_of_many_pieces_are_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(tfrecord, "PIECE", 1000)
    payloads = [bytes([i]) * (10**i) for i in range(6)]
    (tmp_path / "a.tfrecord").write_bytes(gzip.compress(b"".join(map(tfrecord.frame, payloads))))
    assert list(tfrecord.read_records(tmp_path / "a.tfrecord")) == payloads
