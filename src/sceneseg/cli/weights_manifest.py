"""`sceneseg weights manifest`: weights ready for publishing."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.cli.progress import INTERRUPTED, Bars
from sceneseg.config import panels


def manifest(
    *runs: Annotated[Path, Parameter(group=panels.MODEL)],
    url: Annotated[str, Parameter(group=panels.OUTPUT)],
    license: Annotated[str, Parameter(group=panels.OUTPUT)],
    out: Annotated[Path, Parameter(group=panels.OUTPUT)] = Path("published"),
    name: Annotated[str | None, Parameter(group=panels.OUTPUT)] = None,
) -> None:
    """Prepare weights for publishing: a folder to upload, with the files, the cards of runs and the manifest.

    Entries that the folder's manifest has already stay, or are replaced by new ones of their name.

    Example: sceneseg weights manifest runs/camvid-fast_scnn --url https://example.org/weights --license cc-by-nc-4.0

    Args:
        runs: Run directories (their best weights), or weights files.
        url: Web address that the folder will have.
        license: Of the weights, as an SPDX name: apache-2.0, cc-by-nc-4.0, ...
        out: The folder.
        name: What the weights are published as; the run's or file's name when absent.
    """
    from sceneseg.api.publish import make_manifest

    console = terminal(soft_wrap=True)
    with Bars(console, INTERRUPTED) as bars:
        made = make_manifest(*runs, url=url, license=license, out=out, name=name, on_progress=bars)
    console.print(f"{made.manifest}: {len(made.entries)} in it. Upload {out} to {url}, then anybody can say:")
    console.print(f"sceneseg weights get NAME --manifest {url.rstrip('/')}/manifest.yaml")
