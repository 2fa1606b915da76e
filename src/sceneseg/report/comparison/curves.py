"""Learning curves of a comparison's page: scores and losses over the part of its training that each model had done."""

from collections.abc import Sequence

from markupsafe import Markup

from sceneseg.report.comparison.candidates import Candidate, CandidateRun
from sceneseg.report.comparison.results import RankedCandidate
from sceneseg.report.svg.charts import Curve, line_chart


def curves(rows: Sequence[RankedCandidate], candidates: Sequence[Candidate], colors: dict[str, str]) -> list[Markup]:
    """Draw how score and loss came about."""
    runs = {candidate.name: candidate.first for candidate in candidates}
    splits = dict.fromkeys(str(run.setting("data.val_split") or "") for run in runs.values() if run.contents)
    split = f" on {' and '.join(splits)}" if any(splits) else ""
    charts = []
    for key, title, in_percent in (("mean_iou", f"Mean IoU{split}", True), ("loss", "Training loss", False)):
        drawn = [curve for row in rows if (curve := _curve(row.name, runs[row.name], key, colors[row.name]))]
        if drawn:
            charts.append(line_chart(drawn, title=title, x_name="training", x_unit=" %", in_percent=in_percent))
    return charts


def _curve(name: str, run: CandidateRun, key: str, color: str) -> Curve | None:
    pairs = zip(run.column("step"), run.column(key), strict=True)
    known = [(step, value) for step, value in pairs if step is not None and step > 0 and value is not None]
    if len(known) < 2:
        return None
    last_step, _ = known[-1]
    return Curve(name, [round(100 * step / last_step) for step, _ in known], [value for _, value in known], color)
