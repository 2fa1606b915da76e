"""`sceneseg weights list`: published weights."""

import json as writer
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli import tables
from sceneseg.cli.output import terminal
from sceneseg.cli.progress import INTERRUPTED, Bars
from sceneseg.config import panels


def list_(
    *,
    manifest: Annotated[str | None, Parameter(group=panels.MODEL)] = None,
    json: Annotated[bool, Parameter(group=panels.OUTPUT)] = False,
) -> None:
    """List published weights with model, score, size and license.

    Example: sceneseg weights list --manifest https://example.org/weights/manifest.yaml

    Args:
        manifest: A manifest file or its web address; the official one when absent.
        json: Print the entries as JSON.
    """
    from sceneseg.api.weights import list_weights

    console = terminal(soft_wrap=True)
    with Bars(console, INTERRUPTED) as bars:
        found = list_weights(manifest, on_progress=bars)
    if json:
        print(writer.dumps([asdict(entry) for entry in found.entries], indent=2))
    elif not found.entries:
        console.print(f"Nothing has been published yet: {found.origin} is empty.")
        console.print("`sceneseg weights list --manifest FILE_OR_URL` reads another one,")
        console.print("`sceneseg weights manifest RUN --url ADDRESS --license NAME` makes one.")
    else:
        terminal(width=max(console.width, 100)).print(tables.published_weights(found.entries))
