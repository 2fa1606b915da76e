"""`sceneseg weights get`: a published weights file."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.cli.progress import INTERRUPTED, Bars
from sceneseg.config import panels
from sceneseg.wording import quoted


def get(
    name: Annotated[str, Parameter(group=panels.MODEL)],
    /,
    *,
    manifest: Annotated[str | None, Parameter(group=panels.MODEL)] = None,
    out: Annotated[Path, Parameter(group=panels.OUTPUT)] = Path("weights"),
) -> None:
    """Fetch published weights; an interrupted download is resumed, and the checksum decides whether it is right.

    Example: sceneseg weights get fast_scnn-camvid --manifest https://example.org/weights/manifest.yaml

    Args:
        name: As `sceneseg weights list` shows it.
        manifest: A manifest file or its web address; the official one when absent.
        out: Folder for the file.
    """
    from sceneseg.api.weights import get_weights

    console = terminal(soft_wrap=True)
    with Bars(console, INTERRUPTED) as bars:
        fetched = get_weights(name, manifest=manifest, out=out, on_progress=bars)
    console.print(f"next: sceneseg predict -w {quoted(fetched.path)} PHOTO.jpg")
