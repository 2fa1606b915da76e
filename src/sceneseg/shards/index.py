"""Layout of a pack: one folder per split with shards and ``pack.json``, which says where each scene is in them.

The three kinds of shard (`CONTAINERS`) are modules that offer the functions of `Container`; nothing else uses them.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import cv2
import numpy as np
import numpy.typing as npt

from sceneseg.arrays import AnyArray
from sceneseg.errors import DataError, did_you_mean
from sceneseg.labels import LabelSpace
from sceneseg.plain import parse_json
from sceneseg.records.run_directory import write_text

INDEX = "pack.json"
UNFINISHED = "pack.unfinished.json"
VERSION = 1
PARTS = ("image", "labels", "instances")
DTYPES: dict[str, npt.DTypeLike] = {"image": "u1", "labels": "u1", "instances": "<i4"}
CONTAINERS = {
    "safetensors": "sceneseg.shards._safetensors",
    "tfrecord": "sceneseg.shards.tfrecord",
    "webdataset": "sceneseg.shards.webdataset",
}

T = TypeVar("T")
EncodedPart = bytes | AnyArray
"""A part of a scene as its kind of shard stores it: the bytes of a file, or the pixels themselves."""
MOST_PIXELS = 2**32
"""Of an image, so that sizes stay numbers that arrays can have."""


@dataclass(frozen=True)
class PackedScene:
    """Scene in a shard.

    Args:
        name: The scene's.
        height: In pixels.
        width: In pixels.
        sha256: Of the pixels of each part, as they lie in memory.
        place: Where each part (or the "record" with all parts) is in the shard: (offset, length) in bytes.
    """

    name: str
    height: int
    width: int
    sha256: dict[str, str]
    place: dict[str, tuple[int, int]] = field(default_factory=dict)

    def shape(self, part: str) -> tuple[int, ...]:
        """Return the shape of a part."""
        return (self.height, self.width, 3) if part == "image" else (self.height, self.width)

    def at(self, part: str, path: Path) -> tuple[int, int]:
        """Return where a part (or the "record") lies in its shard.

        Raises:
            DataError: It is missing.
        """
        if part not in self.place:
            raise DataError(f"{path.with_name(INDEX)}: doesn't say where the {part} of {self.name} lies. Pack again.")
        return self.place[part]


@dataclass(frozen=True)
class Shard:
    """File of a pack.

    Args:
        file: Its name.
        bytes: Its size; another one means that it was torn.
        source: Fingerprint of the files it was made from; another one means that it is outdated.
        scenes: What it holds, in order.
    """

    file: str
    bytes: int
    source: str
    scenes: list[PackedScene]


@dataclass(frozen=True)
class Pack:
    """A split of a data set in shards.

    Args:
        format: One of `CONTAINERS`.
        dataset: Name of the packed data set.
        split: Its split.
        label_space: What the train ids mean.
        shards: In the order of the scenes.
    """

    format: str
    dataset: str
    split: str
    label_space: LabelSpace
    shards: list[Shard]


class Container(Protocol):
    """A kind of shard: a module with these functions."""

    SUFFIX: str

    def encode(self, part: str, pixels: AnyArray, name: str) -> EncodedPart:
        """Return a part as it will be stored; runs in several threads."""
        ...

    def write(
        self, path: Path, pack: Pack, scenes: Sequence[PackedScene], parts: Sequence[Mapping[str, EncodedPart]]
    ) -> None:
        """Write a shard of parts as `encode` returned them."""
        ...

    def places(self, path: Path, scenes: Sequence[PackedScene]) -> list[dict[str, tuple[int, int]]]:
        """Return where the parts of each scene lie in a shard that was just written."""
        ...

    def load(self, path: Path, scene: PackedScene, parts: Sequence[str]) -> dict[str, AnyArray]:
        """Read parts of a scene.

        Raises:
            DataError: The shard is damaged there.
        """
        ...


def container(name: str) -> Container:
    """Return the kind of shard called `name`.

    Raises:
        DataError: There is none.
    """
    if name not in CONTAINERS:
        raise DataError(
            f'There is no pack format "{name}".{did_you_mean(name, CONTAINERS)} Known: {", ".join(CONTAINERS)}.'
        )
    return cast(Container, import_module(CONTAINERS[name]))


def fingerprint(pixels: AnyArray) -> str:
    """Return the SHA-256 of pixels as they lie in memory."""
    return sha256(np.ascontiguousarray(pixels).data).hexdigest()


def load_checked(kind: Container, path: Path, scene: PackedScene) -> dict[str, AnyArray]:
    """Read all parts of a scene and compare them with their checksums.

    Raises:
        DataError: The shard is damaged there.
    """
    parts = kind.load(path, scene, list(scene.sha256))
    for part, pixels in parts.items():
        if pixels.shape != scene.shape(part) or fingerprint(pixels) != scene.sha256[part]:
            raise damaged(path, f"the {part} of {scene.name} differ from their checksum")
    return parts


def damaged(path: Path, what: str) -> DataError:
    """Return the error for a shard that isn't what it was."""
    return DataError(f"{path}: {what}. Remove the file and pack again: only what is missing is written.")


def save_index(path: Path, pack: Pack) -> None:
    """Write ``pack.json``, or the beginning of ``pack.unfinished.json``, whole or not at all."""
    data = {"version": VERSION, **asdict(pack), "label_space": pack.label_space.to_dict()}
    write_text(path, json.dumps(data) + "\n")


def append_shard(path: Path, shard: Shard) -> None:
    """Add a line for a finished shard to ``pack.unfinished.json``; what is there isn't written again."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(shard)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def load_index(path: Path) -> Pack:
    """Read ``pack.json`` or ``pack.unfinished.json``, whose later lines are one shard each.

    Raises:
        DataError: It is damaged, or of a later version.
    """
    try:
        first, *lines = path.read_text(encoding="utf-8").split("\n")
        data = parse_json(first)
        if data.pop("version") > VERSION:
            raise DataError(f"{path}: made by a later version of sceneseg. Update this one, or pack again.")
        complete = [parse_json(line) for line in lines[:-1]]  # a process that was killed may leave half a line
        shards = {shard.file: shard for shard in map(_shard, (*data["shards"], *complete))}
        words = {key: _typed(data[key], str, key) for key in ("format", "dataset", "split")}
        return Pack(**words, label_space=LabelSpace.from_dict(data["label_space"], path), shards=[*shards.values()])
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise DataError(f"{path}: damaged ({error!r}). Remove it and pack again.") from None


def _shard(data: Any) -> Shard:
    file, size = _typed(data["file"], str, "file"), _typed(data["bytes"], int, "bytes")
    if Path(file).name != file or "\0" in file:
        raise ValueError(f"expected the name of a shard, found {file!r}")
    return Shard(file, size, _typed(data["source"], str, "source"), [_scene(scene, size) for scene in data["scenes"]])


def _scene(data: Any, size: int) -> PackedScene:
    """Read what is said of a scene; `size` is its shard's, in bytes, which the scene lies within."""
    name, height, width = _typed(data["name"], str, "name"), data["height"], data["width"]
    if type(height) is not int or type(width) is not int or not 0 < height * width < MOST_PIXELS or height < 0:
        raise ValueError(f"expected the size of {name}, found {height!r} x {width!r}")
    hashes = {part: _typed(digest, str, "sha256") for part, digest in data["sha256"].items()}
    place = {part: (start, length) for part, (start, length) in data["place"].items()}
    for start, length in place.values():
        if type(start) is not int or type(length) is not int or not 0 <= start <= start + length <= size:
            raise ValueError(f"expected a place of {name} within {size} bytes, found {start!r}, {length!r}")
    if not {"image"} <= hashes.keys() <= set(PARTS):
        raise ValueError(f"expected the parts of {name}, found {', '.join(map(str, hashes))}")
    return PackedScene(name, height, width, hashes, place)


def _typed(value: Any, kind: type[T], key: str) -> T:
    if type(value) is not kind:
        raise ValueError(f"expected {kind.__name__} as {key}, found {value!r}")
    return value


def encode_png(part: str, pixels: AnyArray, name: str) -> bytes:
    """Return a part as a PNG file, instance numbers with 16 bits.

    Raises:
        DataError: An instance number that is too large.
    """
    if part == "instances":
        if pixels.min() < 0 or pixels.max() > 0xFFFF:
            raise DataError(f"{name}: instance {pixels.max()} is beyond the 16 bits of a PNG. Pack as safetensors.")
        pixels = pixels.astype(np.uint16)
    encoded: bytes = cv2.imencode(".png", pixels[..., ::-1] if pixels.ndim == 3 else pixels)[1].tobytes()
    return encoded


def decode_png(part: str, data: bytes, path: Path, name: str) -> AnyArray:
    """Return the pixels of what `encode_png` wrote.

    Raises:
        DataError: They can't be decoded.
    """
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED) if data else None
    except cv2.error:  # of a header that claims too many pixels
        decoded = None
    if decoded is None or decoded.ndim != (3 if part == "image" else 2):
        raise damaged(path, f"the {part} of {name} can't be decoded")
    pixels: AnyArray = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB) if part == "image" else decoded
    return pixels.astype(DTYPES[part], copy=False)
