"""`report`: the offline page of a run."""

from dataclasses import dataclass
from pathlib import Path

from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.scores import read_scores
from sceneseg.report.run.page import write_report


@dataclass(frozen=True)
class WrittenReport:
    """The page of a run that was written.

    Args:
        path: The HTML file.
        mean_iou: Mean IoU on the validation split, 0..1; None where the run has none.

    Example:
        >>> import sceneseg
        >>> 0 <= sceneseg.report("runs/small").mean_iou <= 1
        True
    """

    path: Path
    mean_iou: float | None


def report(run: str | Path) -> WrittenReport:
    """Write the report of a run anew: one offline HTML page with scores, curves and images.

    Args:
        run: Run directory.

    Raises:
        RunError: The folder isn't a run, or its files can't be read.

    Example:
        >>> import sceneseg
        >>> sceneseg.report("runs/small").path.as_posix()
        'runs/small/report.html'
    """
    page, metrics = write_report(Path(run)), RunDirectory(Path(run)).metrics
    return WrittenReport(page, read_scores(metrics).means.get("mean_iou") if metrics.is_file() else None)
