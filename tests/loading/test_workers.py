"""Loaders leave OpenCV's threads of the program alone, and read without any."""

import cv2
import pytest

from sceneseg.loading.workers import Loader


class Threads:
    """Numbers of OpenCV's threads, as seen by the process that reads."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return cv2.getNumThreads()


@pytest.fixture
def two_threads():
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("workers", "expected"), [(0, 2), (2, 1)])
def test_processes_read_with_one_thread_each(workers, expected):
    assert list(Loader(Threads(), batch_size=None, num_workers=workers)) == [expected] * 4
    assert cv2.getNumThreads() == 2
