"""Networks ready to predict: strict loading of weights, and the precision they run at."""

import textwrap
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from sceneseg import models
from sceneseg.errors import RunError, ScenesegError, UnknownNameError
from sceneseg.plain import UnfitError, as_record
from sceneseg.records import run_directory
from sceneseg.records.header import ModelSpec, WeightsHeader

T = TypeVar("T")
PRECISIONS = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
"""Name of a precision -> what is computed in; None is float32."""
LARGEST_SIDE = 2**15
"""Pixels of a side that a network is given."""


def model_of(header: WeightsHeader, file: Path) -> ModelSpec:
    """Return the model that the header of a weights file names.

    Args:
        header: What the file says of itself.
        file: The file, for the message.

    Raises:
        RunError: It names none.
    """
    if header.model is None:
        raise RunError(f"{file}: its header doesn't say which model it is of. Fetch or train the weights again.")
    return header.model


def create_network(model: ModelSpec, outputs: int, file: Path) -> Any:
    """Create the network that the header of a weights file names, untrained.

    Args:
        model: Its name and arguments.
        outputs: How many it has.
        file: Of the weights, for the message.

    Raises:
        RunError: It can't be made.
    """
    arguments = {key: value for key, value in model.arguments.items() if key != "pretrained"}
    try:
        return models.create(model.name, num_classes=outputs, **arguments)
    except UnknownNameError:  # which says how a model of the user's own is given
        raise
    except ScenesegError as error:
        raise RunError(f"{file}: its header names a model that can't be made. {error}") from None


def read_input(kind: type[T], facts: Mapping[str, object], file: Path) -> T:
    """Read from a header what a network must be given.

    Args:
        kind: The dataclass of these facts; `target_size` and `precision` are among them.
        facts: As the header has them.
        file: Of the weights, for the message.

    Raises:
        RunError: There is none, or it names something else.
    """
    try:
        found: Any = as_record(kind, facts, "input.")
        size, precision = found.target_size, found.precision
        if size is not None and not all(0 < side < LARGEST_SIDE for side in size):
            raise UnfitError(f"input.target_size must be a height and a width, found {size}")
        if precision not in PRECISIONS:
            raise UnfitError(f"input.precision must be one of {', '.join(PRECISIONS)}, found {precision!r}")
    except UnfitError as error:
        raise RunError(f"{file}: its header is damaged, or newer than this sceneseg: {error}.") from None
    known: T = found
    return known


def load_strictly(network: nn.Module, file: Path) -> None:
    """Give a network the weights of a file, each tensor exactly once.

    Raises:
        RunError: They don't belong to this network.
    """
    try:
        network.load_state_dict(run_directory.load_weights(file))
    except RuntimeError as error:
        found = str(error).split("\n\t")
        more = f" and {len(found) - 2} more" if len(found) > 2 else ""
        first = textwrap.shorten(found[1], 200, placeholder=" ...")  # else it names every tensor
        raise RunError(
            f"{file}: these weights don't fit the model that their header names ({first}{more}). The file "
            f"was put together wrongly, or by another version of sceneseg."
        ) from None


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context in which a network runs at "32-true", "bf16-mixed" or "16-mixed"."""
    dtype = PRECISIONS.get(precision)
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)
