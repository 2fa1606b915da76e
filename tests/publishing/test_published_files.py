"""Weights on their way: resumed, checked, and in place only when they are right."""

import hashlib
import shutil

import pytest

from sceneseg.errors import TransferError
from sceneseg.fetching import checks
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.publishing import files
from sceneseg.publishing.manifest import Entry

BODY = bytes(range(256)) * 2000


def published(server, body=BODY, sha256="", **how):
    server.serve("/w/tiny.safetensors", body, **how)
    digest = sha256 or hashlib.sha256(body).hexdigest()
    return Entry("tiny", f"{server.url}/w/tiny.safetensors", digest, len(body), "mit")


def names_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_broken_transfer_goes_on_and_the_file_is_checked(server, tmp_path, heard):
    entry = published(server, breaks=[100_000, 50_000])
    file = files.get(entry, tmp_path / "weights", heard)
    assert file.read_bytes() == BODY
    assert server.files["/w/tiny.safetensors"].asked == ["", "bytes=100000-", "bytes=150000-"]
    assert names_in(tmp_path) == ["weights/tiny.safetensors"]
    assert f"sha256 {entry.sha256} (as published)" in heard.said[-1]
    files.get(entry, tmp_path / "weights", heard)
    assert "there already" in heard.said[-1]
    assert len(server.files["/w/tiny.safetensors"].asked) == 3


def test_a_later_process_goes_on(server, tmp_path):
    entry = published(server, breaks=[100_000] + [0] * 9)
    with pytest.raises(TransferError, match="partial download is stored"):
        files.get(entry, tmp_path, ProgressReporter())
    assert names_in(tmp_path) == [f".arriving/tiny.safetensors{end}" for end in (".part", ".part.json")]
    server.files["/w/tiny.safetensors"].breaks.clear()
    files.get(entry, tmp_path, ProgressReporter())
    assert server.files["/w/tiny.safetensors"].asked[-1] == "bytes=100000-"
    assert names_in(tmp_path) == ["tiny.safetensors"]


def test_a_wrong_file_never_gets_the_name(server, tmp_path):
    entry = published(server, sha256="0" * 64)
    with pytest.raises(TransferError, match=r"expected the published sha256 0000.* found [0-9a-f]{64}.*It was removed"):
        files.get(entry, tmp_path, ProgressReporter())
    assert not list(tmp_path.iterdir())


def test_what_has_its_name_is_not_touched(server, tmp_path):
    (tmp_path / "tiny.safetensors").write_bytes(b"mine")
    with pytest.raises(TransferError, match="another file has this name"):
        files.get(published(server), tmp_path, ProgressReporter())
    assert (tmp_path / "tiny.safetensors").read_bytes() == b"mine"


def test_a_file_that_moved_and_a_full_disk(server, tmp_path, monkeypatch):
    entry = published(server)
    server.files.clear()
    with pytest.raises(TransferError, match="404 .* ask its publisher for a newer manifest"):
        files.get(entry, tmp_path, ProgressReporter())
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(TransferError, match="fetching tiny needs 512.0 kB, but only 1.0 kB"):
        files.get(entry, tmp_path, ProgressReporter())


def test_killed_when_the_file_was_in_place(server, tmp_path):
    """The next call takes away what is left."""
    entry = published(server)
    files.get(entry, tmp_path, ProgressReporter())
    (tmp_path / ".arriving").mkdir()
    for name in (".lock", "tiny.safetensors.part.json"):
        (tmp_path / ".arriving" / name).touch()
    files.get(entry, tmp_path, ProgressReporter())
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.safetensors"]
    (tmp_path / ".arriving").mkdir()
    (tmp_path / ".arriving" / "other.safetensors.part").touch()
    files.get(entry, tmp_path, ProgressReporter())
    assert names_in(tmp_path) == [".arriving/other.safetensors.part", "tiny.safetensors"]
