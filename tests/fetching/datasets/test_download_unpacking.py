"""Archives that are meant to do harm, are damaged, or are something else."""

import io
import stat
import tarfile
import zipfile

import pytest

from sceneseg.fetching.datasets import BadArchiveError, ProgressReporter, unpacking


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(members, mode="w"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def tar_file(name, content=b"x", **attributes):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    for key, value in attributes.items():
        setattr(member, key, value)
    return member, content


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def zip_with(name, kind=0):
    info = zipfile.ZipInfo(name)
    info.external_attr = kind << 16
    return zipped({"good.png": b"good"} | {info: b"/etc/passwd"})


EVIL = {
    "parent.zip": zip_with("a/../../evil.png"),
    "absolute.zip": zip_with("/tmp/evil.png"),
    "drive.zip": zip_with("C:/evil.png"),
    "backslash.zip": zip_with("..\\evil.png"),
    "link.zip": zip_with("link", stat.S_IFLNK | 0o777),
    "device.zip": zip_with("disk", stat.S_IFBLK | 0o600),
    "nameless.zip": zip_with(""),
    "parent.tar": tarred([tar_file("good.png"), tar_file("../evil.png")]),
    "absolute.tar": tarred([tar_file("good.png"), tar_file("/tmp/evil.png")]),
    "link.tar": tarred([tar_file("good.png"), tar_file("l", b"", type=tarfile.SYMTYPE, linkname="../..")]),
    "hard.tar": tarred([tar_file("good.png"), tar_file("l", b"", type=tarfile.LNKTYPE, linkname="/etc/passwd")]),
    "device.tar": tarred([tar_file("good.png"), tar_file("d", b"", type=tarfile.BLKTYPE)]),
    "fifo.tar": tarred([tar_file("good.png"), tar_file("p", b"", type=tarfile.FIFOTYPE)]),
}


@pytest.mark.parametrize("name", EVIL)
def test_nothing_of_a_malicious_archive_is_written(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(EVIL[name])
    with pytest.raises(BadArchiveError, match="leads out of its folder|which is a link or a device|without a name"):
        unpacking.unpack(tmp_path / "in" / name, tmp_path / "out", "", ProgressReporter())
    assert files_in(tmp_path) == [f"in/{name}"]


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_bombs(tmp_path, monkeypatch, name):
    monkeypatch.setattr(unpacking, "ALWAYS_ALLOWED", 100_000)
    zeros = bytes(1_000_000)
    if name == "bomb.zip":
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.png", zeros)
    else:
        (tmp_path / name).write_bytes(tarred([tar_file("a.png", zeros)], "w:gz"))
    with pytest.raises(BadArchiveError, match="more than 100,000 bytes"):
        unpacking.unpack(tmp_path / name, tmp_path / "out", "", ProgressReporter())
    assert not (tmp_path / "out").exists()


def test_too_many_files(tmp_path, monkeypatch):
    monkeypatch.setattr(unpacking, "MAX_FILES", 3)
    (tmp_path / "a.zip").write_bytes(zipped({f"{i}.png": b"" for i in range(4)}))
    with pytest.raises(BadArchiveError, match="3 files"):
        unpacking.unpack(tmp_path / "a.zip", tmp_path / "out", "", ProgressReporter())


def test_a_zip_that_lies_about_sizes(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(1_000_000))
    lie = (tmp_path / "a.zip").read_bytes().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    (tmp_path / "a.zip").write_bytes(lie)
    with pytest.raises(BadArchiveError, match="damaged"):
        unpacking.unpack(tmp_path / "a.zip", tmp_path / "out", "", ProgressReporter())
    assert sum(f.stat().st_size for f in (tmp_path / "out").rglob("*")) <= 10


@pytest.mark.parametrize("name", ["page.zip", "page.tar.gz"])
def test_a_web_page_instead_of_an_archive(tmp_path, name):
    (tmp_path / name).write_bytes(b"<html>please log in</html>")
    with pytest.raises(BadArchiveError, match=r"expected a whole (zip|tar) archive.*perhaps a web page"):
        unpacking.unpack(tmp_path / name, tmp_path / "out", "", ProgressReporter())


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz"])
def test_a_good_archive_unpacks_below_its_folder(tmp_path, name):
    files = {"set/x/a.png": b"aa", "set/b.png": b"b", "code.py": b"c"}
    packed = [tar_file(n, c) for n, c in files.items()]
    body = zipped(files) if name == "a.zip" else tarred(packed, "w:gz" if name.endswith("gz") else "w")
    (tmp_path / name).write_bytes(body)
    unpacking.unpack(tmp_path / name, tmp_path / "out", "set", ProgressReporter())
    assert {n: (tmp_path / "out" / n).read_bytes() for n in files_in(tmp_path / "out")} == {
        "x/a.png": b"aa",
        "b.png": b"b",
    }
