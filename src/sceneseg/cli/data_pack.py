"""`sceneseg data pack`: a split in a few large files that need no decoding."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sceneseg.cli.progress import Bars
from sceneseg.config import command_line, panels
from sceneseg.ranges import Workers
from sceneseg.wording import counted, quoted


def pack(
    *,
    data: Annotated[str, Parameter(name=("--data", "-d"), group=panels.DATA)],
    root: Annotated[str | None, Parameter(name=("--root", "-p"), group=panels.DATA)] = None,
    split: Annotated[str, Parameter(group=panels.DATA)] = "train",
    out: Annotated[Path, Parameter(group=panels.OUTPUT)],
    format: Annotated[Literal["safetensors", "tfrecord", "webdataset"], Parameter(group=panels.OUTPUT)] = "safetensors",
    label_space: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    options: Annotated[dict[str, str] | None, Parameter(name="--options", group=panels.DATA)] = None,
    workers: Annotated[Workers | None, Parameter(group=panels.RUNTIME)] = None,
) -> None:
    """Pack a split, losslessly; an interrupted pack is completed, one whose files have changed is brought up to date.

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
        options: Further arguments of the data set, for example --options.cities [aachen]
        workers: Threads that read and encode; all cores when absent.
    """
    from sceneseg.api import packs

    with Bars() as bars:
        packed = packs.pack(
            data,
            root,
            split=split,
            out=out,
            format=format,
            label_space=label_space,
            options=command_line.nested(options),
            workers=workers,
            on_progress=bars,
        )
    print(f"{counted(packed.scenes, 'scene')} in {packed.path}, {packed.written} of them written now.")
    print(f"Train on them with: sceneseg train -d packed -p {quoted(out)}")
