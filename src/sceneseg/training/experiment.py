"""Experiments: several trainings under one budget, one after the other; one that was stopped is resumed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from sceneseg import datasets, tasks
from sceneseg.config.asked import Asked
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.schema import Config
from sceneseg.config.variants import Variant
from sceneseg.errors import ConfigError, DataError
from sceneseg.evaluation.joint_space import joint_space
from sceneseg.labels import LabelSpace
from sceneseg.models import models
from sceneseg.records.comparison_plan import (
    Budget,
    ComparisonPlan,
    PlannedCandidate,
    PlannedRun,
    inner_run,
    read_plan,
    write_plan,
)
from sceneseg.records.environment import command_line
from sceneseg.records.experiment_progress import Outcome, read_progress, write_progress
from sceneseg.records.names import check_name
from sceneseg.records.protocol import AbsentRule
from sceneseg.records.run_directory import ComparisonDirectory, RunDirectory, create_run, read_label_space
from sceneseg.registry import check_arguments
from sceneseg.task_facts import facts_of
from sceneseg.training.budget import with_steps
from sceneseg.training.inert import refuse_contradictions, refuse_inert
from sceneseg.training.isolated import train_isolated


def make_plan(
    variants: Sequence[Variant],
    budget: Budget,
    seeds: int = 1,
    split: str | None = None,
    score_in: str | None = None,
    absent: AbsentRule | None = None,
    asked: Sequence[Asked] = (),
) -> ComparisonPlan:
    """Plan the trainings of a comparison, after everything that can be wrong with them was checked.

    Args:
        variants: The candidates.
        budget: Of each.
        seeds: Trainings of each candidate, from seeds that follow one another.
        split: What the best weights are scored on; None: the split that they were chosen on.
        score_in: Label space that all are scored in; None: their own, or one that most can be mapped to.
        absent: Rule for classes that the split's truth lacks; None: the one of each candidate's scores.
        asked: Options of the user, which must have an effect on a candidate.

    Raises:
        ConfigError: A model, argument, data set or label space that isn't there.
        DataError: The data or the split isn't there, or the split has no labels.
    """
    for variant in variants:
        refuse_contradictions(variant.config)
    varied = Asked("vary", {key for variant in variants for key in variant.changes if key != "model"})
    refuse_inert([*asked, varied], [variant.config for variant in variants])
    variants = resolved(variants)
    for variant in variants:
        check_split(variant.config, split)
    if score_in:
        joint_space([_label_space(variant.config) for variant in variants], score_in)
    candidates = [
        PlannedCandidate(variant.name, variant.changes, tuple(_planned_runs(variant, budget, seeds)))
        for variant in variants
    ]
    return ComparisonPlan(tuple(candidates), budget, split, _findable(score_in), absent, command_line())


def plan_of_runs(
    runs: Sequence[Path],
    folder_of: Callable[[Path], str],
    split: str | None = None,
    score_in: str | None = None,
    absent: AbsentRule | None = None,
) -> ComparisonPlan:
    """Plan the comparison of finished runs.

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
    segmenters = [run for run in runs if facts_of(RunDirectory(run).load_config().task).is_compared]
    for run in segmenters:
        check_split(RunDirectory(run).load_config(), split)
    if score_in and segmenters:
        joint_space([read_label_space(RunDirectory(run)) for run in segmenters], score_in)
    names = _unlike_names(runs)
    candidates = [
        PlannedCandidate(name, {}, (PlannedRun(folder_of(run)),)) for name, run in zip(names, runs, strict=True)
    ]
    return ComparisonPlan(tuple(candidates), None, split, _findable(score_in), absent, command_line())


def open_comparison(
    runs: Path, name: str, make: Callable[[ComparisonDirectory], ComparisonPlan]
) -> tuple[ComparisonDirectory, bool]:
    """Return the comparison of that name and whether it was there: it is resumed if its plan is the same.

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
        if known.plan.is_file() and read_plan(known).is_same(make(known)):
            return known, True
        number += 1
    plan = make(ComparisonDirectory(path))  # which may find something wrong
    comparison = ComparisonDirectory(create_run(runs, name).path)
    write_plan(comparison, plan if comparison.path == path else make(comparison))
    return comparison, False


def carry_out(
    comparison: ComparisonDirectory, retry: bool = False, say: Callable[[str], object] = lambda text: None
) -> bool:
    """Train what isn't trained yet; return False when it was interrupted.

    A candidate that fails is noted with the reason, and the next one begins.

    Args:
        comparison: With its plan.
        retry: Train those anew that failed before.
        say: Is called with a sentence before each training, and when one has failed.

    Raises:
        RunError: The plan is damaged or leads to folders elsewhere, or another process trains one of the runs.
    """
    plan = read_plan(comparison)
    trained = [run for run in plan.runs if run.config is not None]
    progress = read_progress(comparison)
    for number, run in enumerate(trained, 1):
        before = progress.runs.get(run.folder)
        if before and (before.state == "finished" or (before.state == "failed" and not retry)):
            continue
        resumed = inner_run(comparison, run.folder).state.is_file()
        say(f"\n{run.folder}, {number} of {len(trained)}{', resumed' if resumed else ''}")
        outcome = _train(comparison, run, plan.budget, before)
        progress = progress.with_outcome(run.folder, outcome)
        write_progress(comparison, progress)
        if outcome.state == "interrupted":
            return False
        if outcome.state == "failed":
            say(f"{run.folder} failed: {outcome.reason}")
    return True


def resolved(variants: Sequence[Variant]) -> list[Variant]:
    """Check names, arguments and data before anything is trained.

    Returns:
        The variants with the full names of their models and the absolute folders of their data, as a comparison may be
        resumed from another folder.

    Returns:
        The same with resolved names and folders, as a comparison may be resumed from another folder.

    Raises:
        ConfigError: A model or argument that isn't there.
        DataError: Data that isn't there.
    """
    configured = [_with_model(variant.config) for variant in variants]
    roots: dict[str, str] = {}
    for config in configured:
        data = repr(config.data)
        if data not in roots:
            roots[data] = str(tasks.create(config).train.root.resolve())
    return [
        replace(variant, config=replace(config, data=replace(config.data, root=roots[repr(config.data)])))
        for variant, config in zip(variants, configured, strict=True)
    ]


def check_split(config: Config, split: str | None) -> None:
    """Check before hours of training that the split to score on has labels.

    Raises:
        DataError: It isn't there, or has no labels.
    """
    given = config.data
    if split in (None, given.val_split):
        return
    dataset = datasets.create(given.name, root=given.root, split=str(split), **given.options)
    if not dataset.has_labels:
        raise DataError(
            f"The {split} split of {dataset.name} has no labels to compare with. Leave the split out: the "
            f"candidates are then compared on {given.val_split}.",
            field="split",
        )


def _with_model(config: Config) -> Config:
    """Return a configuration with the full name of its model.

    Raises:
        ConfigError: The model, one of its arguments or another option can't be compared.
    """
    config = replace(config, model={**config.model, "name": models.resolve(config.model_name)})
    if not facts_of(config.task).is_compared:
        raise ConfigError("Only segmentation is compared. Leave the task out.", field="task")
    if config.train.devices != 1:
        raise ConfigError("Candidates are trained on one device each. Leave train.devices out.", field="train.devices")
    arguments = {**config.model_arguments, "num_classes": 2}
    check_arguments(models.get(config.model_name), arguments, f"model {config.model_name}")
    return config


def _planned_runs(variant: Variant, budget: Budget, seeds: int) -> list[PlannedRun]:
    """Return a run for each seed, with as many steps or epochs as the budget allows."""
    runs = []
    for seed in range(variant.config.seed, variant.config.seed + seeds):
        config = replace(variant.config, seed=seed)
        if budget.kind == "steps":
            config = with_steps(config, int(budget.amount))
        elif budget.kind == "epochs":
            config = replace(config, train=replace(config.train, epochs=int(budget.amount)))
        folder = variant.name if seeds == 1 else f"{variant.name}-seed{seed}"
        runs.append(PlannedRun(folder, to_dict(config)))
    return runs


def _train(comparison: ComparisonDirectory, run: PlannedRun, budget: Budget | None, before: Outcome | None) -> Outcome:
    """Train a run, with the steps that were measured before it was stopped, if they were."""
    config, seconds = run.config or {}, budget.seconds if budget else None
    if seconds is None or before is None or not before.steps:
        return train_isolated(config, inner_run(comparison, run.folder), seconds)
    config = to_dict(with_steps(from_dict(config), before.steps))
    outcome = train_isolated(config, inner_run(comparison, run.folder), None)
    return replace(outcome, seconds_per_step=before.seconds_per_step, steps=before.steps)


def _label_space(config: Config) -> LabelSpace:
    given = config.data
    return datasets.create(given.name, root=given.root, split=given.train_split, **given.options).label_space


def _findable(score_in: str | None) -> str | None:
    """Return a file's whole path, as the comparison may be resumed from another folder."""
    return str(Path(score_in).resolve()) if score_in and Path(score_in).is_file() else score_in or None


def _unlike_names(runs: Sequence[Path]) -> list[str]:
    """Name runs by their folders, and by their parents' too where that isn't enough."""
    depth = 1
    names = [run.resolve().name for run in runs]
    while len(set(names)) < len(names) and depth < 5:
        depth += 1
        names = ["/".join(run.resolve().parts[-depth:]) for run in runs]
    if len(set(names)) < len(names):
        raise ConfigError("A run is named twice. Name every run once.", field="finished")
    return names
