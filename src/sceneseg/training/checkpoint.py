"""The saved state of a run: everything that a resumed run needs to do exactly what the unbroken one would have done."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import nn

from sceneseg.devices import gather, processes
from sceneseg.errors import RunError
from sceneseg.optim.averaging import WeightAverage
from sceneseg.records.binary import DAMAGE, read_torch
from sceneseg.records.run_directory import RunDirectory, atomic
from sceneseg.training import sharding
from sceneseg.training.gradients import random_state, set_random_state
from sceneseg.training.state import TrainState


class Stateful(Protocol):
    """Part that is saved and restored: the network, the optimizer, the gradient scaler, the average of the weights."""

    def state_dict(self) -> Any:
        """Return the state, which `load_state_dict` takes."""
        ...

    def load_state_dict(self, state_dict: Any, /) -> Any:
        """Restore a state."""
        ...


def stateful_parts(
    fabric: Fabric, network: nn.Module, optimizer: Any, average: WeightAverage | None
) -> dict[str, Stateful]:
    """Return what of a training has a `state_dict`, by the names in the saved state.

    Args:
        fabric: With the gradient scaler, in 16-mixed.
        network: The network.
        optimizer: Wrapped by Fabric.
        average: The moving average of the weights, where there is one.
    """
    parts: dict[str, Stateful] = {"network": network, "optimizer": optimizer}
    if scaler := getattr(fabric.strategy.precision, "scaler", None):
        parts["scaler"] = scaler
    return parts | ({"average": average} if average else {})


def save_state(path: Path, state: TrainState, parts: Mapping[str, Stateful]) -> None:
    """Write the state, whole or not at all: the last good one stays when the disk is full.

    Every process calls this; the first one writes.

    Args:
        path: The file.
        state: How far the run has come.
        parts: What has a `state_dict`, see `stateful_parts`.

    Raises:
        RunError: It can't be written.
    """
    random = gather(random_state())
    tensors = {name: sharding.whole(part.state_dict()) for name, part in parts.items()}
    if processes()[0] != 0:
        return
    try:
        with atomic(path) as temporary:
            torch.save({"progress": asdict(state), "parts": tensors, "random": random}, temporary)
    except (OSError, RuntimeError) as error:  # PyTorch's writer raises the latter
        kept = "The last good state stays" if path.is_file() else "There is no earlier one"
        raise RunError(
            f"{path}: the state can't be written ({error}). {kept}. Make room on the disk, then resume {path.parent}."
        ) from error


def load_state(path: Path, parts: Mapping[str, Stateful]) -> TrainState:
    """Read a state into `parts`, restore the random numbers, and return how far the run had come.

    Raises:
        RunError: There is no state, it is damaged, or it belongs to another configuration.
    """
    if not path.is_file():
        raise RunError(f"{path}: there is no saved state to resume from. {_way_back(path)}")
    try:
        saved = read_torch(path)
        state, tensors, random = _train_state(saved["progress"]), dict(saved["parts"]), list(saved["random"])
    except DAMAGE as error:
        why = f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""
        raise RunError(f"{path}: the saved state is damaged or isn't one{why}. {_way_back(path)}") from None
    if tensors.keys() != parts.keys():
        raise RunError(
            f"{path}: holds {', '.join(map(str, tensors))}; the configuration asks for {', '.join(parts)}. "
            f"{_way_back(path)}"
        )
    rank, world = processes()
    try:
        for name, part in parts.items():
            sharding.load(part, tensors[name])
            _check_shapes(part)
        if len(random) == world:  # with other processes the samples stay the same, dropout can't
            set_random_state(random[rank])
    except DAMAGE:
        raise RunError(
            f"{path}: the saved state doesn't fit the model and optimizer of config.yaml: it is damaged, or belongs "
            f"to another run. {_way_back(path)}"
        ) from None
    return state


def _train_state(saved: Any) -> TrainState:
    """Read how far a run had come.

    Raises:
        TypeError: It is something else.
    """
    state, default = TrainState(**saved), TrainState()
    for one in fields(TrainState):
        value, kind = getattr(state, one.name), type(getattr(default, one.name))
        if not isinstance(value, (int, float) if kind is float else kind):
            raise TypeError(f"{one.name} is {value!r}")
    if not all(isinstance(row, dict) for row in state.history) or state.step < 0:
        raise TypeError("history and step")
    return state


def _check_shapes(part: Any) -> None:
    """Check that what an optimizer stores of its parameters has their shapes, which PyTorch doesn't look at.

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
        return f"The weights of the run are stored: start a new run with {run.config} and train.weights {run.path}."
    return f"Start a new run with {run.config}."
