"""An experiment: several trainings under one budget, one after the other, which goes on where it was stopped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sceneseg import datasets, tasks
from sceneseg.config.asked import Asked
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.schema import Config
from sceneseg.config.variants import Variant
from sceneseg.errors import ConfigError, DataError
from sceneseg.evaluation.joint_space import joint_space
from sceneseg.labels import LabelSpace
from sceneseg.models import models
from sceneseg.records.comparison_plan import FORMAT, own_run, read_plan, read_progress
from sceneseg.records.environment import command_line
from sceneseg.records.names import check_name
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory, create_run, read_label_space, write_json
from sceneseg.registry import check_arguments
from sceneseg.training.budget import lay_out
from sceneseg.training.inert import refuse_contradictions, refuse_inert
from sceneseg.training.isolated import Outcome, train_apart

Plain = dict[str, Any]


@dataclass(frozen=True)
class Budget:
    """What every candidate may spend on its training.

    Args:
        kind: "time" (seconds of training on this machine), "steps" or "epochs".
        amount: How much of it.
    """

    kind: Literal["time", "steps", "epochs"]
    amount: float


def make_plan(
    variants: Sequence[Variant],
    budget: Budget,
    seeds: int = 1,
    split: str | None = None,
    score_in: str | None = None,
    absent: str | None = None,
    asked: Sequence[Asked] = (),
) -> Plain:
    """Write down what is to be done, as the contents of plan.json.

    Args:
        variants: The candidates.
        budget: Of each.
        seeds: Trainings of each candidate, from seeds that follow one another.
        split: What the best weights are scored on; None: the split that they were chosen on.
        score_in: Label space that all are scored in; None: their own, or one that most can be mapped to.
        absent: Rule for classes that the split's truth lacks; None: the one of each candidate's scores.
        asked: What a person asked for, which must have an effect on a candidate.

    Raises:
        ConfigError: A model, argument, data set or label space that isn't there.
        DataError: The data or the split isn't there, or the split has no labels.
    """
    for variant in variants:
        refuse_contradictions(variant.config)
    varied = Asked("--vary", {key for variant in variants for key in variant.changes if key != "model"})
    refuse_inert([*asked, varied], [variant.config for variant in variants])
    variants = check(variants)
    for variant in variants:
        check_split(variant.config, split)
    if score_in:
        joint_space([_label_space(variant.config) for variant in variants], score_in)
    candidates = []
    for variant in variants:
        runs = []
        for number in range(seeds):
            config = replace(variant.config, seed=variant.config.seed + number)
            if budget.kind == "steps":
                config = lay_out(config, int(budget.amount))
            elif budget.kind == "epochs":
                config = replace(config, train=replace(config.train, epochs=int(budget.amount)))
            folder = variant.name if seeds == 1 else f"{variant.name}-seed{config.seed}"
            runs.append({"folder": folder, "config": to_dict(config)})
        candidates.append({"name": variant.name, "changes": variant.changes, "runs": runs})
    amount = budget.amount if budget.kind == "time" else int(budget.amount)
    return _plan(candidates, split, {"kind": budget.kind, "amount": amount}, score_in, absent)


def plan_of_runs(
    runs: Sequence[Path],
    folder_of: Callable[[Path], str],
    split: str | None = None,
    score_in: str | None = None,
    absent: str | None = None,
) -> Plain:
    """Write down that finished runs are compared.

    Args:
        runs: Their folders.
        folder_of: Writes a folder relative to the comparison's.
        split: What they are compared on; None: the split that they were validated on.
        score_in: Label space that all are scored in; None: their own, or one that most can be mapped to.
        absent: Rule for classes that the split's truth lacks; None: the one of each run's scores.

    Raises:
        RunError: One of them isn't a run.
        ConfigError: One is named twice, or the label space isn't there.
        DataError: The split isn't there, or has no labels.
    """
    segmenters = [run for run in runs if RunDirectory(run).load_config().task == "semantic"]
    for run in segmenters:
        check_split(RunDirectory(run).load_config(), split)
    if score_in and segmenters:
        joint_space([read_label_space(RunDirectory(run)) for run in segmenters], score_in)
    names = _unlike_names(runs)
    candidates = [
        {"name": name, "changes": {}, "runs": [{"folder": folder_of(run)}]}
        for name, run in zip(names, runs, strict=True)
    ]
    return _plan(candidates, split, None, score_in, absent)


def open_comparison(
    runs: Path, name: str, make: Callable[[ComparisonDirectory], Plain]
) -> tuple[ComparisonDirectory, bool]:
    """Return the comparison of that name and whether it was there: it is taken up again if its plan is the same.

    Another plan under that name gets a folder of its own, NAME-2, as no comparison overwrites another.

    Args:
        runs: Folder of the run directories.
        name: Of the comparison.
        make: Makes the plan for a folder.

    Raises:
        ConfigError: The name isn't that of a folder in `runs`.
        RunError: The plan of a comparison of that name is damaged.
    """
    check_name(name)
    number = 1
    while (path := runs / (name if number == 1 else f"{name}-{number}")).exists():
        known = ComparisonDirectory(path)
        if known.plan.is_file() and _same(read_plan(known), make(known)):
            return known, True
        number += 1
    plan = make(ComparisonDirectory(path))  # which may find something wrong
    comparison = ComparisonDirectory(create_run(runs, name).path)
    write_json(comparison.plan, plan if comparison.path == path else make(comparison))
    return comparison, False


def carry_out(comparison: ComparisonDirectory, retry: bool = False, say: Callable[[str], None] = print) -> bool:
    """Train what isn't trained yet; return False when it was interrupted.

    A candidate that fails is noted with the reason, and the next one begins.

    Args:
        comparison: With its plan.
        retry: Train those anew that failed before.
        say: Prints a line.

    Raises:
        RunError: The plan is damaged or leads to folders elsewhere, or another process trains one of the runs.
    """
    plan = read_plan(comparison)
    budget = plan["budget"]
    jobs = [run for candidate in plan["candidates"] for run in candidate["runs"] if "config" in run]
    noted = read_progress(comparison)
    for number, job in enumerate(jobs, 1):
        folder = job["folder"]
        before = noted.get(folder, {})
        if before.get("state") == "finished" or (before.get("state") == "failed" and not retry):
            continue
        goes_on = own_run(comparison, folder).state.is_file()
        say(f"\n{folder}, {number} of {len(jobs)}{', goes on where it was' if goes_on else ''}")
        outcome = _train(comparison, job, budget, before)
        noted[folder] = {**before, "state": outcome.state, "reason": outcome.reason, **outcome.facts}
        write_json(comparison.progress, {"runs": noted})
        if outcome.state == "interrupted":
            return False
        if outcome.state == "failed":
            say(f"{folder} failed: {outcome.reason}")
    return True


def check(variants: Sequence[Variant]) -> list[Variant]:
    """Find what is wrong with names, arguments and data before anything is trained.

    Returns:
        The same with resolved names and folders, as a comparison may be resumed from another folder.

    Raises:
        ConfigError: A model or argument that isn't there.
        DataError: Data that isn't there.
    """
    configs = [
        replace(v.config, model={**v.config.model, "name": models.resolve(v.config.model_name)}) for v in variants
    ]
    for config in configs:
        if config.task != "semantic":
            raise ConfigError("Only segmentation is compared. Leave --task out.")
        if config.train.devices != 1:
            raise ConfigError("Candidates are trained on one device each. Leave --devices out.")
        arguments = {**config.model_arguments, "num_classes": 2}
        check_arguments(models.get(config.model_name), arguments, f"model {config.model_name}")
    roots: dict[str, str] = {}
    checked = []
    for variant, config in zip(variants, configs, strict=True):
        asked = repr(config.data)
        if asked not in roots:
            roots[asked] = str(tasks.create(config).train.root.resolve())
        data = replace(config.data, root=roots[asked])
        checked.append(replace(variant, config=replace(config, data=data)))
    return checked


def check_split(config: Config, split: str | None) -> None:
    """Find out before hours of training whether the split to score on can be scored.

    Raises:
        DataError: It isn't there, or has no labels.
    """
    given = config.data
    if split in (None, given.val_split):
        return
    dataset = datasets.create(given.name, root=given.root, split=str(split), **given.options)
    if not dataset.has_labels:
        raise DataError(
            f"The {split} split of {dataset.name} has no labels to compare with. Leave --split {split} out: the "
            f"candidates are then compared on {given.val_split}."
        )


def _train(comparison: ComparisonDirectory, job: Plain, budget: Plain, before: Plain) -> Outcome:
    seconds = budget["amount"] if budget["kind"] == "time" else None
    config = job["config"]
    if seconds is not None and before.get("steps"):  # measured before it was stopped
        resolved: Config = from_dict(config)
        config, seconds = to_dict(lay_out(resolved, before["steps"])), None
    return train_apart(config, own_run(comparison, job["folder"]), seconds)


def _label_space(config: Config) -> LabelSpace:
    given = config.data
    return datasets.create(given.name, root=given.root, split=given.train_split, **given.options).label_space


def _plan(
    candidates: list[Plain], split: str | None, budget: Plain | None, score_in: str | None, absent: str | None
) -> Plain:
    plan = {
        "format": FORMAT,
        "command": command_line(),
        "budget": budget,
        "split": split,
        "candidates": candidates,
    }
    chosen = {"score_in": _findable(score_in) if score_in else None, "absent": absent}
    return plan | {key: value for key, value in chosen.items() if value}


def _findable(score_in: str) -> str:
    """Write a file's whole path, as the comparison may be resumed from another folder."""
    return str(Path(score_in).resolve()) if Path(score_in).is_file() else score_in


def _same(plan: Plain, other: Plain) -> bool:
    return _compared(plan) == _compared(other)


def _compared(plan: Plain) -> Plain:
    """Return what makes a plan that plan; options that came since it was written have their usual values."""
    candidates = [
        {**candidate, "runs": [_filled(run) for run in candidate.get("runs", [])]} for candidate in plan["candidates"]
    ]
    return {**plan, "command": None, "candidates": candidates}


def _filled(run: Plain) -> Plain:
    return run | ({"config": to_dict(from_dict(run["config"]))} if "config" in run else {})


def _unlike_names(runs: Sequence[Path]) -> list[str]:
    """Name runs by their folders, and by their parents' too where that isn't enough."""
    depth = 1
    names = [run.resolve().name for run in runs]
    while len(set(names)) < len(names) and depth < 5:
        depth += 1
        names = ["/".join(run.resolve().parts[-depth:]) for run in runs]
    if len(set(names)) < len(names):
        raise ConfigError("A run is named twice. Name every run once.")
    return names
