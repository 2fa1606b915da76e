"""Starting and resuming runs: data sets are opened, the run directory is made and described, then the loop begins."""

from pathlib import Path

from sceneseg import config as configs
from sceneseg import data
from sceneseg.config import Config
from sceneseg.data.scene import SceneDataset
from sceneseg.environment import environment
from sceneseg.errors import DataError
from sceneseg.models import models
from sceneseg.models._cost import model_cost
from sceneseg.runs import Run, create_run, write_json, write_text
from sceneseg.training.loop import Training


def start(config: Config, runs: Path) -> tuple[Run, bool]:
    """Train from scratch in a new run directory.

    Everything that can be wrong with names, arguments and data is found before the directory is made.

    Returns:
        The run, and whether it came to its end (False: interrupted, its state is saved).
    """
    config.model = {**config.model, "name": models.resolve(config.model_name)}
    train, val = open_splits(config)
    size = config.augment.crop_size or config.data.target_size or train.read(0).image.shape[:2]
    cost = model_cost(config.model_name, len(train.label_space), (size[0], size[1]), **config.model_arguments)
    config.data.name, config.data.root = train.name, str(train.root.resolve())
    run = create_run(runs, config.name or f"{train.name}-{config.model_name}")
    config.name = run.path.name
    write_text(run.config, configs.dump(config))
    write_json(run.labels, train.label_space.to_dict())
    write_json(run.model, cost)
    write_json(run.environment, environment())
    return run, Training(config, run, train, val).fit()


def resume(run: Run) -> bool:
    """Go on with an interrupted run from its saved state; return whether it came to its end."""
    config = run.load_config()
    train, val = open_splits(config)
    return Training(config, run, train, val, resume=True).fit()


def open_splits(config: Config) -> tuple[SceneDataset, SceneDataset]:
    """Open the training and the validation split.

    Raises:
        DataError: A folder, split or label file that isn't there.
    """
    wanted = config.data
    train, val = (
        data.create(wanted.name, root=wanted.root, split=split, **wanted.options)
        for split in (wanted.train_split, wanted.val_split)
    )
    for split in (train, val):
        if not split.has_labels:
            raise DataError(f"{split.name}: the {split.split} split has no labels, so it can't be used for training.")
    return train, val
