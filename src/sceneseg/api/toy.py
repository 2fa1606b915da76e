"""`make_toy`: toy street scenes in the layout of Cityscapes."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from sceneseg.api.progress import OnProgress, counter, ignore
from sceneseg.arrays import ImageSize
from sceneseg.toy.writing import assign_splits, write_toy_scenes


@dataclass(frozen=True)
class ToyData:
    """A toy data set that was written.

    Args:
        path: Its folder; the data set "cityscapes" reads it.
        scenes: Split -> number of its scenes.
        size: (height, width) of the images in pixels.
        seed: Seed they were drawn with.

    Example:
        >>> import sceneseg
        >>> sceneseg.make_toy("street", count=2, size=(32, 64)).path.name
        'street'
    """

    path: Path
    scenes: dict[str, int]
    size: ImageSize
    seed: int


def make_toy(
    out: str | Path,
    *,
    count: int = 40,
    size: ImageSize = (256, 512),
    seed: int = 0,
    on_progress: OnProgress = ignore,
) -> ToyData:
    """Draw toy street scenes in the layout of Cityscapes, all 19 classes, to try everything without a download.

    The folder appears when everything is written, and takes the place of an earlier toy set.

    Args:
        out: Folder to write.
        count: Number of scenes, split into train, val and test.
        size: (height, width) of the images in pixels.
        seed: The same seed draws the same scenes.
        on_progress: Called after each scene.

    Raises:
        DataError: No scenes or tiny ones are requested, or the folder holds something other than toy scenes.

    Example:
        >>> import sceneseg
        >>> toy = sceneseg.make_toy("street", count=4, size=(32, 64))
        >>> toy.scenes
        {'train': 2, 'val': 1, 'test': 1}
    """
    path = Path(out)
    write_toy_scenes(path, count, size, seed, counter(on_progress, "drawing street scenes", count))
    return ToyData(path, dict(Counter(split for split, _ in assign_splits(count))), size, seed)
