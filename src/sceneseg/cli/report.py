"""`sceneseg report`: the offline page of a run."""

from pathlib import Path


def report(run: Path, /) -> None:
    """Write the report of a run anew: one offline HTML page with scores, curves and pictures.

    Args:
        run: Run directory, for example runs/demo/fast_scnn.
    """
    from sceneseg.records.run_directory import RunDirectory
    from sceneseg.records.scores import read_scores
    from sceneseg.report.run.page import write_report

    page, metrics = write_report(run), RunDirectory(run).metrics
    score = read_scores(metrics).means.get("mean_iou") if metrics.is_file() else None
    print(f"report    {page}" if score is None else f"mean IoU  {score:.2%} (validation)\nreport    {page}")
