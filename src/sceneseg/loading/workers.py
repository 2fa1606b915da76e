"""Loaders whose processes read and augment."""

from typing import Any, TypeVar

import cv2
from torch.utils.data import DataLoader

T = TypeVar("T", covariant=True)


class Loader(DataLoader[T]):
    """A `DataLoader` whose processes read with one thread each.

    OpenCV's threads need not survive a fork: a process could wait for them for ever. They are therefore ended before
    the processes start, which go without; the program that started them gets its own back.
    """

    def __iter__(self) -> Any:
        """Start the processes, if there are any, and return what yields the batches."""
        if not self.num_workers:
            return super().__iter__()
        threads = cv2.getNumThreads()
        cv2.setNumThreads(0)
        try:
            return super().__iter__()
        finally:
            cv2.setNumThreads(threads)
