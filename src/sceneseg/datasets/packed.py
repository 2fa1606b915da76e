"""A packed data set: the scenes of any other, in a few large files that are read without decoding."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from sceneseg.arrays import AnyArray, InstanceArray, LabelArray
from sceneseg.datasets import register
from sceneseg.datasets.base import NoSplitError, Scene, SceneDataset, SceneFiles, find_root, unlike
from sceneseg.errors import DataError, did_you_mean
from sceneseg.labels import LabelSpace, choose_space
from sceneseg.shards.index import INDEX, UNFINISHED, PackedScene, Shard, container, damaged, load_checked, load_index


@register
class Packed(SceneDataset):
    """Pack written by `sceneseg data pack`: safetensors, TFRecord or WebDataset.

    From safetensors a scene is a view into the mapped file. Nothing is read before somebody looks at the pixels, and
    then only those; a training sample therefore costs its window, not its scene. Opening a split checks the sizes of
    all shards; `verify` checks every pixel. The name of the data set is that of the one that was packed.

    Args:
        root: Folder of the pack.
        split: Any that was packed.
        label_space: Another label space than the packed one, see `sceneseg.labels.choose_space`.
    """

    splits: ClassVar[tuple[str, ...]] = ()

    def __init__(self, root: str | Path | None = None, split: str = "train", label_space: str | None = None) -> None:
        self.root, self.split = find_root("packed", root), split
        self.pack = load_index(self._index())
        self.name = self.pack.dataset
        self.read_in(choose_space(self.pack.label_space, label_space))
        self._places = [(self._shard(shard), scene) for shard in self.pack.shards for scene in shard.scenes]
        if not self._places:
            raise DataError(f"{self._index()}: names no scenes. Pack again.")
        self.files = self.find()
        if len({item.name for item in self.files}) < len(self.files):
            raise DataError(f"{self._index()}: two scenes have one name, so it can't be trusted. Pack again.")

    def find(self) -> list[SceneFiles]:
        """List the scenes; their files are the shards."""
        return [
            SceneFiles(
                scene.name,
                path,
                path if "labels" in scene.sha256 else None,
                path if "instances" in scene.sha256 else None,
            )
            for path, scene in self._places
        ]

    def read_in(self, space: LabelSpace) -> None:
        """Read the labels in another label space from now on; what is packed are train ids, not the stored ones."""
        self.label_space = space
        self._train_ids = None if space == self.pack.label_space else self.pack.label_space.train_ids_in(space)

    def read(self, i: int, *, with_instances: bool = False) -> Scene:
        """Read scene `i`."""
        path, scene = self._places[i]
        requested = [part for part in scene.sha256 if part != "instances" or with_instances]
        parts = container(self.pack.format).load(path, scene, requested)
        labels = parts.get("labels")
        return Scene(parts["image"], self._respaced(labels), parts.get("instances"), scene.name)

    def read_labels(self, i: int) -> LabelArray | None:
        """Read only the train ids of scene `i`."""
        return self._respaced(self._part(i, "labels"))

    def read_instances(self, i: int) -> InstanceArray | None:
        """Read only the instance numbers of scene `i`."""
        return self._part(i, "instances")

    def check(self, i: int) -> None:
        """Compare the pixels of scene `i` with their checksums.

        Raises:
            DataError: Its shard is damaged there.
        """
        path, scene = self._places[i]
        load_checked(container(self.pack.format), path, scene)

    def entry(self, i: int) -> PackedScene:
        """Return the entry of scene `i` in the pack's index."""
        return self._places[i][1]

    def verify(self, progress: Callable[[int], None] | None = None) -> None:
        """Compare every pixel with its checksum.

        Args:
            progress: Is called after each scene with the number of scenes so far.

        Raises:
            DataError: Some shards are damaged; the message names each.
        """
        bad: dict[Path, str] = {}
        for i, (path, _) in enumerate(self._places):
            try:
                self.check(i)
            except DataError as error:
                bad.setdefault(path, str(error))
            if progress:
                progress(i + 1)
        if bad:
            raise DataError("\n".join(bad.values()))

    def _part(self, i: int, part: str) -> AnyArray | None:
        path, scene = self._places[i]
        return container(self.pack.format).load(path, scene, [part])[part] if part in scene.sha256 else None

    def _respaced(self, labels: LabelArray | None) -> LabelArray | None:
        return labels if labels is None or self._train_ids is None else self._train_ids[labels]

    def _index(self) -> Path:
        folder = self.root / self.split
        if (folder / UNFINISHED).is_file() and not (folder / INDEX).is_file():
            raise DataError(f"{folder}: the pack is unfinished. Run `sceneseg data pack` again to complete it.")
        if not (folder / INDEX).is_file():
            packed = sorted(path.parent.name for path in self.root.glob(f"*/{INDEX}"))
            if not packed:
                raise unlike(self.root, f"there is no {self.split}/{INDEX}", "what `sceneseg data pack` made")
            hint = did_you_mean(self.split, packed)
            raise NoSplitError(f'{self.root} has no split "{self.split}".{hint} It has: {", ".join(packed)}.')
        return folder / INDEX

    def _shard(self, shard: Shard) -> Path:
        path = self.root / self.split / shard.file
        size = path.stat().st_size if path.is_file() else None
        if size != shard.bytes:
            found = "no such file" if size is None else f"{size}: it is torn"
            raise damaged(path, f"expected a shard of {shard.bytes} bytes, found {found}")
        return path
