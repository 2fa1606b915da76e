"""`sceneseg compare`: which of these models is good and fast enough?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from sceneseg import overrides
from sceneseg.config import Config

if TYPE_CHECKING:
    from sceneseg.runs import Comparison
    from sceneseg.tasks.semantic import SemanticModel
    from sceneseg.training.experiment import Budget

Size = tuple[int, int]


def compare(
    *finished: Path,
    config: Annotated[Config, Parameter(name="*")] = Config(),  # noqa: B008 (never changed)
    models: Annotated[list[str] | None, Parameter(name=("--models", "-m"), negative="")] = None,
    vary: Annotated[list[str] | None, Parameter(negative="")] = None,
    budget: str | None = None,
    steps: int | None = None,
    seeds: int = 1,
    split: str | None = None,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    runs: Path = Path("runs"),
    resume: Annotated[Path | None, Parameter(alias="-r")] = None,
    retry: bool = False,
    latency: bool = True,
    size: Size | None = None,
    repetitions: int = 30,
) -> None:
    """Compare models: finished runs, or models that are trained for it under one budget.

    Writes one offline page with the answer, scores against latency, intervals of every difference, classes and
    scenes, and comparison.json with all figures and their files. An experiment that was stopped goes on where it was
    when the same command is given again, and a finished one takes seconds.

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
        seeds: Trainings of each candidate from seeds that follow one another; their spread is shown.
        split: Score the best weights on this split, for example test; the one they were chosen on when absent.
        file: YAML file with any of the options of train; a candidate's own file and what is typed win over it.
        runs: Folder of the run directories; the comparison is a folder in it, named by --name.
        resume: Go on with this comparison.
        retry: Train those anew that failed before.
        latency: Measure how long predictions take on this machine.
        size: HEIGHT WIDTH of the image whose prediction is timed; that of the validation images when absent.
        repetitions: Predictions of each model that are timed.
    """
    from sceneseg.errors import ConfigError
    from sceneseg.runs import Comparison
    from sceneseg.training import experiment

    if resume is not None:
        comparison = Comparison(resume)
    elif finished:
        experiment.plan_of_runs(finished, str, split)  # mistakes come before the folder
        comparison, _ = experiment.open_comparison(
            runs, config.name or "comparison", lambda c: experiment.plan_of_runs(finished, c.folder_of, split)
        )
    elif models or vary:
        chosen = overrides.configuration(config, file)
        plan = _plan(chosen, models, vary, _budget(chosen, budget, steps), seeds, split)
        name = config.name or f"compare-{chosen.data.name}"
        comparison, there = experiment.open_comparison(runs, name, lambda c: plan)
        if there:
            print(f"{comparison.path} is this comparison; it goes on there.")
    else:
        raise ConfigError("Compare what? Give run directories, or models with -m A,B,C, or --vary KEY=A,B.")
    if not experiment.carry_out(comparison, retry):
        print(f"Interrupted; everything so far is saved. Go on with: sceneseg compare -r {comparison.path}")
        raise SystemExit(130)
    _score(comparison, config.train.device)
    if latency:
        _measure(comparison, config.train.device, size, repetitions)
    _show(comparison)


def _budget(config: Config, budget: str | None, steps: int | None) -> "Budget":
    from sceneseg.errors import ConfigError
    from sceneseg.training.budget import parse_duration
    from sceneseg.training.experiment import Budget

    if budget is not None and steps is not None:
        raise ConfigError("--budget and --steps both say how long to train. Give one of them.")
    if budget is not None:
        return Budget("time", parse_duration(budget))
    return Budget("epochs", config.train.epochs) if steps is None else Budget("steps", steps)


def _plan(
    chosen: Config, models: list[str] | None, vary: list[str] | None, budget: "Budget", seeds: int, split: str | None
) -> dict[str, Any]:
    from sceneseg.training.experiment import make_plan
    from sceneseg.variants import listed, make_variants

    return make_plan(make_variants(chosen, listed(models), vary or []), budget, seeds, split)


def _score(comparison: "Comparison", device: str) -> None:
    """Score the best weights on the split of the plan, and write every run's own report, where that isn't done yet."""
    from sceneseg.report.page import write_report
    from sceneseg.runs import read_json
    from sceneseg.tasks import scoring

    plan = read_json(comparison.plan)
    for folder in (run["folder"] for candidate in plan["candidates"] for run in candidate["runs"]):
        run = comparison.run(folder)
        if not run.best.is_file():
            continue
        data, split = run.load_config().data, plan["split"]
        asked = split not in (None, data.val_split)
        if asked and not run.evaluation(f"{data.name}-{split}").metrics.is_file():
            print(f"scoring {folder} on {split}")
            scoring.score_weights(run.path, scoring.Request(None, None, split, None, "ignore", device))
        if not run.report.is_file():
            write_report(run.path)


def _measure(comparison: "Comparison", device: str, size: Size | None, repetitions: int) -> None:
    """Time whole predictions of all candidates in turns, if that isn't done yet."""
    from rich.progress import Progress

    from sceneseg.bench.latency import interleaved
    from sceneseg.environment import environment
    from sceneseg.runs import read_json, write_json

    plan = read_json(comparison.plan)
    folders = {c["name"]: c["runs"][0]["folder"] for c in plan["candidates"]}
    folders = {name: folder for name, folder in folders.items() if comparison.run(folder).best.is_file()}
    size = size or (_image_size(comparison, next(iter(folders.values()))) if folders else None)
    if not folders or size is None:
        return
    asked = {"size": list(size), "repetitions": repetitions, "asked_device": device, "weights": folders}
    if comparison.latency.is_file():
        known = read_json(comparison.latency)
        if all(known.get(key) == value for key, value in asked.items()):
            return
    models, failed = _load(comparison, folders, device, size)
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
    comparison: "Comparison", folders: dict[str, str], device: str, size: Size
) -> tuple[dict[str, "SemanticModel"], dict[str, str]]:
    """Load the models, and let each predict once: who can't is left out, with the reason."""
    from sceneseg.bench.images import street_images
    from sceneseg.tasks.semantic import SemanticModel
    from sceneseg.training.apart import reason_of

    models, failed = {}, {}
    for name, folder in folders.items():
        try:
            model = SemanticModel.load(comparison.run(folder).path, device)
            model.predict(street_images(size)[0])
        except Exception as error:
            failed[name] = reason_of(error)
            print(f"{name} can't be timed: {failed[name]}")
        else:
            models[name] = model
    return models, failed


def _image_size(comparison: "Comparison", folder: str) -> Size | None:
    """Return the size of a validation image; None, and why, where the data isn't there any more."""
    from sceneseg import tasks
    from sceneseg.errors import ScenesegError
    from sceneseg.tasks.semantic import Semantic

    try:
        task = tasks.create(comparison.run(folder).load_config())
    except ScenesegError as error:
        print(f"Latency isn't measured, as it isn't known at which size: {error} Give one with --size HEIGHT WIDTH.")
        return None
    assert isinstance(task, Semantic)
    height, width = task.val.read(0).image.shape[:2]
    return height, width


def _show(comparison: "Comparison") -> None:
    """Write the page and print the ranking."""
    from rich.console import Console
    from rich.table import Table

    from sceneseg.report.comparison import write_comparison
    from sceneseg.report.words import milliseconds, percent
    from sceneseg.runs import read_json

    page = write_comparison(comparison.path)
    results = read_json(comparison.results)
    console = Console()
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
        console.print(f"\nnot comparable: {names}\n  {'; '.join(group['reasons'])}", highlight=False)
    for row in results["without_score"]:
        console.print(f"\nno score: {row['name']}: {row['reason']}", highlight=False, markup=False)
    said = " ".join([results["answer"]["headline"], *results["answer"]["details"]]).replace("`", "")
    console.print(f"\n{said}\n\npage     {page}\nfigures  {comparison.results}", highlight=False, soft_wrap=True)
