"""`sceneseg report`: the offline page of a run."""

from pathlib import Path


def report(run: Path, /) -> None:
    """Write the report of a run anew: one offline HTML page with scores, curves and pictures.

    Args:
        run: Run directory, for example runs/demo.
    """
    from sceneseg.report.page import write_report

    print(write_report(run))
