"""Weights & Biases: offline in `wandb/` of the run, unless WANDB_MODE is set."""

import os
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sceneseg.records.run_directory import RunDirectory
from sceneseg.training.trackers import register
from sceneseg.training.trackers.base import End, Tracker

PROJECT = "sceneseg"
"""Unless WANDB_PROJECT is set."""


@register
class WandB(Tracker):
    """Reports to the package wandb; a resumed run has the same id."""

    package: ClassVar[str] = "wandb"
    install: ClassVar[str] = "wandb"

    def __init__(self, run: RunDirectory, config: Mapping[str, object], scores: list[str], step: int) -> None:
        super().__init__(run, config, scores, step)
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # its own errors would go to its makers
        import wandb

        self._wandb: Any = wandb
        mode = os.environ.get("WANDB_MODE", "offline")
        identity = self.known("wandb")
        self.told = wandb.init(
            project=os.environ.get("WANDB_PROJECT", PROJECT),
            name=run.path.name,
            id=identity,
            resume="allow" if identity else None,
            dir=str(run.path),
            mode=mode,
            config=dict(config),
            settings=wandb.Settings(silent=True),
        )
        self.told.define_metric("step")  # its own counter must not go back, ours does when a run is resumed
        self.told.define_metric("*", step_metric="step")
        self.remember("wandb", str(self.told.id))
        folder = run.path / "wandb"
        self.where = f"W&B      {folder}, {mode}" + (
            f"; upload it with: wandb sync {folder}/offline-run-*" if mode == "offline" else ""
        )

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Add a row."""
        self.told.log({"step": step, **values})

    def picture(self, name: str, picture: npt.NDArray[np.uint8], step: int) -> None:
        """Add an image."""
        self.told.log({"step": step, name: self._wandb.Image(picture)})

    def finish(self, end: End) -> None:
        """Close the run."""
        self.told.finish(exit_code=0 if end == "finished" else 1)
