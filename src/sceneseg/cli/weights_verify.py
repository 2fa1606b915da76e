"""`sceneseg weights verify`: whether weights files are as they should be."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.cli.progress import INTERRUPTED, Bars
from sceneseg.config import panels
from sceneseg.errors import RunError


def verify(
    *paths: Annotated[Path, Parameter(group=panels.MODEL)],
    manifest: Annotated[str | None, Parameter(group=panels.MODEL)] = None,
) -> None:
    """Check weights files: readable, whole, loaded strictly, finite, and what they say of classes and score.

    Exit code 1 when one isn't as it should be.

    Example: sceneseg weights verify weights/fast_scnn-camvid.safetensors

    Args:
        paths: Weights files or run directories.
        manifest: Compare with a manifest, a file or web address; with the official one when absent.
    """
    from sceneseg.api.weights import list_weights, verify_weights

    if not paths:
        raise RunError("No weights to check. Pass weights files or run directories.")
    console = terminal(soft_wrap=True)
    with Bars(console, INTERRUPTED) as bars:
        known = list_weights(manifest, on_progress=bars)
        for path in paths:
            tables.print_verified(verify_weights(path, manifest=known, on_progress=bars), console)
    console.print(f"{len(paths)} checked: in order")
