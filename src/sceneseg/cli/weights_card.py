"""`sceneseg weights card`: the model card of a run."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import panels


def card(
    run: Annotated[Path, Parameter(group=panels.MODEL)],
    /,
    *,
    out: Annotated[Path | None, Parameter(group=panels.OUTPUT)] = None,
    license: Annotated[str, Parameter(group=panels.OUTPUT)] = "",
    name: Annotated[str | None, Parameter(group=panels.OUTPUT)] = None,
) -> None:
    """Write the model card of a run in Markdown: data, protocol, scores, recipe, cost, limits, licenses.

    It begins with the header that Hugging Face reads; every figure comes from the run's files.

    Example: sceneseg weights card runs/demo/fast_scnn --license cc-by-nc-4.0 --out README.md

    Args:
        run: Run directory.
        out: File to write; RUN/model_card.md when absent.
        license: Of the weights, as an SPDX name: apache-2.0, cc-by-nc-4.0, ...
        name: What the weights are published as; the run's name when absent.
    """
    from sceneseg.api.publish import model_card

    print(f"written to {model_card(run, out=out, license=license, name=name).path}")
