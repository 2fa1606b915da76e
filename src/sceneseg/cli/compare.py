"""`sceneseg compare`: which of these models is good and fast enough?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.config import command_line
from sceneseg.config.layering import flat
from sceneseg.config.options import Options
from sceneseg.config.schema import Config
from sceneseg.ranges import Count, Side
from sceneseg.wording import quoted

if TYPE_CHECKING:
    from sceneseg.config.asked import Asked
    from sceneseg.inference.predictor import SemanticModel
    from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory
    from sceneseg.training.experiment import Budget

Size = tuple[Side, Side]


def compare(
    *finished: Path,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    models: Annotated[list[str] | None, Parameter(name=("--models", "-m"), negative="")] = None,
    vary: Annotated[list[str] | None, Parameter(negative="")] = None,
    budget: str | None = None,
    steps: Count | None = None,
    seeds: Count | None = None,
    split: str | None = None,
    score_in: str | None = None,
    absent: Literal["skip", "zero"] | None = None,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    runs: Path = Path("runs"),
    resume: Annotated[Path | None, Parameter(alias="-r")] = None,
    retry: bool = False,
    latency: bool = True,
    size: Annotated[Size | None, Parameter(negative="")] = None,
    repetitions: Count = 30,
) -> None:
    """Compare models: finished runs, or models that are trained for it under one budget.

    Writes one offline page with the answer, scores against latency, intervals of every difference, classes and
    scenes, and comparison.json with all figures and their files. An experiment that was stopped goes on where it was
    when the same command is given again, and a finished one takes seconds.

    Ends with 1 when no candidate has come to a score, and with 0 when some failed: the page says which and why.

    Example: sceneseg compare runs/a runs/b runs/c

    Example: sceneseg compare -m unet,fast_scnn,erfnet -d camvid -p ~/CamVid --budget 10m --split test

    Example: sceneseg compare -m fast_scnn --vary optim.name=sgd,adamw --vary data.target_size=180x240,360x480 -e 20

    Args:
        finished: Run directories. Without them an experiment is made; every option of train is one of its options.
        models: Candidates, separated by commas: models, or YAML files with the values that are a candidate's own.
        vary: KEY=A,B,C: candidates that differ in any key of the configuration; several make all combinations.
        budget: Time of training of each candidate: 90s, 10m, 2h. Its steps are measured first, and the schedule is
            laid out over as many as fit.
        steps: Steps of each candidate. Without budget and steps all train for --epochs.
        seeds: Trainings of each candidate from seeds that follow one another; their spread is shown. One when absent.
        split: Score the best weights on this split, for example test; the one they were chosen on when absent.
        score_in: Score all in this label space: categories, road (and other), any of them +void, or a YAML file. When
            absent and the candidates' label spaces differ, in the one that most of them can be mapped to.
        absent: Means are over the classes in the truth of the split. zero: over all classes, those that the truth lacks
            count 0, as in ADE20K. skip: they are left out. That of each candidate's scores when absent.
        file: YAML file with any of the options of train; a candidate's own file and what is typed win over it.
        runs: Folder of the run directories; the comparison is a folder in it, named by --name.
        resume: Go on with this comparison.
        retry: Train those anew that failed before.
        latency: Measure how long predictions take on this machine.
        size: HEIGHT WIDTH of the image whose prediction is timed; that of the validation images when absent.
        repetitions: Predictions of each model that are timed.
    """
    from sceneseg.errors import ConfigError
    from sceneseg.records.comparison_plan import read_plan
    from sceneseg.records.locks import alone
    from sceneseg.records.run_directory import ComparisonDirectory
    from sceneseg.training import experiment

    typed = command_line.typed(options)
    made_by = {"-m": models, "--vary": vary, "--budget": budget, "--steps": steps, "--seeds": seeds, "--config": file}
    if resume is not None:
        planned = {"RUNS": finished or None, "--split": split, "--score-in": score_in, "--name": typed.get("name")}
        planned["--absent"] = absent
        _refuse(planned | made_by, typed, "-r goes on with a plan that is made. Leave these out, or -r.")
        comparison = ComparisonDirectory(resume)
        read_plan(comparison)  # before anything is locked or written there
    elif finished:
        trained = made_by | {"--retry": retry}
        _refuse(trained, typed, "runs that are there are compared as they are. Leave these out, or the runs.")
        wanted = (split, score_in, absent)
        experiment.plan_of_runs(finished, str, *wanted)  # mistakes come before the folder
        name = typed.get("name", "comparison")
        comparison, _ = experiment.open_comparison(
            runs, name, lambda c: experiment.plan_of_runs(finished, c.folder_of, *wanted)
        )
    elif models or vary:
        chosen = command_line.configuration(options, file)
        asked = command_line.asked(options, file)
        wanted = (split, score_in, absent)
        plan = _plan(chosen, models, vary, _budget(chosen, typed, budget, steps), seeds or 1, wanted, asked)
        name = typed.get("name", f"compare-{chosen.data.name}")
        comparison, there = experiment.open_comparison(runs, name, lambda c: plan)
        if there:
            print(f"{comparison.path} is this comparison; it goes on there.")
    else:
        raise ConfigError("Compare what? Give run directories, or models with -m A,B,C, or --vary KEY=A,B.")
    device = typed.get("train", {}).get("device")
    with alone(comparison.path):
        if not experiment.carry_out(comparison, retry):
            print(f"Interrupted; everything so far is saved. Go on with: sceneseg compare -r {quoted(comparison.path)}")
            raise SystemExit(130)
        _finish(comparison, device, (size, repetitions) if latency else None)


def _finish(comparison: "ComparisonDirectory", device: str | None, timed: tuple[Size | None, int] | None) -> None:
    """Score and time what was trained, and show it."""
    from sceneseg.records.comparison_plan import read_plan

    plan = read_plan(comparison)
    device = device or _device(plan)
    _score(comparison, plan, device)
    weights = _weights(comparison, plan)
    if timed is not None:
        _measure(comparison, weights, device, *timed)
    _show(comparison)


def _refuse(given: dict[str, Any], typed: dict[str, Any], reason: str) -> None:
    """Refuse what belongs to another way of comparing; a name and a device belong to all."""
    from sceneseg.errors import refuse_options

    trained = {f"--{key.replace('_', '-')}": True for key in flat(typed) if key not in {"name", "train.device"}}
    refuse_options(given | trained, reason)


def _budget(config: Config, typed: dict[str, Any], budget: str | None, steps: int | None) -> "Budget":
    from sceneseg.errors import ConfigError, refuse_options
    from sceneseg.training.budget import parse_duration
    from sceneseg.training.experiment import Budget

    if budget is not None and steps is not None:
        raise ConfigError("--budget and --steps both say how long to train. Give one of them.")
    if budget is not None or steps is not None:
        lengths = ("epochs", "steps_per_epoch", "validate_every")
        refuse_options(
            {f"train.{key}": typed.get("train", {}).get(key) for key in lengths},
            "--budget and --steps decide it. Leave it out, or them.",
        )
    if budget is not None:
        return Budget("time", parse_duration(budget))
    return Budget("epochs", config.train.epochs) if steps is None else Budget("steps", steps)


def _plan(
    chosen: Config,
    models: list[str] | None,
    vary: list[str] | None,
    budget: "Budget",
    seeds: int,
    wanted: tuple[str | None, str | None, str | None],
    asked: "list[Asked]",
) -> dict[str, Any]:
    from sceneseg.config.variants import asked_by_candidates, listed, make_variants
    from sceneseg.training.experiment import make_plan

    asked = [*asked, *asked_by_candidates(listed(models))]
    variants = make_variants(chosen, listed(models), vary or [])
    return make_plan(variants, budget, seeds, *wanted, asked=asked)


def _device(plan: dict[str, Any]) -> str:
    """Return the device that the candidates were trained on; auto for runs that were there."""
    trained = [run["config"] for candidate in plan["candidates"] for run in candidate["runs"] if "config" in run]
    return str(trained[0]["train"]["device"]) if trained else "auto"


def _segmenters(comparison: "ComparisonDirectory", folders: list[str]) -> dict[str, "RunDirectory"]:
    """Return the runs with weights that segment, by folder; no others can be scored and timed side by side."""
    from sceneseg.errors import ScenesegError
    from sceneseg.tasks import task_of

    found = {}
    for folder, run in ((folder, comparison.run(folder)) for folder in folders):
        if not run.best.is_file():
            continue
        try:
            run.load_config()
            if task_of(run.best) == "semantic":
                found[folder] = run
        except ScenesegError as error:  # one damaged run doesn't end a comparison
            print(f"{folder} is left out: {error}")
    return found


def _score(comparison: "ComparisonDirectory", plan: dict[str, Any], device: str) -> None:
    """Score the best weights on the split of the plan where that isn't done yet, and all of them in one label space."""
    from sceneseg.evaluation import joint_space, scoring, stored
    from sceneseg.evaluation.consistency import is_whole
    from sceneseg.evaluation.request import Request
    from sceneseg.records.run_directory import write_json
    from sceneseg.report.run.page import write_report

    places = {}
    folders = [run["folder"] for candidate in plan["candidates"] for run in candidate["runs"]]
    segmenters = _segmenters(comparison, folders)
    for folder, run in segmenters.items():
        trained, place = run.load_config().data, run
        if plan["split"] not in (None, trained.val_split):
            request = Request(None, None, plan["split"], device=device, absent=plan.get("absent") or "skip")
            if not stored.is_current(run.path, request):
                print(f"scoring {folder} on {request.split}")
                scoring.score_weights(run.path, request)
            place = run.evaluation(f"{trained.name}-{request.split}")
        if run.labels.is_file() and is_whole(place):
            places[folder] = place
    comparison.together.unlink(missing_ok=True)
    if found := joint_space.score_together(places, plan.get("score_in")):
        write_json(comparison.together, found)
    for run in map(comparison.run, folders):
        if run.config.is_file() and run.best.is_file() and not _is_up_to_date(run):
            write_report(run.path)


def _is_up_to_date(run: "RunDirectory") -> bool:
    """Whether a run's own report is newer than what it shows."""
    shown = [run.config, run.history, run.metrics, *run.path.glob("evaluations/*/metrics.json")]
    newest = max(file.stat().st_mtime_ns for file in shown if file.is_file())
    return run.report.is_file() and run.report.stat().st_mtime_ns >= newest


def _weights(comparison: "ComparisonDirectory", plan: dict[str, Any]) -> dict[str, Any]:
    """Return whose predictions can be timed, with the weights; what was timed with others is forgotten."""
    from sceneseg.fetching.checks import file_sha256
    from sceneseg.fetching.progress import ProgressReporter

    names = {candidate["runs"][0]["folder"]: candidate["name"] for candidate in plan["candidates"]}
    found = _segmenters(comparison, list(names))
    weights = {names[f]: {"folder": f, "sha256": file_sha256(run.best, ProgressReporter())} for f, run in found.items()}
    if (_latency(comparison) or {}).get("weights") != weights:
        comparison.latency.unlink(missing_ok=True)
    return weights


def _latency(comparison: "ComparisonDirectory") -> dict[str, Any] | None:
    """Return what was timed before; None where nothing was, or it is damaged and has to be timed again."""
    from sceneseg.errors import RunError
    from sceneseg.records.comparison_plan import read_latency

    try:
        return read_latency(comparison)
    except RunError:
        return None


def _measure(
    comparison: "ComparisonDirectory", weights: dict[str, Any], device: str, size: Size | None, repetitions: int
) -> None:
    """Time whole predictions of all candidates in turns, if that isn't done yet."""
    from rich.progress import Progress

    from sceneseg.bench.latency import interleaved
    from sceneseg.records.environment import environment
    from sceneseg.records.run_directory import write_json

    found = {name: comparison.run(facts["folder"]) for name, facts in weights.items()}
    size = size or (_image_size(next(iter(found.values()))) if found else None)
    if not found or size is None:
        return
    asked = {"size": list(size), "repetitions": repetitions, "asked_device": device, "weights": weights}
    known = _latency(comparison) or {}
    if all(known.get(key) == value for key, value in asked.items()):
        return
    models, failed = _load(found, device, size)
    with Progress(transient=True) as progress:
        task = progress.add_task("timing predictions")
        timings = interleaved(
            models, size, repetitions, progress=lambda done, total: progress.update(task, completed=done, total=total)
        )
    measured = {name: vars(timing) for name, timing in timings.items()}
    used = str(next(iter(models.values())).device) if models else device
    facts = {**asked, "device": used, "models": measured, "failed": failed, "environment": environment()}
    write_json(comparison.latency, facts)


def _load(
    runs: dict[str, "RunDirectory"], device: str, size: Size
) -> tuple[dict[str, "SemanticModel"], dict[str, str]]:
    """Load the models, and let each predict once: who can't is left out, with the reason."""
    from sceneseg.bench.images import street_images
    from sceneseg.inference.predictor import SemanticModel
    from sceneseg.training.isolated import reason_of

    models, failed = {}, {}
    for name, run in runs.items():
        try:
            model = SemanticModel.load(run.path, device)
            model.predict(street_images(size)[0])
        except Exception as error:
            failed[name] = reason_of(error)
            print(f"{name} can't be timed: {failed[name]}")
        else:
            models[name] = model
    return models, failed


def _image_size(run: "RunDirectory") -> Size | None:
    """Return the size of a validation image; None, and why, where the data isn't there any more."""
    from sceneseg import datasets
    from sceneseg.errors import ScenesegError

    given = run.load_config().data
    try:
        image = datasets.create(given.name, root=given.root, split=given.val_split, **given.options).read(0).image
    except ScenesegError as error:
        print(f"Latency isn't measured, as it isn't known at which size: {error} Give one with --size HEIGHT WIDTH.")
        return None
    return image.shape[0], image.shape[1]


def _show(comparison: "ComparisonDirectory") -> None:
    """Write the page and print the ranking.

    Raises:
        RunError: There is nothing to rank.
    """
    from rich.table import Table

    from sceneseg.errors import RunError
    from sceneseg.records.run_directory import read_json
    from sceneseg.report.comparison.page import write_comparison
    from sceneseg.report.formatting import milliseconds, percent

    page = write_comparison(comparison.path)
    results = read_json(comparison.results)
    console = terminal()
    table = Table(box=None, header_style="dim", pad_edge=False)
    for title in ("model", "mean IoU, %", "95 % interval", "ms for an image", "parameters"):
        table.add_column(title, justify="left" if title == "model" else "right")
    for row in results["candidates"]:
        score = row["mean_iou"]
        ends = "–" if score["low"] is None else f"{percent(score['low'])} to {percent(score['high'])}"
        speed = milliseconds(row["p50_ms"]) if row.get("p50_ms") is not None else "–"
        table.add_row(row["name"], percent(score["value"]), ends, speed, f"{row.get('parameters', 0) / 1e6:.2f} M")
    console.print()
    console.print(table)
    for group in results["apart"]:
        names = ", ".join(row["name"] for row in group["candidates"])
        console.print(f"\nnot comparable: {names}\n  {'; '.join(group['reasons'])}")
    for row in results["without_score"]:
        console.print(f"\nno score: {row['name']}: {row['reason']}")
    for note in results["notes"]:
        console.print(f"\nnote: {note.replace('`', '')}")
    said = " ".join([results["answer"]["headline"], *results["answer"]["details"]]).replace("`", "")
    files = f"page     {page}\nfigures  {comparison.results}"
    console.print(f"\n{said}\n\n{files}", soft_wrap=True)
    if not results["candidates"]:
        raise RunError(
            f"{comparison.path}: no candidate has come to a score, for the reasons above. Cure them, then give the "
            f"command again; with --retry those that failed are trained anew."
        )
