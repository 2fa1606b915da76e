"""How the document lies in a file: read it, and write the file anew around another one."""

import csv
import html
import io
import json
import re
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml


@dataclass(frozen=True)
class Form:
    """A kind of file with a document in it.

    Args:
        load: Takes the document out of a file's bytes.
        dump: Makes the file of the healthy file's bytes and another document.
    """

    load: Callable[[bytes], Any]
    dump: Callable[[bytes, Any], bytes]


def _json(_: bytes, document: Any) -> bytes:
    return json.dumps(document, default=str).encode()


def _yaml(_: bytes, document: Any) -> bytes:
    return yaml.dump(document, allow_unicode=True, sort_keys=False).encode("utf-8", "surrogatepass")


def _load_header(data: bytes) -> Any:
    """Take the description out of a safetensors file."""
    length = struct.unpack("<Q", data[:8])[0]
    return json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["sceneseg"])


def _dump_header(data: bytes, document: Any) -> bytes:
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["sceneseg"] = json.dumps(document)
    written = json.dumps(header).encode()
    written += b" " * (-len(written) % 8)
    return struct.pack("<Q", len(written)) + written + data[8 + length :]


def _load_arrays(data: bytes) -> Any:
    return dict(np.load(io.BytesIO(data)))


def _dump_arrays(_: bytes, document: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, value in document.items() if isinstance(document, dict) else [("x", document)]:
            array = io.BytesIO()
            value = np.array(str(value)) if np.asarray(value, object).dtype == object and not _plain(value) else value
            np.save(array, np.asarray(value), allow_pickle=False)
            archive.writestr(f"{name}.npy".replace("\0", ""), array.getvalue())
    return file.getvalue()


def _plain(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray | int | float | str | bool) and abs(value if isinstance(value, int) else 0) < 2**63
    )


def _load_torch(data: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(data), weights_only=True)


def _dump_torch(_: bytes, document: Any) -> bytes:
    import torch

    file = io.BytesIO()
    torch.save(document, file)
    return file.getvalue()


def _load_onnx(data: bytes) -> Any:
    import onnx

    return json.loads(onnx.load_from_string(data).metadata_props[0].value)


def _dump_onnx(data: bytes, document: Any) -> bytes:
    import onnx

    model = onnx.load_from_string(data)
    model.metadata_props[0].value = json.dumps(document)
    return model.SerializeToString()


RT_INFO = re.compile(rb'<sceneseg value="([^"]*)"')


def _load_openvino(data: bytes) -> Any:
    return json.loads(html.unescape(RT_INFO.search(data)[1].decode()))


def _dump_openvino(data: bytes, document: Any) -> bytes:
    start, end = RT_INFO.search(data).span(1)
    return data[:start] + html.escape(json.dumps(document)).encode() + data[end:]


def _load_member(data: bytes) -> Any:
    """Take the description out of a TorchScript file, which is an archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return json.loads(archive.read(next(name for name in archive.namelist() if name.endswith("sceneseg.json"))))


def _dump_member(data: bytes, document: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, json.dumps(document) if name.endswith("sceneseg.json") else old.read(name))
    return file.getvalue()


def _load_records(data: bytes) -> Any:
    """Take the payloads out of a TFRecord file, as text, each with the length that stands before it."""
    found = []
    while data:
        length = struct.unpack("<Q", data[:8])[0]
        found.append({"length": length, "payload": data[12 : 12 + length].decode("latin-1")})
        data = data[16 + length :]
    return found


def _dump_records(_: bytes, document: Any) -> bytes:
    """Write records whose checksums are right, whatever their lengths and payloads are."""
    from google_crc32c import value as crc32c

    from sceneseg.shards.tfrecord import mask

    def checksum(data: bytes) -> bytes:
        return struct.pack("<I", mask(crc32c(data)))

    file = b""
    for record in document if isinstance(document, list) else [document]:
        record = record if isinstance(record, dict) else {"payload": str(record)}
        payload = str(record.get("payload")).encode("latin-1", "replace")
        given = record.get("length")
        length = struct.pack("<Q", given % 2**64 if isinstance(given, int) else len(payload))
        file += length + checksum(length) + payload + checksum(payload)
    return file


def _load_table(data: bytes) -> Any:
    return list(csv.reader(io.StringIO(data.decode())))


def _dump_table(_: bytes, document: Any) -> bytes:
    rows = document if isinstance(document, list) else [document]
    return "\n".join(",".join(map(str, r)) if isinstance(r, list) else str(r) for r in rows).encode("utf-8", "replace")


JSON = Form(json.loads, _json)
YAML = Form(yaml.safe_load, _yaml)
HEADER = Form(_load_header, _dump_header)
ARRAYS = Form(_load_arrays, _dump_arrays)
TORCH = Form(_load_torch, _dump_torch)
ONNX = Form(_load_onnx, _dump_onnx)
OPENVINO = Form(_load_openvino, _dump_openvino)
TORCHSCRIPT = Form(_load_member, _dump_member)
RECORDS = Form(_load_records, _dump_records)
TABLE = Form(_load_table, _dump_table)
