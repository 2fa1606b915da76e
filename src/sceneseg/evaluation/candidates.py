"""Scores of a comparison's candidates: taken where they aren't yet, and all of them in one label space."""

from collections.abc import Callable, Mapping

from sceneseg.evaluation import joint_space, scoring, stored
from sceneseg.evaluation.consistency import is_whole
from sceneseg.evaluation.request import Request
from sceneseg.progress import OnStep
from sceneseg.records.comparison_plan import ComparisonPlan
from sceneseg.records.joint_scores import write_joint_scores
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory


def score_candidates(
    comparison: ComparisonDirectory,
    runs: Mapping[str, RunDirectory],
    plan: ComparisonPlan,
    device: str,
    on_run: Callable[[str, str], OnStep],
) -> None:
    """Score the best weights on the split of the plan where that isn't done yet, and all of them in one label space.

    Args:
        comparison: Where the scores in one label space are noted.
        runs: Runs with weights, by their folders in the plan.
        plan: Of the comparison.
        device: Where networks run.
        on_run: Is called with the folder and the split of a run that is scored; what it returns is called after each
            image.
    """
    places = {}
    for folder, run in runs.items():
        trained, place = run.load_config().data, run
        if plan.split not in (None, trained.val_split):
            request = Request(None, None, plan.split, device=device, absent=plan.absent or "skip")
            if not stored.is_current(run.path, request):
                scoring.score_weights(run.path, request, on_run(folder, request.split))
            place = run.evaluation(f"{trained.name}-{request.split}")
        if run.labels.is_file() and is_whole(place):
            places[folder] = place
    write_joint_scores(comparison, None)
    write_joint_scores(comparison, joint_space.score_together(places, plan.score_in))
