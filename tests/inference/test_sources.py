"""What is to be predicted."""

import os

import pytest

from sceneseg.errors import DataError
from sceneseg.inference.sources import find_sources


def test_pipes_and_devices_are_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    for source in (pipe, "/dev/null"):
        with pytest.raises(DataError, match="found a pipe or device"):
            find_sources([source], tmp_path / "results")
    (tmp_path / "a.png").write_bytes(b"")
    found = find_sources([tmp_path], tmp_path / "results")
    assert [source.name for source in found.sources] == ["a"]
    assert found.left_out == {pipe: "not a file"}
