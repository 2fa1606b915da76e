"""`train`: from names, modules and scenes to a run directory with weights, scores and a report."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from sceneseg import tasks
from sceneseg.api.options import configure, nested
from sceneseg.config.asked import Asked
from sceneseg.config.conversion import to_dict
from sceneseg.config.layering import flat, layer
from sceneseg.config.schema import Config
from sceneseg.datasets import datasets
from sceneseg.datasets.base import SceneDataset
from sceneseg.errors import ConfigError, refuse_options
from sceneseg.models.user_module import user_supplied
from sceneseg.records.history import read_epochs
from sceneseg.records.run_directory import RunDirectory, find_run
from sceneseg.records.scores import Scores, read_scores
from sceneseg.report.run.page import write_report
from sceneseg.training import start
from sceneseg.training.hooks import Hook, Hooks
from sceneseg.transforms.user_supplied import is_own, transform_entries
from sceneseg.user_files import allow

if TYPE_CHECKING:
    from sceneseg.inference.base import Predictor

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trained:
    """A trained run; it can be given wherever a run directory is asked for.

    Args:
        run: The run directory.
        finished: Whether it came to its end; an interrupted one is resumed with `train(resume=...)`.
        module: The module that was trained, if it was user-supplied.
    """

    run: RunDirectory
    finished: bool
    module: nn.Module | None = None

    @property
    def path(self) -> Path:
        """The run directory."""
        return self.run.path

    @property
    def scores(self) -> Scores:
        """Scores of the best weights on the validation split, with their protocol."""
        return read_scores(self.run.metrics)

    @property
    def history(self) -> list[dict[str, float]]:
        """A row for each epoch; what wasn't measured in an epoch isn't in its row."""
        rows = [row.to_dict() for row in read_epochs(self.run.history)]
        return [{key: value for key, value in row.items() if value is not None} for row in rows]

    @property
    def best(self) -> tuple[str, float]:
        """The score by which the best weights were chosen, as people name it, and its value in [0, 1]."""
        config = self.run.load_config()
        key, name = tasks.best_score(config.task, config.train.best)
        return name, self.scores[key] or 0.0

    def model(self, device: str = "auto") -> "Predictor":
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
    transforms: Sequence[Any] = (),
    on_start: Hook | None = None,
    on_step_end: Hook | None = None,
    on_validation_end: Hook | None = None,
    on_epoch_end: Hook | None = None,
    on_end: Hook | None = None,
    **options: Any,
) -> Trained:
    """Train a model, validate it, and leave a run directory with weights, scores and report.

    Every key of the configuration is an option, by its own name (``epochs=20``, ``lr=1e-3``,
    ``crop_size=(360, 480)``) or in its section (``train={"patience": 5}``, ``loss={"cross_entropy": 1, "dice": 0.5}``).

    Args:
        model: A name, a mapping of name and arguments, or any module from pixels (B, 3, H, W) to logits
            (B, classes, h, w), see `sceneseg.models.user_module.UserModule`; it is copied, and stays as it is.
        data: A name, the section as a mapping (``{"name": "camvid", "workers": 0}``), or a pair of training and
            validation scenes (`sceneseg.Scenes`, or any `SceneDataset`).
        root: The data set's folder.
        config: A YAML file or a configuration, over which the options go.
        runs: Folder of the run directories.
        resume: A run to resume; what may change are `sceneseg.training.start.MAY_CHANGE`. User-supplied modules,
            scenes and transforms, and names of Python files, must be given again. "auto" resumes the newest run of this
            configuration in `runs`, or starts it; for jobs that are queued again.
        transforms: Objects behind the configured transforms: of `sceneseg.transforms.base`, of albumentations or of
            torchvision.transforms.v2.
        on_start: Called with the `Trainer` before the first step.
        on_step_end: After each step.
        on_validation_end: After each validation.
        on_epoch_end: After each epoch.
        on_end: At the end.
        options: The configuration.

    Raises:
        ScenesegError: Something in the options, data or weights is wrong; most of it before anything is computed.

    Example:
        >>> import sceneseg
        >>> result = sceneseg.train(
        ...     {"name": "separable_unet", "width": 4},
        ...     "cityscapes",
        ...     "data/toy",
        ...     epochs=1,
        ...     batch_size=4,
        ...     crop_size=(32, 64),
        ...     workers=0,
        ...     device="cpu",
        ... )
        >>> result.path.name, len(result.history)
        ('cityscapes-separable_unet', 1)
    """
    hooks = Hooks(on_start, on_step_end, on_validation_end, on_epoch_end, on_end)
    changes = nested(options)
    with ExitStack() as lendings:
        if isinstance(model, nn.Module):
            changes["model"] = {"name": lendings.enter_context(user_supplied(model))}
        elif model is not None:
            changes["model"] = {"name": model} if isinstance(model, str) else dict(model)
        section = changes.setdefault("data", {})
        if isinstance(data, tuple):
            section |= _lend_scenes(lendings, *data)
        elif data is not None:
            section |= {"name": data} if isinstance(data, str) else _section("data", data)
        if root is not None:
            section["root"] = str(root)
        allow(changes)
        own = lendings.enter_context(transform_entries(transforms))
        if resume is None or resume == "auto":
            chosen, asked = configure(config, changes)
            allow(to_dict(chosen))
            run, finished = _start(_with_transforms(chosen, own), asked, Path(runs), resume is not None, hooks)
        else:
            refuse_options(
                {"config": config}, "a resumed run has its own configuration. Leave it out, or start a new run."
            )
            run = find_run(Path(resume))
            if own:
                augment = _with_transforms(run.load_config(), own).augment
                changes.setdefault("augment", {})["transforms"] = augment.transforms
            finished = start.resume(run, _unlike(changes, run.load_config()), [hooks], LOG.info)
    if finished:
        write_report(run.path)
    return Trained(run, finished, model if isinstance(model, nn.Module) else None)


def _start(chosen: Config, asked: list[Asked], runs: Path, queued: bool, hooks: Hooks) -> tuple[RunDirectory, bool]:
    """Start a run, or resume the newest one of the same configuration if a job is queued again."""
    if queued:
        if earlier := start.find_unfinished(chosen, runs):
            return earlier, start.resume(earlier, start.what_changes(chosen, earlier), [hooks], LOG.info)
        chosen = replace(chosen, data=replace(chosen.data, accept_changes=False))  # which such a job has from the start
    return start.start(chosen, runs, [hooks], asked, LOG.info)


def _with_transforms(config: Config, own: list[dict[str, object]]) -> Config:
    """Return a configuration with user-supplied transforms behind those that it names."""
    if not own:
        return config
    named = [entry for entry in config.augment.transforms if not is_own(entry)]
    return replace(config, augment=replace(config.augment, transforms=[*named, *own]))


def _lend_scenes(lendings: ExitStack, train: SceneDataset, val: SceneDataset) -> dict[str, object]:
    """Put scenes on the shelf of data sets; return the section of the configuration that opens them."""
    for part in (train, val):
        if not isinstance(part, SceneDataset):
            raise ConfigError(
                f"data: expected two data sets of scenes, training and validation, found a {type(part).__name__}. "
                f"Make them of pairs of images and labels: sceneseg.Scenes(pairs, classes)."
            )
    if train.label_space.names != val.label_space.names:
        raise ConfigError(
            f"The training scenes have the classes {', '.join(train.label_space.names)}, the validation scenes "
            f"{', '.join(val.label_space.names)}. Give both the same."
        )
    parts = {"train": train, "val": val}

    def scenes(root: Any = None, split: str = "train") -> SceneDataset:
        return parts[split]

    name = lendings.enter_context(datasets.temporarily(train.name, scenes))
    return {"name": name, "train_split": "train", "val_split": "val"}


def _section(name: str, given: Any) -> dict[str, object]:
    if not isinstance(given, Mapping):
        raise ConfigError(f"{name}: expected a name, a mapping or a pair of data sets, found {given!r}.")
    return {key: str(value) if isinstance(value, PathLike) else value for key, value in given.items()}


def _unlike(changes: Mapping[str, object], config: Config) -> dict[str, object]:
    """Leave out what a run has already, so that the call that began it can be repeated with `resume`."""
    have = flat(to_dict(config))
    kept: dict[str, object] = {}
    for key, value in flat(changes).items():
        plain: Any = list(value) if isinstance(value, tuple) else value
        if key not in have or have[key] != plain:
            for part in reversed(key.split(".")):
                plain = {part: plain}
            kept = layer(kept, plain)
    return kept
