"""`sceneseg weights ...`: weights files, ours and other people's."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def import_(*, kind: Annotated[str, Parameter(name="--from")], file: Path, out: Path) -> None:
    """Turn weights that the authors of a network published into a weights file of this project.

    Example: sceneseg weights import --from espnet --file espnet_p_2_q_8.pth --out espnet.safetensors

    Args:
        kind: Whose file it is: espnet or espnet_v2.
        file: Their .pth file; nothing in it is executed.
        out: The .safetensors file to write.
    """
    from sceneseg.tasks.foreign import import_weights

    model = import_weights(kind, file, out)
    print(f"{out}: {model.network.name} for the {len(model.label_space)} classes of {model.label_space.name}")
    print(f"next: sceneseg predict -w {out} PHOTO.jpg")
