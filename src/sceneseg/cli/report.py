"""`sceneseg report`: the offline page of a run."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import panels


def report(run: Annotated[Path, Parameter(group=panels.MODEL)], /) -> None:
    """Write the report of a run anew: one offline HTML page with scores, curves and images.

    Example: sceneseg report runs/demo/fast_scnn

    Args:
        run: Run directory, for example runs/demo/fast_scnn.
    """
    from sceneseg.api import report as api

    written = api.report(run)
    if written.mean_iou is not None:
        print(f"mean IoU  {written.mean_iou:.2%} (validation)")
    print(f"report    {written.path}")
