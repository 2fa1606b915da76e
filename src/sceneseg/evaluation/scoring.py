"""Scoring a labeled split: with a model, with predictions that lie in files, or from the counts that a run stored."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from sceneseg import datasets
from sceneseg.arrays import LabelArray
from sceneseg.config.reading import read_yaml
from sceneseg.datasets.base import SceneDataset
from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.evaluation.counting import count_files, count_scenes
from sceneseg.evaluation.matching import difference, matching_space
from sceneseg.evaluation.protocol import evaluation_protocol, score
from sceneseg.evaluation.regrouping import regroup, regrouped
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.samples import Samples
from sceneseg.evaluation.stored import origin, origin_of
from sceneseg.inference.predictor import SemanticModel
from sceneseg.labels import IGNORE_INDEX, LabelSpace, choose_space
from sceneseg.loading import scene_samples
from sceneseg.loading.scene_samples import WholeScenes
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.sizes import size_bands
from sceneseg.metrics.table import band_table, score_table
from sceneseg.progress import OnStep, reported, silent
from sceneseg.records.protocol import Protocol
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.scores import Origin, Scores, read_scores, write_scores

VOID_NAMES = ("void", "background")


def score_weights(path: Path, request: Request, on_step: OnStep = silent) -> tuple[Scores, str]:
    """Score a run's best weights or a weights file; a run keeps scores, counts and samples under `evaluations`.

    Args:
        path: Run directory or weights file.
        request: What is scored.
        on_step: Called after each image.

    Returns:
        The scores, and the printed table.
    """
    model = SemanticModel.load(path, request.device)
    model.input.target_size = request.target_size or model.input.target_size
    dataset = open_scenes(request, model, path)
    samples = Samples([files.name for files in dataset.files], dataset.label_space)
    scenes = scene_samples.scene_loader(WholeScenes(dataset, range(len(dataset))), scene_samples.default_workers())
    mapping = None if request.label_map is None else read_label_map(request.label_map, model, dataset.label_space)
    counts = count_scenes(model, reported(scenes, len(dataset), on_step), dataset.label_space, samples.add, mapping)
    protocol = evaluation_protocol(dataset, counts, model, request.void, request.absent)
    if request.label_map is not None:
        protocol = replace(protocol, label_map=f"{model.label_space.name} -> {dataset.label_space.name}")
    kept = RunDirectory(path).evaluation(f"{dataset.name}-{dataset.split}") if path.is_dir() else None
    made = origin(path, request, dataset.root) if kept else None
    if kept:
        write_scores(kept.metrics, replace(score(counts, protocol), origin=made))
        counts.save(kept.confusion)
        samples.write(kept.samples, counts)
    scores, table = _score_in(counts, protocol, request, RunDirectory(path) if kept else None, made)
    return scores, table + (_other_data(RunDirectory(path), protocol) if kept else "")


def _other_data(run: RunDirectory, protocol: Protocol) -> str:
    """Describe how a run's own split has changed since it was validated."""
    if not run.metrics.is_file():
        return ""
    known = read_scores(run.metrics).protocol
    if (known.dataset, known.split) != (protocol.dataset, protocol.split):
        return ""
    if known.split_hash == protocol.split_hash and not known.has_other_labels(protocol):
        return ""
    return f"\n\nThese aren't the images or labels that {run.path} was validated on: its own scores are of others."


def score_run(path: Path, request: Request) -> tuple[Scores, str]:
    """Score again from the counts stored by a run or an evaluation of it; no model runs.

    Raises:
        RunError: There are no counts.
        ConfigError: The counts are too coarse for the label space asked for.
    """
    kept = RunDirectory(path)
    counts = SemanticCounts.load(kept.confusion)
    protocol = replace(read_scores(kept.metrics).protocol, void=request.void, absent=request.absent)
    return _score_in(counts, protocol, request, kept.home, origin_of(kept))


def _score_in(
    counts: SemanticCounts, protocol: Protocol, request: Request, run: RunDirectory | None, made: Origin | None
) -> tuple[Scores, str]:
    """Score in the requested label space; in a run, scores in another than that of the counts are stored separately."""
    own, requested = counts.label_space, request.label_space
    space = requested if isinstance(requested, LabelSpace) else choose_space(own, requested)
    if space != own:
        counts = regroup(counts, space)
        protocol = replace(protocol, label_space=space.name, counted_in=protocol.counted_in or own.name)
    scores = score(counts, protocol)
    table = score_table(scores, space)
    if request.size_bands is not None:
        bands = size_bands(counts, request.size_bands)
        scores = replace(scores, size_bands=bands)
        table += "\n\n" + band_table(bands)
    if run is not None and space != own:
        kept = regrouped(run, protocol, space)
        write_scores(kept.metrics, replace(scores, origin=made))
        counts.save(kept.confusion)
    return scores, table


def score_files(folder: Path, request: Request, on_step: OnStep = silent) -> tuple[Scores, str]:
    """Score label-id images: NAME_labelIds.png, NAME_gtFine_labelIds.png or NAME.png for every scene.

    Raises:
        ConfigError: No data set was given.
        DataError: A prediction is missing, or has another size than its truth.
    """
    if request.data is None:
        raise ConfigError(
            "Predictions in files need a data set to compare with. Name it, and its folder.", field="data"
        )
    dataset = datasets.create(request.data, root=request.root, split=request.split)
    counts = count_files(folder, dataset, on_step)
    protocol = evaluation_protocol(dataset, counts, None, request.void, request.absent)
    return _score_in(counts, protocol, request, None, None)


def open_scenes(request: Request, model: SemanticModel, path: Path) -> SceneDataset:
    """Open the split that was asked for, or that the model was trained on, in the model's classes.

    Raises:
        ConfigError: None is given, or its classes are others than the model's.
    """
    trained = RunDirectory(path).load_config().data if path.is_dir() else None
    score = model.header and model.header.score
    known = score.protocol.dataset if score else None
    name = request.data or (trained.name if trained else known)
    if name is None:
        raise ConfigError(
            f"{path} doesn't say which data set it was trained on. Name the one to score on, and its folder.",
            field="data",
        )
    same = trained is not None and datasets.datasets.resolve(name) == trained.name
    root = request.root or (trained.root if trained and same else None)
    options = dict(trained.options) if trained and same else {}
    requested = options.pop("label_space", None)
    dataset = datasets.create(name, root=root, split=request.split, **options)
    own, theirs = dataset.label_space, model.label_space
    if request.label_map is not None or own.names == theirs.names:
        return dataset
    space = matching_space(own, theirs, requested)
    if space is None:
        raise ConfigError(
            f"{path} has the {len(theirs)} classes of {theirs.name}, the data set {name} has the {len(own)} of "
            f"{own.name}: {difference(own, theirs)}. Give a data set with the same classes, or a label map from "
            f"one to the other.",
            field="label_map",
        )
    dataset.read_in(space)
    return dataset


def read_label_map(file: Path, model: SemanticModel, target: LabelSpace) -> LabelArray:
    """Read which class of the data set each class of a model stands for: a YAML of ``model class: data class``.

    Either side may be ``void``; a model's output for "none of them" is called void or background.

    Returns:
        (256,) uint8: train id of the data set for each train id of the model.

    Raises:
        ConfigError: A class that isn't known, or a class of the model without an entry.
    """
    entries = read_yaml(file)
    ours = {name: i for i, name in enumerate(model.label_space.names)} | dict.fromkeys(VOID_NAMES, IGNORE_INDEX)
    theirs = {name: i for i, name in enumerate(target.names)} | dict.fromkeys(VOID_NAMES, IGNORE_INDEX)
    table = np.full(256, IGNORE_INDEX, np.uint8)
    for name, meaning in entries.items():
        for word, known, space in ((name, ours, model.label_space), (meaning, theirs, target)):
            if not isinstance(word, str):
                raise ConfigError(
                    f'{file}: expected a class of the data set for each of the model, found "{name}: {meaning}". '
                    f"Write {model.label_space.names[0]}: {target.names[0]}, and in quotes what YAML reads as a number."
                )
            if word not in known:
                hint = did_you_mean(str(word), known)
                raise ConfigError(f'{file}: {space.name} has no class "{word}".{hint}')
        table[ours[name]] = theirs[str(meaning)]
    if missing := [name for name in model.label_space.names if name not in entries]:
        raise ConfigError(f"{file}: no entry for {', '.join(missing)}. Map every class of the model; void is allowed.")
    return table
