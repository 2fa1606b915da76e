"""Scoring a labelled split: with a model, with predictions that lie in files, or from the counts that a run kept."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import Progress, track

from sceneseg import datasets
from sceneseg.config.schema import Size, read_yaml
from sceneseg.datasets.base import SceneDataset, read_ids
from sceneseg.errors import ConfigError, DataError, did_you_mean
from sceneseg.evaluation.samples import Samples
from sceneseg.evaluation.stored import origin, origin_of
from sceneseg.kernels.confusion import Counts
from sceneseg.kernels.grid import run_in_threads
from sceneseg.kernels.instances import InstanceCounts
from sceneseg.labels import IGNORE_INDEX, Labels, LabelSpace, choose_space
from sceneseg.loading import scene_samples
from sceneseg.loading.scene_samples import WholeScenes
from sceneseg.metrics.cityscapes import WeightedInstances, categories_of
from sceneseg.metrics.confusion import ImageCounts, SemanticCounts
from sceneseg.metrics.semantic import VoidRule
from sceneseg.metrics.sizes import size_bands
from sceneseg.metrics.table import band_table, score_table
from sceneseg.records import runs
from sceneseg.records.runs import Run
from sceneseg.tasks.semantic import SemanticModel, evaluation_protocol, score

VOID_NAMES = ("void", "background")


@dataclass(frozen=True)
class Request:
    """What is scored, and by which rules.

    Args:
        data: Data set; None means the one the model was trained on.
        root: Its folder.
        split: Its part.
        target_size: (height, width) the network sees; None means as in training.
        void: The rule for void truth, see `sceneseg.metrics.semantic`.
        device: Where the network runs.
        label_map: File that says which class of the data set each class of the model stands for.
        label_space: Space to score in, or how to choose it (`sceneseg.labels.choose_space`); None: the data set's.
        size_bands: Pixels that divide objects by their size, see `sceneseg.metrics.sizes`; None: they aren't.
    """

    data: str | None
    root: str | None
    split: str
    target_size: Size | None = None
    void: VoidRule = "ignore"
    device: str = "auto"
    label_map: Path | None = None
    label_space: str | LabelSpace | None = None
    size_bands: list[int] | None = None


def score_weights(path: Path, request: Request) -> tuple[dict[str, Any], str]:
    """Score a run's best weights or a weights file; a run keeps scores, counts and samples under `evaluations`.

    Returns:
        The contents of metrics.json, and the printed table.
    """
    model = SemanticModel.load(path, request.device)
    model.input.target_size = request.target_size or model.input.target_size
    dataset = open_scenes(request, model, path)
    samples = Samples([files.name for files in dataset.files], dataset.label_space)
    scenes = scene_samples.scene_loader(WholeScenes(dataset, range(len(dataset))), scene_samples.default_workers())
    mapping = None if request.label_map is None else read_label_map(request.label_map, model, dataset.label_space)
    shown = track(scenes, "evaluating", total=len(dataset), transient=True)
    counts = model.evaluate(shown, dataset.label_space, samples.add, mapping)
    protocol = evaluation_protocol(dataset, model, request.void)
    if request.label_map is not None:
        protocol["label_map"] = f"{model.label_space.name} -> {dataset.label_space.name}"
    kept = Run(path).evaluation(f"{dataset.name}-{dataset.split}") if path.is_dir() else None
    made = origin(path, request, dataset.root) if kept else {}
    if kept:
        runs.write_json(kept.metrics, {**score(counts, protocol), "origin": made})
        counts.save(kept.confusion)
        samples.write(kept.samples, counts)
    return _score_in(counts, protocol, request, Run(path) if kept else None, made)


def score_run(path: Path, request: Request) -> tuple[dict[str, Any], str]:
    """Score again from the counts that a run, or an evaluation of it, kept; no model runs.

    Raises:
        RunError: There are no counts.
        ConfigError: The counts are too coarse for the label space asked for.
    """
    kept = Run(path)
    counts = SemanticCounts.load(kept.confusion)
    protocol = {**runs.read_json(kept.metrics)["protocol"], "void": request.void}
    return _score_in(counts, protocol, request, kept.home, origin_of(kept))


def _score_in(
    counts: SemanticCounts, protocol: dict[str, Any], request: Request, run: Run | None, made: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """Score in the label space asked for; in a run, the scores of another than the counts' own are kept beside."""
    own, wanted = counts.label_space, request.label_space
    space = wanted if isinstance(wanted, LabelSpace) else choose_space(own, wanted)
    if space != own:
        counts = regroup(counts, space)
        protocol = {**protocol, "label_space": space.name, "counted_in": protocol.get("counted_in", own.name)}
    scores = score(counts, protocol)
    table = score_table(scores, space)  # type: ignore[arg-type]
    if request.size_bands is not None:
        scores["size_bands"] = bands = size_bands(counts, request.size_bands)
        table += "\n\n" + band_table(bands)
    if run is not None and space != own:
        kept = regrouped(run, protocol, space)
        runs.write_json(kept.metrics, scores | ({"origin": made} if made else {}))
        counts.save(kept.confusion)
    return scores, table


def regrouped(run: Run, protocol: dict[str, Any], space: LabelSpace) -> Run:
    """Return where a run keeps scores in another label space than that of their counts."""
    word = re.sub(r"[^\w-]+", "-", space.name.rpartition(":")[2])
    return run.evaluation(f"{protocol['dataset']}-{protocol['split']}-{word}")


def score_files(folder: Path, request: Request) -> tuple[dict[str, Any], str]:
    """Score label-id pictures: NAME_labelIds.png, NAME_gtFine_labelIds.png or NAME.png for every scene.

    Raises:
        ConfigError: No data set was given.
        DataError: A prediction is missing, or has another size than its truth.
    """
    if request.data is None:
        raise ConfigError("Predictions in files need a data set to compare with: give -d NAME -p ROOT.")
    dataset = datasets.create(request.data, root=request.root, split=request.split)
    with Progress(transient=True) as progress:
        task = progress.add_task("evaluating", total=len(dataset))
        counts = count_files(folder, dataset, lambda: progress.advance(task))
    return _score_in(counts, evaluation_protocol(dataset, None, request.void), request, None, {})


def count_files(
    folder: Path,
    dataset: SceneDataset,
    on_scene: Callable[[], object] = lambda: None,
    *,
    with_instances: bool = True,
) -> SemanticCounts:
    """Count label-id pictures against their truth; several threads read, and the images themselves aren't.

    Args:
        folder: Where the predictions are.
        dataset: The labelled split.
        on_scene: Is called after each scene.
        with_instances: Also count single objects, where the data set tells them apart.

    Raises:
        DataError: A prediction is missing, or has another size than its truth.
    """
    found = {file.name: file for file in sorted(folder.rglob("*.png"))}
    counts = SemanticCounts(dataset.label_space)

    def count(i: int) -> SemanticCounts:
        name = dataset.files[i].name
        path = _prediction_of(name, found, folder)
        prediction = dataset.label_space.encode(read_ids(path), where=path)
        labels = dataset.read_labels(i)
        if labels is None:
            raise ConfigError(f"{name} has no labels to compare with. Give a split that has them, --split val.")
        if prediction.shape != labels.shape:
            raise DataError(
                f"{path}: the prediction is {prediction.shape[0]} x {prediction.shape[1]} but its truth is "
                f"{labels.shape[0]} x {labels.shape[1]}. Write predictions at the size of the labels."
            )
        part = SemanticCounts(dataset.label_space)
        part.add(name, labels, prediction, dataset.read_instances(i) if with_instances else None)
        on_scene()
        return part

    for part in run_in_threads(count, len(dataset)):
        counts.merge(part)
    return counts


def regroup(counts: SemanticCounts, space: LabelSpace) -> SemanticCounts:
    """Return counts as they would be in a label space whose classes are made of those that were counted.

    A class has its instance score, and its objects, only where they can be known: it is a class of the counts, or a
    whole category.

    Args:
        counts: With the label space that they were made in.
        space: The other one.

    Raises:
        ConfigError: It takes apart what was counted together.
    """
    own = counts.label_space
    table = own.train_ids_in(space)
    numbers = np.append(table[: len(own)], table[IGNORE_INDEX]).astype(np.int64)
    numbers[numbers == IGNORE_INDEX] = len(space)
    join = (np.arange(len(space) + 1)[:, None] == numbers).astype(np.int64)  # (C'+1, C+1)
    members = (join[:-1, :-1] - join[:-1, -1:]) > 0  # none where void joined in: its objects weren't counted
    of_category = categories_of(own)[: len(own)] == np.arange(len(own.categories))[:, None]  # (K, C)
    by_class = members & (members.sum(1) == 1)[:, None]
    by_category = (members[:, None] == of_category).all(2) & ~by_class.any(1)[:, None]  # (C', K)

    regrouped = SemanticCounts(space)
    scored = by_class.any(1) | by_category.any(1)
    sizes = [counts.object_pixels[row].mean() if some else np.nan for row, some in zip(members, scored, strict=True)]
    regrouped.object_pixels = np.array(sizes)
    kept = [own.categories.index(name) for name in space.categories]
    known = not kept or members.any(0).all()  # else a category may lack some of its classes
    for name, image in counts.images.items():
        weighted = None
        if image.instances and known:
            tp, fn, category_tp, category_fn = image.instances
            weighted = WeightedInstances(
                by_class @ tp + by_category @ category_tp,
                by_class @ fn + by_category @ category_fn,
                category_tp[kept],
                category_fn[kept],
            )
        objects = None if image.objects is None else _regroup_objects(image.objects, numbers, by_class, by_category)
        regrouped.images[name] = ImageCounts(join @ image.confusion @ join.T, weighted, objects)
    return regrouped


def _regroup_objects(
    objects: InstanceCounts, numbers: Counts, by_class: npt.NDArray[np.bool_], by_category: npt.NDArray[np.bool_]
) -> InstanceCounts:
    """Return the objects whose hits can be known in the other space: as their class, or as their whole category."""
    new = numbers[np.minimum(objects.classes, len(numbers) - 1)]
    new_or_none = np.minimum(new, len(by_class) - 1)  # void has no row
    single, whole = (np.any(table, axis=1).astype(bool)[new_or_none] for table in (by_class, by_category))
    known = (new < len(by_class)) & (single | whole)
    hits = np.where(whole, objects.category_hits, objects.hits)
    kept = (objects.numbers, new, objects.pixels, hits, objects.category_hits)
    return InstanceCounts(*(column[known] for column in kept))


def _prediction_of(name: str, found: dict[str, Path], folder: Path) -> Path:
    for candidate in (f"{name}_labelIds.png", f"{name}_gtFine_labelIds.png", f"{name}.png"):
        if candidate in found:
            return found[candidate]
    raise DataError(f"{folder}: no prediction for {name}. Expected {name}_labelIds.png or {name}.png somewhere in it.")


def open_scenes(request: Request, model: SemanticModel, path: Path) -> SceneDataset:
    """Open the split that was asked for, or that the model was trained on, in the model's classes.

    Raises:
        ConfigError: It isn't said which, or its classes are others than the model's.
    """
    trained = Run(path).load_config().data if path.is_dir() else None
    known = model.header.get("score", {}).get("protocol", {}).get("dataset")
    name = request.data or (trained.name if trained else known)
    if name is None:
        raise ConfigError("Which data set? Give -d NAME -p ROOT.")
    same = trained is not None and datasets.datasets.resolve(name) == trained.name
    root = request.root or (trained.root if trained and same else None)
    options = dict(trained.options) if trained and same else {}
    regrouped = options.pop("label_space", None) is not None
    dataset = datasets.create(name, root=root, split=request.split, **options)
    if request.label_map is not None or dataset.label_space.names == model.label_space.names:
        return dataset
    if regrouped or model.label_space.name.startswith(f"{dataset.label_space.name}:"):
        dataset.label_space = model.label_space  # the data set's own, grouped
    else:
        raise ConfigError(
            f"{path} knows the {len(model.label_space)} classes of {model.label_space.name}, the data set {name} has "
            f"the {len(dataset.label_space)} of {dataset.label_space.name}. Give a data set with the same classes, "
            f"or a file that maps one to the other with --label-map FILE."
        )
    return dataset


def read_label_map(file: Path, model: SemanticModel, target: LabelSpace) -> Labels:
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
            if word not in known:
                hint = did_you_mean(str(word), known)
                raise ConfigError(f'{file}: {space.name} has no class "{word}".{hint}')
        table[ours[name]] = theirs[meaning]
    if missing := [name for name in model.label_space.names if name not in entries]:
        raise ConfigError(f"{file}: no entry for {', '.join(missing)}. Map every class of the model; void is allowed.")
    return table
