"""`sceneseg data pack`, `unpack` and `verify`: a data set in a few large files that need no decoding."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sceneseg.config import command_line
from sceneseg.ranges import Workers
from sceneseg.wording import counted, quoted


def pack(
    *,
    data: Annotated[str, Parameter(name=("--data", "-d"))],
    root: Annotated[str | None, Parameter(name=("--root", "-p"))] = None,
    split: str = "train",
    out: Path,
    format: Literal["safetensors", "tfrecord", "webdataset"] = "safetensors",
    label_space: str | None = None,
    option: Annotated[dict[str, str], Parameter(name="--options")] = {},  # noqa: B006 (never changed)
    workers: Workers | None = None,
) -> None:
    """Pack a split, losslessly; one that was interrupted goes on, one whose files have changed is brought up to date.

    Safetensors hold bare pixels: training reads only the part that a sample needs, without decoding, and the files
    are 3 to 4 times as large as PNG. TFRecord and WebDataset hold PNG files, for other programs.

    Example: sceneseg data pack -d cityscapes -p ~/Cityscapes --split train --out packed
             sceneseg train -d packed -p packed

    Args:
        data: Data set: cityscapes, camvid, ...
        root: Its folder; without it the environment variable <NAME>_DATASET.
        split: The part to pack; each has its own folder in OUT.
        out: Folder to write.
        format: Kind of file.
        label_space: Pack the labels in another label space.
        option: Further arguments of the data set, for example --options.cities [aachen]
        workers: Threads that read and encode; all cores when absent.
    """
    import os

    from rich.progress import Progress

    from sceneseg import datasets as shelf
    from sceneseg.packing import pack

    arguments = command_line.nested(option)
    if label_space is not None:
        arguments["label_space"] = label_space
    dataset = shelf.create(data, root=root, split=split, **arguments)
    with Progress(transient=True) as progress:
        task = progress.add_task(f"packing {data} {split}", total=len(dataset))
        threads = workers or os.cpu_count() or 1
        written = pack.pack(dataset, out, format, threads, lambda done: progress.update(task, completed=done))
    print(f"{counted(len(dataset), 'scene')} in {out / split}, {written} of them written now.")
    print(f"Train on them with: sceneseg train -d packed -p {quoted(out)}")


def unpack(
    *,
    root: Annotated[Path, Parameter(name=("--root", "-p"))],
    split: str = "train",
    out: Path,
    workers: Workers | None = None,
) -> None:
    """Write a packed split as PNG files with a data.yaml; every pixel is compared with its checksum.

    Example: sceneseg data unpack -p packed --split train --out pictures

    Args:
        root: Folder of the pack.
        split: The part to unpack.
        out: Folder to write; then: sceneseg train -d folder -p OUT
        workers: Threads that decode and encode; all cores when absent.
    """
    import os

    from rich.progress import Progress

    from sceneseg.datasets.packed import Packed
    from sceneseg.packing import pack

    packed = Packed(root, split)
    with Progress(transient=True) as progress:
        task = progress.add_task(f"unpacking {packed.name} {split}", total=len(packed))
        pack.unpack(packed, out, workers or os.cpu_count() or 1, lambda done: progress.update(task, completed=done))
    print(f"{counted(len(packed), 'scene')} in {out}. Use them with: -d folder -p {out}")


def verify(*, root: Annotated[Path, Parameter(name=("--root", "-p"))], split: str = "train") -> None:
    """Compare every pixel of a packed split with its checksum; names each damaged shard.

    Example: sceneseg data verify -p packed --split train

    Args:
        root: Folder of the pack.
        split: The part to check.
    """
    from rich.progress import Progress

    from sceneseg.datasets.packed import Packed

    packed = Packed(root, split)
    with Progress(transient=True) as progress:
        task = progress.add_task(f"checking {packed.name} {split}", total=len(packed))
        packed.verify(lambda done: progress.update(task, completed=done))
    shards = counted(len(packed.pack.shards), "shard")
    print(f"{counted(len(packed), 'scene')} in {shards}: as they were packed.")
