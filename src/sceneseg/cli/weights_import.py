"""`sceneseg weights import`: other people's weights."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import panels
from sceneseg.wording import quoted


def import_(
    file: Annotated[str, Parameter(group=panels.MODEL)],
    *,
    out: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    origin: Annotated[str | None, Parameter(name="--from", group=panels.MODEL)] = None,
) -> None:
    """Turn a checkpoint that others published into a weights file of this project.

    Its origin is recognized by its tensors; `sceneseg weights list` and docs/checkpoints.md say what is known.

    Example: sceneseg weights import espnet_p_2_q_8.pth

    Args:
        file: Their file, or a folder with it; nothing in it is executed.
        out: The .safetensors file to write; when absent, FILE's name in the current folder.
        origin: Try this origin alone, for example pidnet or mmseg_pspnet.
    """
    from sceneseg.api.weights import import_weights

    made = import_weights(file, out, origin=origin)
    print(f"{made.path}: {made.model} for the {len(made.classes)} classes of {made.label_space}")
    print(f"origin: {made.origin}, license {made.license}")
    if made.dropped:
        print(f"left out, as only training uses them: {len(made.dropped)} tensors")
    print(f"next: sceneseg predict -w {quoted(made.path)} PHOTO.jpg")
