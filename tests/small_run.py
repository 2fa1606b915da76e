"""A run directory as training leaves it, without any training: a small network as it is drawn, and its true scores."""

from dataclasses import replace
from pathlib import Path

from sceneseg.config import files as config_files
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.schema import Config
from sceneseg.records.run_directory import RunDirectory, write_history, write_json, write_text
from sceneseg.records.scores import write_scores
from sceneseg.tasks.semantic import Semantic


def small_config(toy_root: Path, seed: int = 0, label_space: str | None = None) -> Config:
    """Return the configuration of a small network on toy scenes."""
    config = Config(model={"name": "separable_unet", "width": 4}, seed=seed)
    plain = to_dict(config)
    plain["data"] |= {"root": str(toy_root), "workers": 0, "check": False, "label_space": label_space}
    plain["augment"]["crop_size"], plain["train"]["device"] = [32, 48], "cpu"
    return from_dict(plain)


def make_small_run(path: Path, toy_root: Path, seed: int = 0, label_space: str | None = None) -> RunDirectory:
    """Write a run whose weights are those of its seed."""
    run, config = RunDirectory(path), replace(small_config(toy_root, seed, label_space), name=path.name)
    task = Semantic(config)
    path.mkdir(parents=True)
    write_text(run.config, config_files.dump(config))
    write_json(run.labels, task.labels())
    write_json(run.model, task.cost().to_dict())
    row = {"epoch": 1, "step": 10, "seconds": 20.0 + seed, "loss": 1.0, "mean_iou": 0.1}
    write_history(run.history, [row, {**row, "epoch": 2, "step": 20}])
    write_weights(run, seed)
    return run


def write_weights(run: RunDirectory, seed: int) -> None:
    """Write the weights of a seed, with the scores that belong to them, as a longer training does."""
    config = replace(run.load_config(), seed=seed)
    task = Semantic(config)
    model = task.create_model("32-true")
    validation = task.validate(0)
    validation.write(run)
    write_scores(run.metrics, validation.scores)
    scores = validation.scores
    score = {"mean_iou": scores.means["mean_iou"], "protocol": scores.protocol.to_dict()}
    model.save(run.best, model.network.state_dict(), score=score)
