"""Starting and resuming runs: data sets are opened, the run directory is made and described, then the loop begins."""

from pathlib import Path

from sceneseg import config as configs
from sceneseg import tasks
from sceneseg.config import Config
from sceneseg.environment import environment
from sceneseg.models import models
from sceneseg.runs import Run, create_run, write_json, write_text
from sceneseg.training.loop import Training


def start(config: Config, runs: Path) -> tuple[Run, bool]:
    """Train from scratch in a new run directory.

    Everything that can be wrong with names, arguments and data is found before the directory is made.

    Returns:
        The run, and whether it came to its end (False: interrupted, its state is saved).
    """
    config.model = {**config.model, "name": models.resolve(config.model_name)}
    task = tasks.create(config)
    for warning in task.check() if config.data.check else []:
        print(warning)
    cost = task.cost()
    config.data.name, config.data.root = task.train.name, str(task.train.root.resolve())
    run = create_run(runs, config.name or f"{task.train.name}-{config.model_name}")
    config.name = run.path.name
    write_text(run.config, configs.dump(config))
    write_json(run.labels, task.labels())
    write_json(run.model, cost)
    write_json(run.environment, environment())
    return run, Training(config, run, task).fit()


def resume(run: Run) -> bool:
    """Go on with an interrupted run from its saved state; return whether it came to its end."""
    config = run.load_config()
    config.train.weights = config.train.encoder_weights = None  # the saved state holds what came of them
    if config.model.get("pretrained"):
        config.model["pretrained"] = False
    return Training(config, run, tasks.create(config), resume=True).fit()
