"""Cityscapes through cityscapesScripts' own downloader, with the web site played by a session of ours."""

import hashlib
import io
import json
import re
import sys
import zipfile

import pytest
import requests

from sceneseg.errors import DataError
from sceneseg.fetching import transfer
from sceneseg.fetching.datasets import Archive, ProgressReporter, Source, fetch, login


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


class Cityscapes:
    """What cityscapesScripts' own downloader sees of the web site: a session's `get`."""

    def __init__(self, packages, breaks=()):
        self.packages, self.breaks, self.ranges = packages, list(breaks), []

    def get(self, url, headers=None, **_):
        answer = requests.Response()
        answer.status_code = 200
        names = list(self.packages)
        if url.endswith("?list"):
            body = json.dumps([{"name": n, "packageID": str(i), "size": "1KB"} for i, n in enumerate(names)]).encode()
        else:
            body = self.packages[names[int(url.rpartition("=")[2])]]
            if "md5-sum" in url:
                body = hashlib.md5(body).hexdigest().encode() + b"  name"
            else:
                body = self._file(answer, body, headers["Range"])
        answer.raw = io.BytesIO(body)
        return answer

    def _file(self, answer, body, asked):
        self.ranges.append(asked)
        start = int(re.match(r"bytes=(\d+)-", asked)[1])
        answer.status_code = 206 if start < len(body) else 416
        if self.breaks:
            raise requests.ConnectionError("gone")
        return body[start:]


def cityscapes():
    archives = (Archive("gt.zip", 100), Archive("left.zip", 100))
    return Source("cityscapes", "C", "T", "https://example.org", archives, ("gtFine", "leftImg8bit"), login=True)


@pytest.fixture
def site(monkeypatch):
    downloader = pytest.importorskip("cityscapesscripts.download.downloader")
    packages = {"gt.zip": zipped({"gtFine/a.png": b"g", "README": b"1"})}
    packages["left.zip"] = zipped({"leftImg8bit/a.png": b"l", "README": b"2"})
    made = Cityscapes(packages)
    logins = []
    monkeypatch.setattr(downloader, "login", lambda: logins.append(1) or made)
    monkeypatch.setattr(transfer, "FIRST_PAUSE", 0.001)
    made.logins = logins
    return made


def test_cityscapes_comes_through_its_own_downloader(site, tmp_path, capsys):
    arriving = tmp_path / "city.download" / "arriving"
    arriving.mkdir(parents=True)
    (arriving / "gt.zip").write_bytes(site.packages["gt.zip"])  # whole, but killed before that was known
    (arriving / "left.zip").write_bytes(site.packages["left.zip"][:40])
    fetch(cityscapes(), tmp_path / "city")
    assert files_in(tmp_path) == [
        f"city/{name}" for name in ("README", "gtFine/a.png", "leftImg8bit/a.png", "source.json")
    ]
    assert site.ranges == [f"bytes={len(site.packages['gt.zip']) - 1}-", "bytes=39-"]
    assert site.logins == [1]


def test_cityscapes_with_damaged_bytes_starts_again(site, tmp_path, capsys):
    arriving = tmp_path / "city.download" / "arriving"
    arriving.mkdir(parents=True)
    (arriving / "gt.zip").write_bytes(b"rubbish")
    with pytest.raises(DataError, match="csDownload.*MD5 sum of downloaded file does not match"):
        fetch(cityscapes(), tmp_path / "city")
    fetch(cityscapes(), tmp_path / "city")
    assert (tmp_path / "city" / "gtFine" / "a.png").is_file()


def test_cityscapes_without_connection_or_login(site, tmp_path, monkeypatch, capsys):
    site.breaks.append(1)
    with pytest.raises(DataError, match="gt.zip: csDownload.*gone"):
        fetch(cityscapes(), tmp_path / "city")
    assert len(site.ranges) == transfer.ATTEMPTS
    downloader = sys.modules["cityscapesscripts.download.downloader"]

    def bad():
        raise Exception("Bad credentials.")

    monkeypatch.setattr(downloader, "login", bad)
    with pytest.raises(DataError, match=r"Bad credentials.*register"):
        fetch(cityscapes(), tmp_path / "city")


def test_cityscapes_without_its_scripts(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cityscapesscripts.download", None)
    with pytest.raises(DataError, match="pip install cityscapesscripts"):
        login.CityscapesLogin().download("gt.zip", tmp_path / "gt.zip", ProgressReporter())
