"""The saved state of a run: everything that a resumed run needs to do exactly what the unbroken one would have done."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from sceneseg.devices import gather, processes
from sceneseg.errors import RunError
from sceneseg.records.runs import atomic
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
    micro_batch: int = 0
    stale: int = 0

    @property
    def mean_loss(self) -> float:
        """Mean loss of the present epoch's steps."""
        return self.epoch_loss / max(1, self.epoch_steps)

    def add_step(self, loss: float, seconds: float, waited: float) -> None:
        """Take note of a finished step."""
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
            f"{path}: the state can't be written ({error}). {kept}. Make room on the disk, then go on with: "
            f"sceneseg train -r {path.parent}"
        ) from error


def load_state(path: Path, parts: dict[str, Any]) -> Progress:
    """Read a state into `parts`, restore the random numbers, and return how far the run had come.

    Raises:
        RunError: There is no state, or it belongs to another configuration.
    """
    if not path.is_file():
        raise RunError(f"{path}: there is no saved state to resume from. Start the run anew with its config.yaml.")
    saved = torch.load(path, map_location="cpu", weights_only=True)
    if saved["parts"].keys() != parts.keys():
        raise RunError(f"{path}: holds {', '.join(saved['parts'])}; the configuration asks for {', '.join(parts)}.")
    for name, part in parts.items():
        sharding.load(part, saved["parts"][name])
    rank, world = processes()
    if len(saved["random"]) == world:  # with other processes the samples stay the same, dropout can't
        set_random_state(saved["random"][rank])
    return Progress(**saved["progress"])
