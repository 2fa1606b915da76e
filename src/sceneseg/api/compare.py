"""`compare`: which models are good and fast enough, of finished runs or of models that are trained for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from sceneseg import datasets
from sceneseg.api.options import configure, nested
from sceneseg.api.progress import OnProgress, Progress, counter, ignore
from sceneseg.arrays import ImageSize
from sceneseg.bench.comparison import time_candidates, weights_of
from sceneseg.config.layering import flat
from sceneseg.config.schema import Config
from sceneseg.config.variants import asked_by_candidates, listed, make_variants
from sceneseg.errors import ConfigError, ScenesegError, refuse_options
from sceneseg.evaluation.candidates import score_candidates
from sceneseg.records.comparison_plan import Budget, ComparisonPlan, read_plan
from sceneseg.records.locks import alone
from sceneseg.records.protocol import AbsentRule
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory
from sceneseg.report.comparison.page import write_comparison
from sceneseg.report.comparison.results import ComparisonResults, RankedCandidate
from sceneseg.report.run.page import write_report
from sceneseg.task_facts import facts_of
from sceneseg.tasks import task_of
from sceneseg.training import experiment
from sceneseg.training.budget import parse_duration

Say = Callable[[str], object]


@dataclass(frozen=True)
class Comparison:
    """Result of a comparison.

    Args:
        path: Its folder.
        finished: Whether all was trained; an interrupted comparison is resumed by the same call.
        results: What comparison.json holds; None before it is finished.

    Example:
        >>> import sceneseg
        >>> comparison = sceneseg.compare(["runs/small"], latency=False, device="cpu")
        >>> best = comparison.ranking[0]
        >>> best.mean_iou.low <= best.mean_iou.value <= best.mean_iou.high
        True
    """

    path: Path
    finished: bool
    results: ComparisonResults | None

    @property
    def page(self) -> Path:
        """The offline page."""
        return ComparisonDirectory(self.path).page

    @property
    def figures(self) -> Path:
        """comparison.json, with all figures and the files they come from."""
        return ComparisonDirectory(self.path).results

    @property
    def answer(self) -> str:
        """The result in sentences."""
        if self.results is None:
            return ""
        answer = self.results.answer
        return " ".join([answer.headline, *answer.details]).replace("`", "")

    @property
    def ranking(self) -> tuple[RankedCandidate, ...]:
        """Candidates that can be compared, the best first."""
        return self.results.ranking.candidates if self.results else ()


def compare(
    finished: str | PathLike[str] | Sequence[str | PathLike[str]] = (),
    *,
    models: str | Sequence[str] = (),
    vary: str | Sequence[str] | Mapping[str, Sequence[Any]] = (),
    config: str | PathLike[str] | Config | None = None,
    budget: str | None = None,
    steps: int | None = None,
    seeds: int | None = None,
    split: str | None = None,
    score_in: str | None = None,
    absent: AbsentRule | None = None,
    runs: str | PathLike[str] = "runs",
    resume: str | PathLike[str] | None = None,
    retry: bool = False,
    latency: bool = True,
    size: ImageSize | None = None,
    repetitions: int = 30,
    on_progress: OnProgress = ignore,
    **options: Any,
) -> Comparison:
    """Compare models: finished runs, or models that are trained for it under one budget.

    An experiment that was stopped is resumed by the same call. A candidate whose training fails is noted with the
    reason, and the others are compared.

    Args:
        finished: Run directories. Without them an experiment is made of `models` or `vary`.
        models: Candidates: names of models, or YAML files with the values that are a candidate's own.
        vary: Key of the configuration -> its values, as a mapping or as "KEY=A,B"; several make all combinations.
        config: YAML file, recipe or configuration of all candidates.
        budget: Time of training of each candidate: "90s", "10m", "2h".
        steps: Steps of each candidate. Without budget and steps all train for `epochs`.
        seeds: Trainings of each candidate from seeds that follow one another; one when absent.
        split: Score the best weights on this split; the one they were chosen on when absent.
        score_in: Score all in this label space, see `evaluate`; when absent and the candidates' label spaces differ, in
            the one that most of them can be mapped to.
        absent: "skip" or "zero", see `evaluate`; the rule of each candidate's scores when absent.
        runs: Folder of the run directories; the comparison is a folder in it, named by `name`.
        resume: Resume this comparison.
        retry: Train those anew that failed before.
        latency: Measure how long predictions take on this machine.
        size: (height, width) in pixels of the image whose prediction is timed; that of the validation images when
            absent.
        repetitions: Predictions of each model that are timed.
        on_progress: Called before each training, after each image and prediction, and with messages.
        options: Of the trainings, as `train` takes them; `name` and `device` also for finished runs.

    Returns:
        The ranking and the files; its `ranking` is empty where no candidate has come to a score.

    Raises:
        ConfigError: Arguments that don't go together, or don't fit.
        DataError: The data or the split isn't there.
        RunError: A run or the comparison can't be read, or another process works on it.

    Example:
        >>> import sceneseg
        >>> comparison = sceneseg.compare(["runs/small"], latency=False, device="cpu")
        >>> [candidate.name for candidate in comparison.ranking], comparison.page.name
        (['small'], 'comparison.html')
    """
    changes = nested(options)
    say = _messages(on_progress)
    rules = (split, score_in, absent)
    made_by: dict[str, object] = {"models": models or None, "vary": vary or None, "budget": budget, "steps": steps}
    made_by |= {"seeds": seeds, "config": config}
    if resume is not None:
        planned = {"finished": finished or None, "split": split, "score_in": score_in, "name": changes.get("name")}
        reason = "resume continues a plan that is made. Leave these out, or resume."
        _refuse(planned | {"absent": absent} | made_by, changes, reason)
        comparison = ComparisonDirectory(Path(resume))
        read_plan(comparison)  # before anything is locked or written there
    elif finished:
        reason = "finished runs are compared as they are. Leave these out, or the runs."
        _refuse(made_by | {"retry": retry}, changes, reason)
        folders = [finished] if isinstance(finished, str | PathLike) else finished
        comparison = _of_runs([Path(run) for run in folders], changes.get("name"), Path(runs), rules)
    elif models or vary:
        chosen, asked = configure(config, changes)
        names = listed([models] if isinstance(models, str) else models)
        variants = make_variants(chosen, names, _varied(vary))
        asked += asked_by_candidates(names)
        spent = _budget(chosen, changes, budget, steps)
        plan = experiment.make_plan(variants, spent, seeds or 1, *rules, asked=asked)
        name = f"compare-{chosen.data.name}" if chosen.name is None else chosen.name
        comparison, there = experiment.open_comparison(Path(runs), name, lambda c: plan)
        if there:
            say(f"{comparison.path} is this comparison, and is resumed.")
    else:
        raise ConfigError("Nothing to compare. Give run directories, models, or keys to vary.", field="models")
    device = changes.get("train", {}).get("device")
    with alone(comparison.path):
        if not experiment.carry_out(comparison, retry, say):
            return Comparison(comparison.path, False, None)
        results = _finish(comparison, device, (size, repetitions) if latency else None, on_progress)
    return Comparison(comparison.path, True, results)


def _messages(on_progress: OnProgress) -> Say:
    """Return a function that reports sentences as messages."""
    return lambda text: on_progress(Progress(message=text))


def _refuse(given: Mapping[str, Any], changes: Mapping[str, object], reason: str) -> None:
    """Refuse what belongs to another way of comparing; a name and a device belong to all."""
    trained = {key: True for key in flat(changes) if key not in {"name", "train.device"}}
    refuse_options({**given, **trained}, reason)


def _of_runs(
    finished: Sequence[Path], name: str | None, runs: Path, rules: tuple[str | None, str | None, AbsentRule | None]
) -> ComparisonDirectory:
    """Open the comparison of finished runs."""
    experiment.plan_of_runs(finished, str, *rules)  # mistakes come before the folder
    comparison, _ = experiment.open_comparison(
        runs,
        "comparison" if name is None else name,
        lambda c: experiment.plan_of_runs(finished, c.folder_of, *rules),
    )
    return comparison


def _varied(vary: str | Sequence[str] | Mapping[str, Sequence[Any]]) -> list[str]:
    """Write keys and their values as they are typed: optim.name=sgd,adamw; sizes as 180x240."""
    if not isinstance(vary, Mapping):
        return [vary] if isinstance(vary, str) else list(vary)
    words = {
        key: ["x".join(map(str, value)) if isinstance(value, tuple | list) else str(value) for value in values]
        for key, values in vary.items()
    }
    return [f"{key}={','.join(values)}" for key, values in words.items()]


def _budget(config: Config, changes: Mapping[str, object], budget: str | None, steps: int | None) -> Budget:
    if budget is not None and steps is not None:
        raise ConfigError("budget and steps both say how long to train. Give one of them.", field="budget")
    if budget is not None or steps is not None:
        lengths = ("epochs", "steps_per_epoch", "validate_every")
        refuse_options(
            {f"train.{key}": flat(changes).get(f"train.{key}") for key in lengths},
            "budget and steps decide it. Leave it out, or them.",
        )
    if budget is not None:
        return Budget("time", parse_duration(budget))
    return Budget("epochs", config.train.epochs) if steps is None else Budget("steps", steps)


def _finish(
    comparison: ComparisonDirectory,
    device: str | None,
    timed: tuple[ImageSize | None, int] | None,
    on_progress: OnProgress,
) -> ComparisonResults:
    """Score and time what was trained, and write the reports and the page."""
    plan, say = read_plan(comparison), _messages(on_progress)
    device = device or _device(plan)
    folders = [run.folder for run in plan.runs]
    segmenters = _segmenters(comparison, folders, say)
    score_candidates(
        comparison, segmenters, plan, device, lambda folder, on: counter(on_progress, f"scoring {folder} on {on}")
    )
    for run in map(comparison.run, folders):
        if run.config.is_file() and run.best.is_file() and not _is_up_to_date(run):
            write_report(run.path)
    firsts = {candidate.name: candidate.runs[0].folder for candidate in plan.candidates}
    weights = weights_of(comparison, {n: (f, segmenters[f]) for n, f in firsts.items() if f in segmenters})
    if timed is not None and weights:
        size, repetitions = timed
        size = size or _image_size(comparison.run(next(iter(weights.values())).folder), say)
        if size is not None:
            on_step = counter(on_progress, "timing predictions")
            time_candidates(comparison, weights, device, size, repetitions, say, on_step)
    return write_comparison(comparison.path)


def _is_up_to_date(run: RunDirectory) -> bool:
    """Whether a run's own report is newer than what it shows."""
    shown = [run.config, run.history, run.metrics, *run.path.glob("evaluations/*/metrics.json")]
    newest = max(file.stat().st_mtime_ns for file in shown if file.is_file())
    return run.report.is_file() and run.report.stat().st_mtime_ns >= newest


def _device(plan: ComparisonPlan) -> str:
    """Return the device that the candidates were trained on; auto for finished runs."""
    trained = [flat(run.config) for run in plan.runs if run.config is not None]
    return str(trained[0]["train.device"]) if trained else "auto"


def _segmenters(comparison: ComparisonDirectory, folders: Sequence[str], say: Say) -> dict[str, RunDirectory]:
    """Return the runs with weights that segment, by folder; no others can be scored and timed side by side."""
    found = {}
    for folder, run in ((folder, comparison.run(folder)) for folder in folders):
        if not run.best.is_file():
            continue
        try:
            run.load_config()
            if facts_of(task_of(run.best)).is_compared:
                found[folder] = run
        except ScenesegError as error:  # one damaged run doesn't end a comparison
            say(f"{folder} is left out: {error}")
    return found


def _image_size(run: RunDirectory, say: Say) -> ImageSize | None:
    """Return the size of a validation image; None, and why, where the data isn't there any more."""
    given = run.load_config().data
    try:
        image = datasets.create(given.name, root=given.root, split=given.val_split, **given.options).read(0).image
    except ScenesegError as error:
        say(f"Latency isn't measured, as it isn't known at which size: {error} Give a size.")
        return None
    return image.shape[0], image.shape[1]
