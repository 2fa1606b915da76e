"""Shards as tar files that WebDataset reads: ``KEY.image.png``, ``KEY.labels.png`` (train ids) and ``KEY.json``.

A key is the scene's number in the shard; its name is in the JSON, since a key must not contain a full stop.
"""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sceneseg.arrays import AnyArray
from sceneseg.shards.index import Pack, PackedScene, damaged, decode_png, encode_png

SUFFIX = ".tar"
encode = encode_png


def write(path: Path, pack: Pack, scenes: Sequence[PackedScene], parts: Sequence[Mapping[str, bytes]]) -> None:
    """Write a shard; equal scenes give equal bytes."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number, (scene, encoded) in enumerate(zip(scenes, parts, strict=True)):
            for name, data in _members(number, pack, scene, encoded):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))


def _members(number: int, pack: Pack, scene: PackedScene, parts: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for part, data in parts.items():
        yield f"{number:06}.{part}.png", data
    facts = {
        "name": scene.name,
        "dataset": pack.dataset,
        "split": pack.split,
        "size": [scene.height, scene.width],
        "classes": pack.label_space.names,
        "sha256": scene.sha256,
    }
    yield f"{number:06}.json", json.dumps(facts).encode()


def places(path: Path, scenes: Sequence[PackedScene]) -> list[dict[str, tuple[int, int]]]:
    """Return the byte range of every image."""
    with tarfile.open(path) as tar:
        inside = {member.name: (member.offset_data, member.size) for member in tar}
    return [{part: inside[f"{n:06}.{part}.png"] for part in scene.sha256} for n, scene in enumerate(scenes)]


def load(path: Path, scene: PackedScene, parts: Sequence[str]) -> dict[str, AnyArray]:
    """Read and decode parts of a scene."""
    loaded: dict[str, AnyArray] = {}
    with path.open("rb") as file:
        for part in parts:
            start, length = scene.at(part, path)
            file.seek(start)
            data = file.read(length)
            if len(data) < length:
                raise damaged(path, f"it ends before the {part} of {scene.name}")
            loaded[part] = decode_png(part, data, path, scene.name)
    return loaded
