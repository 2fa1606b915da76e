"""`sceneseg weights import`: other people's weights."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import panels
from sceneseg.wording import quoted


def import_(
    *,
    origin: Annotated[str, Parameter(name="--from", group=panels.MODEL)],
    file: Annotated[Path, Parameter(group=panels.MODEL)],
    out: Annotated[Path, Parameter(group=panels.OUTPUT)],
) -> None:
    """Turn weights that the authors of a network published into a weights file of this project.

    Example: sceneseg weights import --from espnet --file espnet_p_2_q_8.pth --out espnet.safetensors

    Args:
        origin: Origin of the file: espnet or espnet_v2.
        file: Their .pth file; nothing in it is executed.
        out: The .safetensors file to write.
    """
    from sceneseg.api.weights import import_weights

    made = import_weights(origin, file, out)
    print(f"{out}: {made.model} for the {len(made.classes)} classes of {made.label_space}")
    print(f"next: sceneseg predict -w {quoted(out)} PHOTO.jpg")
