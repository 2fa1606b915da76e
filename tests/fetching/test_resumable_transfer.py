"""One file from a server that breaks, changes and lies."""

import shutil

import pytest

from sceneseg.errors import TransferError
from sceneseg.fetching import checks, transfer
from sceneseg.fetching.progress import ProgressReporter

BODY = bytes(range(256)) * 4000  # 1 MB, more than what sockets hold back


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_broken_transfers_go_on_where_they_stopped(server, tmp_path, heard):
    served = server.serve("/f.zip", BODY, breaks=[300_000, 400_000])
    transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", heard)
    assert (tmp_path / "f.zip").read_bytes() == BODY
    assert served.asked == ["", "bytes=300000-", "bytes=700000-"]
    assert files_in(tmp_path) == ["f.zip"]
    assert heard.bytes["f.zip"][-1] == (len(BODY), len(BODY))
    assert "closed after 300,000 of 1,024,000 bytes" in heard.said[0]


def test_a_later_process_goes_on_too(server, tmp_path):
    served = server.serve("/f.zip", BODY, breaks=[300_000] + [0] * 9)
    with pytest.raises(TransferError, match="5 attempts in a row brought nothing new.*partial download is stored"):
        transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    assert files_in(tmp_path) == ["f.zip.part", "f.zip.part.json"]
    served.breaks.clear()
    served.asked.clear()
    transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    assert served.asked == ["bytes=300000-"]
    assert (tmp_path / "f.zip").read_bytes() == BODY


def test_whole_but_not_renamed_is_not_fetched_again(server, tmp_path, monkeypatch):
    served = server.serve("/f.zip", BODY)
    replace = transfer.Path.replace
    with monkeypatch.context() as patch:
        patch.setattr(transfer.Path, "replace", lambda a, b: interrupt() if a.suffix == ".part" else replace(a, b))
        with pytest.raises(KeyboardInterrupt):
            transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    assert len(served.asked) == 1
    assert (tmp_path / "f.zip").read_bytes() == BODY


def interrupt(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "server_of",
    [{"ranges": False}, {"etag": ""}, {"etag": 'W/"weak"'}, {"chunked": True, "ranges": False}],
    ids=["no range", "no etag", "weak etag", "chunked"],
)
def test_servers_that_cannot_send_the_rest_send_all(server, tmp_path, server_of):
    served = server.serve("/f.zip", BODY, breaks=[300_000], **server_of)
    transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    assert (tmp_path / "f.zip").read_bytes() == BODY
    assert len(served.asked) == 2


@pytest.mark.parametrize("if_range", [True, False], ids=["If-Range heeded", "If-Range ignored"])
def test_a_file_that_changed_starts_again(server, tmp_path, if_range, heard):
    server.serve("/f.zip", BODY, breaks=[300_000] + [0] * 9)
    with pytest.raises(TransferError):
        transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    new = BODY[::-1]
    served = server.serve("/f.zip", new, etag='"two"', if_range=if_range)
    transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", heard)
    assert (tmp_path / "f.zip").read_bytes() == new
    assert served.asked == (["bytes=300000-"] if if_range else ["bytes=300000-", ""])
    assert "starts again" in heard.said[0]


def test_another_address_does_not_continue_the_part(server, tmp_path):
    server.serve("/a/f.zip", BODY, breaks=[300_000] + [0] * 9)
    with pytest.raises(TransferError):
        transfer.download(f"{server.url}/a/f.zip", tmp_path / "f.zip", ProgressReporter())
    served = server.serve("/b/f.zip", BODY[::-1])
    transfer.download(f"{server.url}/b/f.zip", tmp_path / "f.zip", ProgressReporter())
    assert served.asked == [""]
    assert (tmp_path / "f.zip").read_bytes() == BODY[::-1]


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(server, tmp_path):
    served = server.serve("/f.zip", BODY, codes=[503, 429])
    transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    assert len(served.asked) == 3
    served.codes = [403, 403]
    with pytest.raises(TransferError, match="the server answers 403"):
        transfer.download(f"{server.url}/f.zip", tmp_path / "g.zip", ProgressReporter())
    assert served.codes == [403]
    with pytest.raises(TransferError, match=r"the server answers 404 .*\)\. Look elsewhere\.$"):
        transfer.download(f"{server.url}/gone.zip", tmp_path / "g.zip", ProgressReporter(), "Look elsewhere.")


def test_nobody_listens(server, tmp_path):
    server.shutdown()
    server.server_close()
    with pytest.raises(TransferError, match="no connection"):
        transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())


def test_a_full_disk_is_seen_before_the_download(server, tmp_path, monkeypatch):
    served = server.serve("/f.zip", BODY)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1000))
    with pytest.raises(TransferError, match=r"f.zip needs 1.0 MB, but only 1.0 kB are free.*another disk"):
        transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())
    assert len(served.asked) == 1
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("how", [{"endless": True}, {"chunked": True}, {}], ids=["endless", "chunked", "announced"])
def test_a_server_that_sends_too_much_is_cut_off(server, tmp_path, how):
    served = server.serve("/f.zip", BODY, ranges=False, **how)
    with pytest.raises(TransferError, match=r"expected at most 500,000 bytes.*Ask somebody"):
        transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter(), "Ask somebody.", most=500_000)
    assert len(served.asked) == 1, "no second attempt makes it better"
    assert files_in(tmp_path) == []


def test_a_length_that_is_no_number(server, tmp_path):
    server.serve("/f.zip", BODY, length="abc")
    with pytest.raises(TransferError, match="'abc' as the number of bytes"):
        transfer.download(f"{server.url}/f.zip", tmp_path / "f.zip", ProgressReporter())


@pytest.mark.parametrize(
    "address", ["http://[", "http://127.0.0.1:port/f", "http://127.0.0.1/a b", "nonsense", "http://127.0.0.1/\xe9"]
)
def test_addresses_that_cannot_be_fetched_are_tried_once(tmp_path, address, heard):
    with pytest.raises(TransferError, match="isn't an address that can be fetched"):
        transfer.download(address, tmp_path / "f.zip", heard)
    assert heard.said == []
