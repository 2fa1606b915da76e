"""Shards in the format safetensors: the pixels themselves, memory-mapped, so that only what is looked at is read.

The header holds the shard's scenes as in ``pack.json``, and each part is a tensor called ``NAME.image``, ...:
any reader of safetensors can use a shard alone.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import save_file

from sceneseg.arrays import AnyArray
from sceneseg.errors import DataError
from sceneseg.records.temporaries import temporary_folder
from sceneseg.shards.index import DTYPES, VERSION, Pack, PackedScene, damaged

SUFFIX = ".safetensors"


def encode(part: str, pixels: AnyArray, name: str) -> AnyArray:
    """Return a part as it lies in memory."""
    return np.ascontiguousarray(pixels, DTYPES[part])


def write(path: Path, pack: Pack, scenes: Sequence[PackedScene], parts: Sequence[Mapping[str, AnyArray]]) -> None:
    """Write a shard with a header that says what it is."""
    tensors = {
        f"{scene.name}.{part}": pixels
        for scene, loaded in zip(scenes, parts, strict=True)
        for part, pixels in loaded.items()
    }
    facts = {
        "version": VERSION,
        "dataset": pack.dataset,
        "split": pack.split,
        "label_space": pack.label_space.to_dict(),
        "scenes": [{key: value for key, value in asdict(scene).items() if key != "place"} for scene in scenes],
    }
    try:
        with temporary_folder(path.name, path.parent) as folder:  # safetensors has temporaries of its own
            save_file(tensors, folder / "shard", metadata={"sceneseg_pack": json.dumps(facts)})
            (folder / "shard").replace(path)
    except SafetensorError as error:  # which is how it tells of a full disk
        raise DataError(
            f"{path.parent}: a shard can't be written ({error}). Free some space and run the command again to resume."
        ) from error


def places(path: Path, scenes: Sequence[PackedScene]) -> list[dict[str, tuple[int, int]]]:
    """Return the byte range of every tensor, from the file's header."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))

    def place(tensor: str) -> tuple[int, int]:
        start, end = header[tensor]["data_offsets"]
        return (8 + length + start, end - start)

    return [{part: place(f"{scene.name}.{part}") for part in scene.sha256} for scene in scenes]


def load(path: Path, scene: PackedScene, parts: Sequence[str]) -> dict[str, AnyArray]:
    """Map parts of a scene: nothing is read before somebody looks at it, and changes stay in the caller's memory."""
    try:
        return {
            part: np.asarray(np.memmap(path, DTYPES[part], "c", scene.at(part, path)[0], scene.shape(part)))
            for part in parts
        }
    except (OSError, ValueError) as error:
        raise damaged(path, f"{scene.name} can't be read ({error})") from None
