"""The saved state of a run: everything that a resumed run needs to do exactly what the unbroken one would have done."""

import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from sceneseg.devices import gather, processes
from sceneseg.errors import RunError
from sceneseg.records.binary import DAMAGE, read_torch
from sceneseg.records.run_directory import RunDirectory, atomic
from sceneseg.training import sharding
from sceneseg.training.gradients import random_state, set_random_state


@dataclass
class Progress:
    """How far a run has come, as plain data.

    Args:
        step: Optimizer steps done.
        best: The best validation score so far.
        seconds: Training time so far, without validation.
        history: The rows of history.csv.
        epoch_steps: Steps of the present epoch that are done; the next three are sums over them.
        epoch_loss: Losses.
        epoch_seconds: Training time.
        epoch_waited: Seconds of it spent waiting for data.
        epoch_lr_min: The smallest learning rate of the present epoch's steps.
        epoch_lr_max: The largest.
        micro_batch: Samples that are computed at once.
        stale: Validations since the best one.
    """

    step: int = 0
    best: float = -1.0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    epoch_steps: int = 0
    epoch_loss: float = 0.0
    epoch_seconds: float = 0.0
    epoch_waited: float = 0.0
    epoch_lr_min: float = math.inf
    epoch_lr_max: float = 0.0
    micro_batch: int = 0
    stale: int = 0

    @property
    def mean_loss(self) -> float:
        """Mean loss of the present epoch's steps."""
        return self.epoch_loss / max(1, self.epoch_steps)

    def add_step(self, loss: float, seconds: float, waited: float, lr: float) -> None:
        """Take note of a finished step."""
        self.epoch_lr_min, self.epoch_lr_max = min(self.epoch_lr_min, lr), max(self.epoch_lr_max, lr)
        self.step += 1
        self.epoch_steps += 1
        self.seconds += seconds
        self.epoch_loss += loss
        self.epoch_seconds += seconds
        self.epoch_waited += waited

    def end_epoch(self, row: dict[str, Any]) -> None:
        """Add the epoch's row to the history and start the next epoch's sums."""
        self.history.append(row)
        self.epoch_steps = 0
        self.epoch_loss = self.epoch_seconds = self.epoch_waited = 0.0
        self.epoch_lr_min, self.epoch_lr_max = math.inf, 0.0


def save_state(path: Path, progress: Progress, parts: dict[str, Any]) -> None:
    """Write the state, whole or not at all: the last good one stays when the disk is full.

    Every process calls this; the first one writes.

    Args:
        path: The file.
        progress: How far the run has come.
        parts: Things with `state_dict` (network, optimizer, weight average).

    Raises:
        RunError: It can't be written.
    """
    random = gather(random_state())
    state = {name: sharding.whole(part.state_dict()) for name, part in parts.items()}
    if processes()[0] != 0:
        return
    try:
        with atomic(path) as temporary:
            torch.save({"progress": asdict(progress), "parts": state, "random": random}, temporary)
    except (OSError, RuntimeError) as error:  # PyTorch's writer raises the latter
        kept = "The last good state stays" if path.is_file() else "There is no earlier one"
        raise RunError(
            f"{path}: the state can't be written ({error}). {kept}. Make room on the disk, then resume {path.parent}."
        ) from error


def load_state(path: Path, parts: dict[str, Any]) -> Progress:
    """Read a state into `parts`, restore the random numbers, and return how far the run had come.

    Raises:
        RunError: There is no state, it is damaged, or it belongs to another configuration.
    """
    if not path.is_file():
        raise RunError(f"{path}: there is no saved state to resume from. {_way_back(path)}")
    try:
        saved = read_torch(path)
        progress, states, random = _progress(saved["progress"]), dict(saved["parts"]), list(saved["random"])
    except DAMAGE as error:
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise RunError(f"{path}: the saved state is damaged or isn't one{why}. {_way_back(path)}") from None
    if states.keys() != parts.keys():
        raise RunError(
            f"{path}: holds {', '.join(map(str, states))}; the configuration asks for {', '.join(parts)}. "
            f"{_way_back(path)}"
        )
    rank, world = processes()
    try:
        for name, part in parts.items():
            sharding.load(part, states[name])
            _check_shapes(part)
        if len(random) == world:  # with other processes the samples stay the same, dropout can't
            set_random_state(random[rank])
    except DAMAGE:
        raise RunError(
            f"{path}: the saved state doesn't fit the model and optimizer of config.yaml: it is damaged, or belongs "
            f"to another run. {_way_back(path)}"
        ) from None
    return progress


def _progress(saved: Any) -> Progress:
    """Read how far a run had come.

    Raises:
        TypeError: It is something else.
    """
    progress, usual = Progress(**saved), Progress()
    for one in fields(Progress):
        value, kind = getattr(progress, one.name), type(getattr(usual, one.name))
        if not isinstance(value, (int, float) if kind is float else kind):
            raise TypeError(f"{one.name} is {value!r}")
    if not all(isinstance(row, dict) for row in progress.history) or progress.step < 0:
        raise TypeError("history and step")
    return progress


def _check_shapes(part: Any) -> None:
    """See whether what an optimizer keeps of its parameters has their shapes, which PyTorch doesn't look at.

    Raises:
        ValueError: It hasn't.
    """
    for parameter, kept in part.state.items() if hasattr(part, "param_groups") else ():
        for value in kept.values():
            if torch.is_tensor(value) and value.ndim and value.shape != parameter.shape:
                raise ValueError(f"{tuple(value.shape)} instead of {tuple(parameter.shape)}")


def _way_back(path: Path) -> str:
    run = RunDirectory(path.parent)
    if run.best.is_file() or run.last.is_file():
        return f"The weights of the run are kept: start a new run with {run.config} and train.weights {run.path}."
    return f"Start a new run with {run.config}."
