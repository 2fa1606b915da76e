"""Fetching data sets: checked, unpacked and put into place whole, or not at all."""

import hashlib
import io
import json
import re
import shutil
import zipfile
from contextlib import nullcontext

import pytest

from sceneseg.api import data
from sceneseg.cli import data_get
from sceneseg.datasets import datasets
from sceneseg.errors import DataError, TransferError, UnknownNameError
from sceneseg.fetching import checks
from sceneseg.fetching import datasets as download
from sceneseg.fetching.datasets import Archive, BadArchiveError, ProgressReporter, Source, fetch


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


SET = zipped({"set-1/train/a.png": b"a" * 500, "set-1/val/b.png": b"b" * 700, "other/code.py": b"no"})


SUMS = {
    name: hashlib.sha256(body).hexdigest() for name, body in (("train/a.png", b"a" * 500), ("val/b.png", b"b" * 700))
}
CONTENT = hashlib.sha256("".join(f"{digest}  {name}\n" for name, digest in SUMS.items()).encode()).hexdigest()


def source(server, body=SET, sha256="", content_sha256="", expects=("train", "val"), **served):
    server.serve("/set.zip", body, **served)
    archive = Archive(f"{server.url}/set.zip", len(body), sha256, "set-1")
    return Source("toyset", "Toy", "Free.", "https://example.org", (archive,), expects, content_sha256)


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_a_data_set_is_fetched_once_and_says_where_it_comes_from(server, tmp_path, heard):
    published = hashlib.sha256(SET).hexdigest()
    made = source(server, sha256=published, breaks=[100])
    fetch(made, tmp_path / "set", heard)
    assert files_in(tmp_path) == ["set/source.json", "set/train/a.png", "set/val/b.png"]
    assert any(f"sha256 {published} (as published)" in line for line in heard.said)
    record = json.loads((tmp_path / "set" / "source.json").read_text())
    assert record["archives"] == [{"address": f"{server.url}/set.zip", "sha256": published}]
    fetch(made, tmp_path / "set", heard)
    assert len(server.files["/set.zip"].asked) == 2  # the broken one and its rest
    assert "already" in heard.said[-1]


def test_a_wrong_checksum_is_never_unpacked(server, tmp_path):
    with pytest.raises(
        DataError, match=f"expected the published sha256 {'0' * 64}, found {hashlib.sha256(SET).hexdigest()}"
    ):
        fetch(source(server, sha256="0" * 64), tmp_path / "set")
    assert files_in(tmp_path) == []


def test_an_unknown_checksum_is_recorded_and_compared_next_time(server, tmp_path, heard):
    fetch(source(server), tmp_path / "set", heard, keep_archives=True)
    digest = hashlib.sha256(SET).hexdigest()
    assert f"set.zip: sha256 {digest} (no published checksum to compare with; recorded for the next time)" in heard.said
    assert (tmp_path / "set.download" / "set.zip.sha256").read_text() == f"{digest}  set.zip\n"
    assert (tmp_path / "set.download" / "set.zip").read_bytes() == SET

    shutil.rmtree(tmp_path / "set")  # the kept archive serves again
    fetch(source(server), tmp_path / "set", heard)
    assert server.files["/set.zip"].asked == []
    assert "as at the first download" in heard.said[-1]

    shutil.rmtree(tmp_path / "set")
    other = zipped({"set-1/train/a.png": b"A", "set-1/val/b.png": b"B"})
    with pytest.raises(DataError, match=r"of the first download sha256.*delete .*set.zip.sha256"):
        fetch(source(server, other), tmp_path / "set")
    assert not (tmp_path / "set").exists()


def test_the_files_are_checked_where_the_archive_cannot_be(server, tmp_path):
    with pytest.raises(BadArchiveError, match=f"expected files with the sha256 {'0' * 64}"):
        fetch(source(server, content_sha256="0" * 64), tmp_path / "set")
    assert files_in(tmp_path) == []
    fetch(source(server, content_sha256=CONTENT), tmp_path / "set")
    assert files_in(tmp_path) == ["set/source.json", "set/train/a.png", "set/val/b.png"]


def test_bad_archives_do_not_stay_in_the_way(server, tmp_path):
    for body in (
        b"<html>",
        zipped({"set-1/../../evil.png": b"x"}),
        zipped({"set-1/train/a.png": b"a"}),
        zipped({"else/a.png": b"a"}),
    ):
        with pytest.raises(BadArchiveError, match="The archive was removed; run the command again"):
            fetch(source(server, body), tmp_path / "set")
        assert files_in(tmp_path) == []
    fetch(source(server), tmp_path / "set")
    assert (tmp_path / "set" / "train" / "a.png").is_file()


class Interrupted(ProgressReporter):
    """Ctrl-C in the middle of a stage."""

    def __init__(self, stage):
        self.stage = stage

    def progress(self, what, done, total):
        if what == self.stage:
            raise KeyboardInterrupt


@pytest.mark.parametrize("stage", ["set.zip", "checking set.zip", "unpacking set.zip", "checking the files"])
def test_interrupted_at_any_stage_it_leaves_no_half_set(server, tmp_path, stage):
    made = source(server, content_sha256=CONTENT)
    with pytest.raises(KeyboardInterrupt):
        fetch(made, tmp_path / "set", Interrupted(stage))
    left = ["set.zip.part", "set.zip.part.json"] if stage == "set.zip" else ["set.zip"]
    assert files_in(tmp_path) == [*(f"set.download/{name}" for name in left)]
    fetch(made, tmp_path / "set")
    assert server.files["/set.zip"].asked == [""]  # all bytes had arrived, so none is asked for twice
    assert files_in(tmp_path / "set") == ["source.json", "train/a.png", "val/b.png"]


def test_a_killed_unpacking_is_swept_away(server, tmp_path):
    made = source(server)
    (tmp_path / "set.download" / "unpacking" / "train").mkdir(parents=True)
    (tmp_path / "set.download" / "unpacking" / "train" / "half.png").write_bytes(b"h")
    (tmp_path / "set").mkdir()  # empty, so it isn't in the way
    fetch(made, tmp_path / "set")
    assert files_in(tmp_path / "set") == ["source.json", "train/a.png", "val/b.png"]


@pytest.mark.parametrize("keep", [False, True])
def test_stopped_before_it_had_tidied_up(server, tmp_path, monkeypatch, keep):
    """The set is in place; the next call removes the archives, unless they were to be kept."""
    with monkeypatch.context() as patch:
        patch.setattr(download, "_tidy", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(source(server), tmp_path / "set", keep_archives=keep)
    (tmp_path / "set.download" / "set.zip.part.json").touch()  # as when it was killed behind the download
    fetch(source(server), tmp_path / "set")
    kept = ["set.zip", "set.zip.sha256"] if keep else ["set.zip.sha256"]
    assert files_in(tmp_path / "set.download") == kept


def test_what_is_in_the_way_is_not_touched(server, tmp_path):
    made = source(server)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "mine.png").write_bytes(b"m")
    with pytest.raises(DataError, match=r"files that .* didn't put there"):
        fetch(made, tmp_path / "set")
    fetch(made, tmp_path / "other")
    with pytest.raises(DataError, match="expected camvid, found toyset"):
        fetch(download.find_source("camvid"), tmp_path / "other")
    assert files_in(tmp_path / "set") == ["mine.png"]


def test_two_at_once(server, tmp_path):
    (tmp_path / "set.download").mkdir()
    with checks.alone(tmp_path / "set.download"), pytest.raises(TransferError, match="another process"):
        fetch(source(server), tmp_path / "set")


def test_no_room_is_said_before_anything_is_asked(server, tmp_path, monkeypatch):
    made = source(server)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(TransferError, match="fetching toyset needs"):
        fetch(made, tmp_path / "set")
    assert server.files["/set.zip"].asked == []
    assert list(tmp_path.iterdir()) == []


def test_sources_are_whole():
    names = [s.name for s in download.SOURCES]
    assert names == ["camvid", "ade20k", "kitti_road", "cityscapes"]
    assert {"camvid", "cityscapes"} <= set(datasets.names())
    for made in download.SOURCES:
        assert made.terms_address.startswith("https://")
        assert made.login or all(a.address.startswith("https://") for a in made.archives)
        digests = [d for d in (made.content_sha256, *(a.sha256 for a in made.archives)) if d]
        assert all(re.fullmatch("[0-9a-f]{64}", d) for d in digests)


def test_names_are_found_as_people_write_them():
    assert download.find_source("KITTI-Road").name == "kitti_road"
    with pytest.raises(UnknownNameError, match='"camvit".* Did you mean "camvid"'):
        download.find_source("camvit")


@pytest.fixture
def offered(server, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "find_source", lambda _: source(server))
    monkeypatch.chdir(tmp_path)
    return server


def test_the_verb_lists_sizes_and_terms(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    data_get.get()
    out = capsys.readouterr().out
    for made in download.SOURCES:
        assert made.name in out
        assert made.terms_address in out
    assert "967.4 MB" in out


def test_the_verb_fetches_after_the_terms_are_accepted(offered, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(DataError, match=r"read https://example.org.* accept_terms.* Nothing was fetched"):
        data_get.get("toyset")
    assert list(tmp_path.iterdir()) == []
    data_get.get("toyset", accept_terms=True)
    assert files_in(tmp_path / "data" / "toyset") == ["source.json", "train/a.png", "val/b.png"]
    out = capsys.readouterr().out
    assert "Terms of use: Free." in out
    assert "sceneseg train -d toyset -p data/toyset" in out
    data_get.get("toyset")  # it is there, so there is nothing to accept
    assert "already" in capsys.readouterr().out


@pytest.mark.parametrize("answer", ["y", "n"])
def test_the_verb_asks(offered, tmp_path, monkeypatch, answer):
    terminal = io.StringIO(f"{answer}\n")
    terminal.isatty = lambda: True
    monkeypatch.setattr("sys.stdin", terminal)
    with (
        nullcontext() if answer == "y" else pytest.raises(DataError, match="were not accepted, so nothing was fetched")
    ):
        data_get.get("toyset", out=tmp_path / "set")
    assert (tmp_path / "set").exists() == (answer == "y")


def test_interrupting_the_verb_says_how_to_resume(offered, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(download, "unpack", interrupt)
    with pytest.raises(KeyboardInterrupt):
        data_get.get("toyset", accept_terms=True)
    assert "the same command resumes it" in capsys.readouterr().out
