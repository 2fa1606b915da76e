"""Files of PyTorch and NumPy, read without running code that they may hold, for any bytes."""

import pickle
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

DAMAGE = (
    *(RuntimeError, OSError, EOFError, MemoryError, ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, AssertionError, ImportError, SyntaxError, pickle.UnpicklingError, struct.error),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)
"""What the readers raise for files that their writers didn't write: each way of damage ends in another error."""


class DamagedError(ValueError):
    """A file of something else, or one that would need to run code; the message is a few words."""


def read_torch(file: Path) -> Any:
    """Read what `torch.save` wrote: tensors and plain data, on the CPU.

    Raises:
        DamagedError: It is something else.
        FileNotFoundError: There is no such file.
    """
    import torch

    with reading(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about files that PyTorch didn't write, which end in an error
        return torch.load(file, map_location="cpu", weights_only=True)


def read_arrays(file: Path, without: str = "") -> dict[str, npt.NDArray[Any]]:
    """Read what `numpy.savez` wrote.

    Args:
        file: The .npz.
        without: Name of an array that isn't read.

    Raises:
        DamagedError: It is something else.
        FileNotFoundError: There is no such file.
    """
    with reading(), file.open("rb") as opened, np.load(opened, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files if name != without}


@contextmanager
def reading() -> Iterator[None]:
    """Turn what readers raise for damaged files into a `DamagedError`; a missing file stays what it is."""
    try:
        yield
    except (FileNotFoundError, DamagedError):
        raise
    except DAMAGE as error:
        raise _damaged(error) from None


def _damaged(error: BaseException) -> DamagedError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return DamagedError(lines[0][:200] if lines else type(error).__name__)
