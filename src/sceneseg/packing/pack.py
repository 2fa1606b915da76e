"""Packing a data set into shards, and unpacking it into a folder of PNG files.

A shard appears when it is whole, and ``pack.unfinished.json`` knows it from then on: a pack that was killed resumes
behind it. Scenes are read and encoded by several threads, since decoding, encoding and hashing all let others run.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import yaml

from sceneseg.datasets.base import SceneDataset
from sceneseg.datasets.packed import Packed
from sceneseg.errors import DataError
from sceneseg.labels import IGNORE_INDEX, LabelClass, LabelSpace
from sceneseg.records.run_directory import atomic, write_text
from sceneseg.shards.index import (
    INDEX,
    PARTS,
    UNFINISHED,
    Container,
    EncodedPart,
    Pack,
    PackedScene,
    Shard,
    append_shard,
    container,
    encode_png,
    fingerprint,
    load_checked,
    load_index,
    save_index,
)

SHARD_BYTES, SHARD_SCENES = 2**28, 128
"""A shard holds about so many bytes, all of them in memory when it is written, and at most so many scenes."""

Progress = Callable[[int], None]


def pack(
    dataset: SceneDataset, out: Path, format: str = "safetensors", threads: int = 1, progress: Progress | None = None
) -> int:
    """Pack a split into ``out/<split>``, or resume it; shards whose sources haven't changed stay.

    Args:
        dataset: The split.
        out: Folder of the pack, which other splits may share.
        format: safetensors, tfrecord or webdataset.
        threads: How many read and encode.
        progress: Is called with the number of scenes that are packed so far.

    Returns:
        The number of scenes that had to be written.

    Raises:
        DataError: `out` holds a pack of something else, or a scene can't be read.
    """
    _refuse_equal_names(dataset)
    folder, requested = out / dataset.split, Pack(format, dataset.name, dataset.split, dataset.label_space, [])
    work = _Work(dataset, folder, container(format), progress or (lambda _: None))
    known = _known(folder, requested)
    save_index(folder / UNFINISHED, replace(requested, shards=list(known.values())))
    (folder / INDEX).unlink(missing_ok=True)
    written = 0
    current: dict[str, Shard] = {}
    with ThreadPoolExecutor(max(1, threads)) as pool:
        for number, indices in enumerate(_shards(dataset)):
            file, source = f"{number:05}{work.kind.SUFFIX}", _source(dataset, indices)
            shard = known.get(file)
            if shard is None or shard.source != source or _size(folder / file) != shard.bytes:
                shard = work.write(file, source, requested, indices, pool)
                written += len(indices)
                known[file] = shard
                append_shard(folder / UNFINISHED, shard)
            current[file] = shard
            work.progress(indices.stop)
    save_index(folder / INDEX, replace(requested, shards=list(current.values())))
    (folder / UNFINISHED).unlink()
    for outdated in known.keys() - current.keys():  # of a data set that has become smaller
        if Path(outdated).name == outdated:  # the names come from a file; nothing outside the folder is removed
            (folder / outdated).unlink(missing_ok=True)
    return written


def _refuse_equal_names(dataset: SceneDataset) -> None:
    names = Counter(files.name for files in dataset.files)
    if twice := [name for name, count in names.items() if count > 1]:
        raise DataError(f"{dataset.name}: several scenes are called {', '.join(twice[:3])}. Give each its own name.")


@dataclass
class _Work:
    dataset: SceneDataset
    folder: Path
    kind: Container
    progress: Progress

    def write(self, file: str, source: str, pack: Pack, indices: range, pool: ThreadPoolExecutor) -> Shard:
        scenes, parts = [], []
        for i, (scene, encoded) in zip(indices, pool.map(self._prepare, indices), strict=True):
            scenes.append(scene)
            parts.append(encoded)
            self.progress(i + 1)
        path = self.folder / file
        with atomic(path) as temporary:
            self.kind.write(temporary, pack, scenes, parts)
            places = self.kind.places(temporary, scenes)
        placed = [replace(scene, place=place) for scene, place in zip(scenes, places, strict=True)]
        return Shard(file, path.stat().st_size, source, placed)

    def _prepare(self, i: int) -> tuple[PackedScene, dict[str, EncodedPart]]:
        scene = self.dataset.read(i, with_instances=True)
        found = {part: getattr(scene, part) for part in PARTS if getattr(scene, part) is not None}
        hashes = {part: fingerprint(pixels) for part, pixels in found.items()}
        height, width = scene.image.shape[:2]
        encoded = {part: self.kind.encode(part, pixels, scene.name) for part, pixels in found.items()}
        return PackedScene(scene.name, height, width, hashes), encoded


def _shards(dataset: SceneDataset) -> Iterable[range]:
    """Yield the scenes of each shard, as many as the first scene's size suggests."""
    height, width = dataset.read(0).image.shape[:2]
    count = min(SHARD_SCENES, max(1, SHARD_BYTES // (height * width * 4)))
    for start in range(0, len(dataset), count):
        yield range(start, min(start + count, len(dataset)))


def _source(dataset: SceneDataset, indices: range) -> str:
    """Return a fingerprint of the files of some scenes: another name, size or time makes another one."""
    lines = []
    for files in (dataset.files[i] for i in indices):
        for path in (files.image, files.labels, files.instances):
            facts = path.stat() if path is not None else None
            lines.append(f"{files.name} {facts and (facts.st_size, facts.st_mtime_ns)}")
    return sha256("\n".join(lines).encode()).hexdigest()


def _known(folder: Path, wanted: Pack) -> dict[str, Shard]:
    """Return the shards that an earlier pack of the same split has written."""
    known: dict[str, Shard] = {}
    for name in (INDEX, UNFINISHED):
        if (folder / name).is_file():
            earlier = load_index(folder / name)
            if replace(earlier, shards=[]) != wanted:
                raise DataError(
                    f"{folder}: holds {earlier.dataset} {earlier.split} as {earlier.format} "
                    f'(label space "{earlier.label_space.name}"), not {wanted.dataset} {wanted.split} as '
                    f'{wanted.format} ("{wanted.label_space.name}"). Give another folder, or remove this one.',
                    field="out",
                )
            known |= {shard.file: shard for shard in earlier.shards}
    return known


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def unpack(packed: Packed, out: Path, threads: int = 1, progress: Progress | None = None) -> None:
    """Write a packed split as images, masks (label ids) and a data.yaml, which the data set "folder" reads.

    Every pixel is compared with its checksum. Where the label space has no id for each class and void, masks hold
    train ids.

    Args:
        packed: The split.
        out: Folder for ``images/<split>``, ``masks/<split>``, ``instances/<split>`` and ``data.yaml``.
        threads: How many decode and encode.
        progress: Is called with the number of scenes written so far.

    Raises:
        DataError: A damaged shard, a name that leads out of the folder, or a data.yaml of something else.
    """
    space = _stored_space(packed.pack.label_space)
    description = yaml.safe_dump(describe(space), sort_keys=False, default_flow_style=None, width=100)
    file = out / "data.yaml"
    if file.is_file() and file.read_text(encoding="utf-8") != description:
        raise DataError(
            f"{file}: describes other labels than those of {packed.root}. Give another folder.", field="out"
        )
    write_text(file, description)
    with ThreadPoolExecutor(max(1, threads)) as pool:
        scenes = [(packed.root / packed.split / s.file, scene) for s in packed.pack.shards for scene in s.scenes]
        for done, _ in enumerate(pool.map(partial(_write_scene, packed.pack, space, out), scenes)):
            if progress:
                progress(done + 1)


def _write_scene(pack: Pack, space: LabelSpace, out: Path, place: tuple[Path, PackedScene]) -> None:
    path, scene = place
    folders = dict(zip(PARTS, ("images", "masks", "instances"), strict=True))
    for part, pixels in load_checked(container(pack.format), path, scene).items():
        folder = out / folders[part] / pack.split
        target = folder / f"{scene.name}.png"
        if not target.resolve().is_relative_to(folder.resolve()):
            raise DataError(f'{path}: the scene name "{scene.name}" leads out of {folder}; the pack can\'t be trusted.')
        encoded = encode_png(part, space.decode(pixels) if part == "labels" else pixels, scene.name)
        with atomic(target) as temporary:
            temporary.write_bytes(encoded)


def _stored_space(space: LabelSpace) -> LabelSpace:
    """Return the space itself if `decode` loses nothing in it, otherwise one whose label ids are the train ids."""
    ids = [*(c.label_ids[0] if c.label_ids else -1 for c in space.classes), space.void_label_id]
    if len(set(ids)) == len(ids) and all(0 <= i < 256 for i in ids) and space.void_label_id in (*space.void_ids, 255):
        return space
    plain = tuple(LabelClass(c.name, c.color, (i,), c.category, c.has_instances) for i, c in enumerate(space.classes))
    return LabelSpace(space.name, plain, (IGNORE_INDEX,), IGNORE_INDEX)


def describe(space: LabelSpace) -> dict[str, object]:
    """Return the contents of a data.yaml for masks in a label space; see `sceneseg.datasets._description`."""
    content: dict[str, object] = {"name": space.name, "names": space.names}
    content["ids"] = {label_id: c.name for c in space.classes for label_id in c.label_ids}
    content["void"] = sorted({*space.void_ids, space.void_label_id})
    if len({c.color for c in space.classes}) == len(space):
        content["colors"] = {c.name: list(c.color) for c in space.classes}
    if space.categories:
        content["groups"] = {name: [c.name for c in space.classes if c.category == name] for name in space.categories}
    return content
