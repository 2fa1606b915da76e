"""`pack`, `unpack` and `verify_pack`: a split in a few large files that need no decoding."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sceneseg.api.progress import OnProgress, counter, ignore
from sceneseg.api.splits import open_split
from sceneseg.datasets.packed import Packed
from sceneseg.packing import pack as packing


@dataclass(frozen=True)
class PackedSplit:
    """A split in shards.

    Args:
        dataset: Name of the packed data set.
        split: The split.
        path: Folder of the shards.
        scenes: Number of scenes.
        shards: Number of shards.
        written: Number of scenes that `pack` had to write; the others lay in shards already.

    Example:
        >>> import sceneseg
        >>> sceneseg.pack("cityscapes", "data/toy", split="val", out="data/packed").written  # it is there already
        0
    """

    dataset: str
    split: str
    path: Path
    scenes: int
    shards: int
    written: int = 0


@dataclass(frozen=True)
class UnpackedSplit:
    """A split as PNG files that `unpack` wrote.

    Args:
        dataset: Name of the data set.
        split: The split.
        path: The folder; the data set "folder" reads it.
        scenes: Number of scenes.

    Example:
        >>> import sceneseg
        >>> sceneseg.unpack("data/packed", split="val", out="data/unpacked").dataset
        'cityscapes'
    """

    dataset: str
    split: str
    path: Path
    scenes: int


def pack(
    data: str,
    root: str | Path | None = None,
    *,
    out: str | Path,
    split: str = "train",
    format: Literal["safetensors", "tfrecord", "webdataset"] = "safetensors",
    label_space: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    workers: int | None = None,
    on_progress: OnProgress = ignore,
) -> PackedSplit:
    """Pack a split, losslessly; an interrupted pack is completed, one whose files have changed is brought up to date.

    Args:
        data: Name of the data set.
        root: Its folder; the environment variable ``<NAME>_DATASET`` when absent.
        out: Folder to write; each split has its own folder in it.
        split: The split.
        format: safetensors holds bare pixels, of which training reads only what a sample needs, without decoding, in
            files 3 to 4 times as large as PNG; tfrecord and webdataset hold PNG files, for other programs.
        label_space: Pack the labels in another label space.
        options: Further arguments of the data set.
        workers: Threads that read and encode; all cores when absent.
        on_progress: Called after each scene.

    Raises:
        DataError: The folder holds a pack of something else, or a scene can't be read.

    Example:
        >>> import sceneseg
        >>> packed = sceneseg.pack("cityscapes", "data/toy", split="val", out="data/packed")
        >>> packed.path.as_posix(), packed.scenes
        ('data/packed/val', 2)
    """
    dataset, folder = open_split(data, root, split, label_space, options), Path(out).expanduser()
    count = counter(on_progress, f"packing {data} {split}", len(dataset))
    written = packing.pack(dataset, folder, format, workers or os.cpu_count() or 1, count)
    return _facts(Packed(folder, split), written)


def unpack(
    root: str | Path,
    *,
    out: str | Path,
    split: str = "train",
    workers: int | None = None,
    on_progress: OnProgress = ignore,
) -> UnpackedSplit:
    """Write a packed split as PNG files with a data.yaml; every pixel is compared with its checksum.

    Args:
        root: Folder of the pack.
        out: Folder to write; the data set "folder" reads it.
        split: The split.
        workers: Threads that decode and encode; all cores when absent.
        on_progress: Called after each scene.

    Raises:
        DataError: A shard is damaged, or the folder holds something else.

    Example:
        >>> import sceneseg
        >>> sceneseg.unpack("data/packed", split="val", out="data/unpacked").scenes
        2
    """
    packed, folder = Packed(root, split), Path(out).expanduser()
    count = counter(on_progress, f"unpacking {packed.name} {split}", len(packed))
    packing.unpack(packed, folder, workers or os.cpu_count() or 1, count)
    return UnpackedSplit(packed.name, split, folder, len(packed))


def verify_pack(root: str | Path, *, split: str = "train", on_progress: OnProgress = ignore) -> PackedSplit:
    """Compare every pixel of a packed split with its checksum.

    Args:
        root: Folder of the pack.
        split: The split.
        on_progress: Called after each scene.

    Raises:
        DataError: Shards are damaged; the message names each.

    Example:
        >>> import sceneseg
        >>> sceneseg.verify_pack("data/packed", split="val").scenes
        2
    """
    packed = Packed(root, split)
    packed.verify(counter(on_progress, f"checking {packed.name} {split}", len(packed)))
    return _facts(packed)


def _facts(packed: Packed, written: int = 0) -> PackedSplit:
    path, shards = packed.root / packed.split, len(packed.pack.shards)
    return PackedSplit(packed.name, packed.split, path, len(packed), shards, written)
