"""Networks ready to predict: strict loading of weights, and the precision they run at."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sceneseg.errors import RunError
from sceneseg.records import runs


def load_strictly(network: nn.Module, file: Path) -> None:
    """Give a network the weights of a file, each tensor exactly once.

    Raises:
        RunError: They don't belong to this network.
    """
    try:
        network.load_state_dict(runs.load_weights(file))
    except RuntimeError as error:
        found = str(error).split("\n\t")
        more = f" and {len(found) - 2} more" if len(found) > 2 else ""
        raise RunError(
            f"{file}: these weights don't fit the model that their header names ({found[1].strip()}{more}). The file "
            f"was put together wrongly, or by another version of sceneseg."
        ) from None


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context in which a network runs at "32-true", "bf16-mixed" or "16-mixed"."""
    dtype = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(precision)
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)
