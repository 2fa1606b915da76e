"""MLflow: in `mlruns/` of the run, unless MLFLOW_TRACKING_URI is set."""

import os
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sceneseg.config.layering import flat
from sceneseg.records.run_directory import RunDirectory
from sceneseg.training.trackers import register
from sceneseg.training.trackers.base import End, Tracker

EXPERIMENT = "sceneseg"
"""Unless MLFLOW_EXPERIMENT_NAME is set."""
MOST_AT_ONCE = 1000
"""Numbers that MLflow takes in one call."""
MOST_PARAMETERS = 100
"""Parameters that it takes in one call."""
ENDS: dict[End, str] = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}


@register
class MLflow(Tracker):
    """Reports to MLflow through its client; a resumed run has the same id."""

    package: ClassVar[str] = "mlflow"
    install: ClassVar[str] = "mlflow-skinny"

    def __init__(self, run: RunDirectory, config: Mapping[str, object], scores: list[str], step: int) -> None:
        super().__init__(run, config, scores, step)
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # else it reports its use to its makers
        folder = run.path / "mlruns"
        address = os.environ.get("MLFLOW_TRACKING_URI")
        if address is None:
            os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # newer ones must be asked for a folder
        import mlflow

        self._entities: Any = mlflow.entities
        self._client: Any = mlflow.MlflowClient(tracking_uri=address or folder.resolve().as_uri())
        known = self.known("mlflow")
        if known:
            self._client.update_run(known, status="RUNNING")
        self._id = known or self._create()
        self.remember("mlflow", self._id)
        self._waiting: list[Any] = []
        shown = f"{folder}; look at it with: MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {folder}"
        self.where = f"MLflow   {address or shown}"

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Keep points of curves until the next flush, for every call writes files or asks a server."""
        now = int(1000 * time.time())
        self._waiting += [self._entities.Metric(name, value, now, step) for name, value in values.items()]
        if len(self._waiting) >= MOST_AT_ONCE:
            self.flush()

    def picture(self, name: str, picture: npt.NDArray[np.uint8], step: int) -> None:
        """Add an image."""
        self._client.log_image(self._id, picture, key=name, step=step)

    def flush(self) -> None:
        """Write the points that wait."""
        waiting, self._waiting = self._waiting, []
        for first in range(0, len(waiting), MOST_AT_ONCE):
            self._client.log_batch(self._id, metrics=waiting[first : first + MOST_AT_ONCE])

    def finish(self, end: End) -> None:
        """Close the run."""
        self.flush()
        self._client.set_terminated(self._id, ENDS[end])

    def _create(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        experiment = self._client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else self._client.create_experiment(name)
        identity: str = self._client.create_run(number, run_name=self.run.path.name).info.run_id
        parameters = [self._entities.Param(key, str(value)) for key, value in flat(self.config).items()]
        for first in range(0, len(parameters), MOST_PARAMETERS):
            self._client.log_batch(identity, params=parameters[first : first + MOST_PARAMETERS])
        return identity
