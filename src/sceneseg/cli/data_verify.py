"""`sceneseg data verify`: the checksums of a packed split."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli.progress import Bars
from sceneseg.config import panels
from sceneseg.wording import counted


def verify(
    *,
    root: Annotated[Path, Parameter(name=("--root", "-p"), group=panels.DATA)],
    split: Annotated[str, Parameter(group=panels.DATA)] = "train",
) -> None:
    """Compare every pixel of a packed split with its checksum; names each damaged shard.

    Example: sceneseg data verify -p packed --split train

    Args:
        root: Folder of the pack.
        split: The part to check.
    """
    from sceneseg.api.packs import verify_pack

    with Bars() as bars:
        packed = verify_pack(root, split=split, on_progress=bars)
    print(f"{counted(packed.scenes, 'scene')} in {counted(packed.shards, 'shard')}: as they were packed.")
