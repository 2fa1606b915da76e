"""BatchNorm and samples that are computed alone: a map of one pixel has no statistics."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from sceneseg.errors import ModelError

TOO_FEW = "more than 1 value per channel"
"""What PyTorch's error says."""


@contextmanager
def explained_statistics(size: tuple[int, int]) -> Iterator[None]:
    """Explain what to do when a BatchNorm in training sees one value in each channel.

    Args:
        size: (height, width) of the sample.

    Raises:
        ModelError: It does, in place of PyTorch's error.
    """
    try:
        yield
    except ValueError as error:
        if TOO_FEW not in str(error):
            raise
        raise ModelError(
            f"BatchNorm needs more than one value in each channel, and a single sample of {size[0]} x {size[1]} leaves "
            f"one. Compute two samples or more at once (a batch of at least 2, not in parts of 1), or give larger "
            f"samples.",
            field="augment.crop_size",
        ) from error


def check_single_sample(network: Any, size: tuple[int, int]) -> None:
    """See whether a network can be trained on one sample at a time; nothing is computed.

    Args:
        network: On the meta device, with `in_channels`.
        size: (height, width) of the sample.

    Raises:
        ModelError: One of its BatchNorms would see one value in each channel.
    """
    with explained_statistics(size), torch.no_grad():
        network.train()(torch.empty(1, network.in_channels, *size, device="meta"))
