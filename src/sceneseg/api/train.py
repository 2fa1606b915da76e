"""The same from Python: `sceneseg.train` is `sceneseg train`, and takes modules, scenes and functions beside names."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, fields, is_dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from sceneseg import tasks
from sceneseg.config import files as config_files
from sceneseg.config.asked import asked_by, asked_by_file
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.layering import flat, layer, nest
from sceneseg.config.schema import Config
from sceneseg.datasets import datasets
from sceneseg.datasets.base import SceneDataset
from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.models._own import lent
from sceneseg.records.results import read_epochs, read_scores
from sceneseg.records.run_directory import RunDirectory, find_run
from sceneseg.registry import OWN
from sceneseg.report.run.page import write_report
from sceneseg.training import start
from sceneseg.training.hooks import Hook, Hooks

if TYPE_CHECKING:
    from sceneseg.inference.classifier import ClassificationModel
    from sceneseg.inference.predictor import SemanticModel

SECTIONS = {field.name: field.type for field in fields(Config)}
SHORT = {"optimizer": ("optim", "name"), "optim": ("optim", "name"), "schedule": ("schedule", "name")}
"""Words that mean a name within a section."""


@dataclass(frozen=True)
class Trained:
    """What came of a training; it can be given wherever a run directory is asked for.

    Args:
        run: The run directory.
        finished: Whether it came to its end; an interrupted one goes on with `train(resume=...)`.
        module: The module that was trained, if it was one of the user's own.
    """

    run: RunDirectory
    finished: bool
    module: nn.Module | None = None

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.run.path

    @property
    def scores(self) -> dict[str, Any]:
        """Scores of the best weights on the validation split, with their protocol."""
        return read_scores(self.run.metrics)

    @property
    def history(self) -> list[dict[str, float]]:
        """A row for each epoch; what wasn't measured in an epoch isn't in its row."""
        rows = read_epochs(self.run.history)
        return [{key: value for key, value in row.items() if value is not None} for row in rows]

    def model(self, device: str = "auto") -> "SemanticModel | ClassificationModel":
        """Load the best weights."""
        return tasks.load(self.path, device, self.module)

    def __fspath__(self) -> str:
        return str(self.path)


def train(
    model: str | Mapping[str, Any] | nn.Module | None = None,
    data: str | Mapping[str, Any] | tuple[SceneDataset, SceneDataset] | None = None,
    root: str | PathLike[str] | None = None,
    *,
    config: str | PathLike[str] | Config | None = None,
    runs: str | PathLike[str] = "runs",
    resume: str | PathLike[str] | None = None,
    on_start: Hook | None = None,
    on_step_end: Hook | None = None,
    on_validation_end: Hook | None = None,
    on_epoch_end: Hook | None = None,
    on_end: Hook | None = None,
    **options: Any,
) -> Trained:
    """Train a model, validate it, and leave a run directory with weights, scores and report.

    Every option of ``sceneseg train`` is one here, by its own name (``epochs=20``, ``lr=1e-3``,
    ``crop_size=(360, 480)``) or in its section (``train={"patience": 5}``, ``loss={"cross_entropy": 1, "dice": 0.5}``).

    Args:
        model: A name, a mapping of name and arguments, or any module from pixels (B, 3, H, W) to logits
            (B, classes, h, w), see `sceneseg.models._own.OwnModel`; it is copied, and stays as it is.
        data: A name, the section as a mapping (``{"name": "camvid", "workers": 0}``), or a pair of training and
            validation scenes (`sceneseg.Scenes`, or any `SceneDataset`).
        root: The data set's folder.
        config: A YAML file or a configuration, over which the options go.
        runs: Folder of the run directories.
        resume: A run to go on with; what may change are `sceneseg.training.start.MAY_CHANGE`. Modules and scenes of
            one's own must be given again.
        on_start: Called with a `sceneseg.training.view.TrainView` before the first step.
        on_step_end: After each step.
        on_validation_end: After each validation.
        on_epoch_end: After each epoch.
        on_end: At the end.
        options: The configuration.

    Raises:
        ScenesegError: As on the command line, before anything is computed.
    """
    callbacks = [Hooks(on_start, on_step_end, on_validation_end, on_epoch_end, on_end)]
    changes = _nested(options)
    with ExitStack() as lendings:
        if isinstance(model, nn.Module):
            changes["model"] = {"name": lendings.enter_context(lent(model))}
        elif model is not None:
            changes["model"] = {"name": model} if isinstance(model, str) else dict(model)
        section = changes.setdefault("data", {})
        if isinstance(data, tuple):
            section |= _lend_scenes(lendings, *data)
        elif data is not None:
            section |= {"name": data} if isinstance(data, str) else _section("data", data)
        if root is not None:
            section["root"] = str(root)
        if resume is not None:
            run = find_run(Path(resume))
            finished = start.resume(run, _unlike(changes, run.load_config()), callbacks)
        else:
            base = config if isinstance(config, Config) else None if config is None else config_files.load(Path(config))
            known = {} if base is None else to_dict(base)
            asked = [asked_by("the options", changes), *([asked_by_file("config", base)] if base else [])]
            chosen = from_dict(layer(known, changes), "the options")
            run, finished = start.start(chosen, Path(runs), callbacks, asked)
    if finished:
        write_report(run.path)
    return Trained(run, finished, model if isinstance(model, nn.Module) else None)


def _lend_scenes(lendings: ExitStack, train: SceneDataset, val: SceneDataset) -> dict[str, Any]:
    """Put scenes on the shelf of data sets; return the section of the configuration that opens them."""
    for part in (train, val):
        if not isinstance(part, SceneDataset):
            raise ConfigError(
                f"data: expected two data sets of scenes, training and validation, found a {type(part).__name__}. "
                f"Make them of pairs of pictures and labels: sceneseg.Scenes(pairs, classes)."
            )
    if train.label_space.names != val.label_space.names:
        raise ConfigError(
            f"The training scenes have the classes {', '.join(train.label_space.names)}, the validation scenes "
            f"{', '.join(val.label_space.names)}. Give both the same."
        )
    parts = {"train": train, "val": val}

    def scenes(root: Any = None, split: str = "train") -> SceneDataset:
        return parts[split]

    name = OWN + train.name
    lendings.enter_context(datasets.lend(name, scenes))
    return {"name": name, "train_split": "train", "val_split": "val"}


def _nested(options: Mapping[str, Any]) -> dict[str, Any]:
    """Bring options under the sections of the configuration."""
    plain = to_dict(Config())
    places: dict[str, list[str]] = {}
    for section, kind in SECTIONS.items():
        if is_dataclass(kind):
            for key in plain[section]:
                places.setdefault(key, []).append(section)
    found: dict[str, Any] = {}
    for key, value in options.items():
        value = str(value) if isinstance(value, PathLike) else value
        if key in SHORT and isinstance(value, str):
            nested = nest(SHORT[key], value)
        elif key == "loss" and isinstance(value, str):
            nested = {"loss": {value: 1.0}}
        elif key in SECTIONS:
            nested = nest([key], value)
        elif len(places.get(key, [])) == 1:
            nested = nest([places[key][0], key], value)
        elif key in places:
            ways = " or ".join(f'{section}={{"{key}": ...}}' for section in places[key])
            raise ConfigError(f'The option "{key}" is in several sections. Say which: {ways}.')
        else:
            raise ConfigError(f'There is no option "{key}".{did_you_mean(key, [*places, *SECTIONS])}')
        found = layer(found, nested)
    return found


def _section(name: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{name}: expected a name, a mapping or a pair of data sets, found {given!r}.")
    return {key: str(value) if isinstance(value, PathLike) else value for key, value in given.items()}


def _unlike(changes: dict[str, Any], config: Config) -> dict[str, Any]:
    """Leave out what a run has already, so that the call that began it can be repeated with `resume`."""
    have = flat(to_dict(config))
    kept: dict[str, Any] = {}
    for key, value in flat(changes).items():
        plain: Any = list(value) if isinstance(value, tuple) else value
        if key not in have or have[key] != plain:
            kept = layer(kept, nest(key.split("."), plain))
    return kept
