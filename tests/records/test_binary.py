"""Files of PyTorch and NumPy, whole and damaged."""

import pickle

import numpy as np
import pytest
import torch

from sceneseg.records.binary import DamagedError, read_arrays, read_torch


class Bomb:
    def __reduce__(self):
        return (print, ("run",))


def contents() -> dict[str, bytes]:
    return {
        "empty": b"",
        "zeros": bytes(64),
        "text": "größer".encode("latin-1"),
        "zip": b"PK\x05\x06" + bytes(18),
        "pickle": pickle.dumps(Bomb()),
    }


@pytest.mark.parametrize("name", contents())
@pytest.mark.parametrize("read", [read_torch, read_arrays])
def test_other_files_are_damaged(tmp_path, capsys, read, name):
    (tmp_path / "x").write_bytes(contents()[name])
    if read is read_arrays and name == "zip":  # no arrays
        assert read(tmp_path / "x") == {}
        return
    with pytest.raises(DamagedError) as raised:
        read(tmp_path / "x")
    assert "\n" not in str(raised.value)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("read", [read_torch, read_arrays])
def test_a_missing_file_is_missing(tmp_path, read):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "x")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_files_that_were_cut(tmp_path, kept):
    torch.save({"a": torch.zeros(100)}, tmp_path / "a")
    np.savez_compressed(tmp_path / "b.npz", a=np.arange(1000))
    for file, read in ((tmp_path / "a", read_torch), (tmp_path / "b.npz", read_arrays)):
        assert read(file)["a"].shape in ((100,), (1000,))
        file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
        with pytest.raises(DamagedError):
            read(file)
