"""Download of one file over HTTP that resumes after a broken connection.

What has arrived lies in ``NAME.part``; ``NAME.part.json`` says which version of the file it belongs to (ETag or
Last-Modified). The next attempt asks for the rest of that version alone (Range with If-Range): a server that can't
do that, or has another version by now, sends the whole file, and the download starts again from its first byte.
"""

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sceneseg.errors import TransferError
from sceneseg.fetching.checks import require_space
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.plain import as_record, parse_json
from sceneseg.records.run_directory import write_text
from sceneseg.version import __version__

ATTEMPTS = 5
FIRST_PAUSE = 1.0  # seconds, doubled after every attempt that brought nothing new
TIMEOUT = 30.0
_CHUNK = 1 << 18
_TRY_AGAIN = {408, 416, 425, 429}


class BrokenTransferError(Exception):
    """A transfer that ended early for a reason that may pass."""


@dataclass(frozen=True)
class _Version:
    """Version of the server's file that the bytes in hand belong to."""

    address: str
    etag: str
    modified: str
    total: int | None

    @property
    def validator(self) -> str:
        """Value for If-Range: a strong ETag, else the date, else nothing."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified

    def contradicts(self, other: "_Version") -> bool:
        """Whether the two can't be one file; a header that one of them lacks says nothing."""
        mine, others = asdict(self), asdict(other)
        return any(mine[k] and others[k] and mine[k] != others[k] for k in mine)


def download(address: str, file: Path, watch: ProgressReporter, cure: str = "", most: int | None = None) -> None:
    """Fetch `address` into `file`, which appears only when it is whole.

    Args:
        address: URL.
        file: In a folder that exists.
        watch: Hears the progress.
        cure: What the user can do when the server doesn't have it or doesn't give it.
        most: Bytes that the file can have; a server that sends more is cut off, and nothing is stored.

    Raises:
        TransferError: The address can't be one, the server refuses or sends too much, the connection breaks again and
            again, or the disk is full.
    """
    part = file.with_name(f"{file.name}.part")
    failures, furthest = 0, 0
    while True:
        try:
            _attempt(address, part, watch, cure, most)
            break
        except BrokenTransferError as error:
            reached = _length(part)
            failures = 1 if reached > furthest else failures + 1  # a slow crawl is still a way forward
            furthest = max(furthest, reached)
            if failures >= ATTEMPTS:
                raise TransferError(
                    f"{address}: {error}; {failures} attempts in a row brought nothing new. The partial download "
                    f"is stored: run the command again later to resume it, if the server can."
                ) from error
            pause = FIRST_PAUSE * 2 ** (failures - 1)
            watch.say(f"{file.name}: {error}; trying again in {pause:g} s")
            time.sleep(pause)
    part.replace(file)
    forget(file)


def forget(file: Path) -> None:
    """Remove what is noted about a file on its way, once it is in place."""
    _note(file.with_name(f"{file.name}.part")).unlink(missing_ok=True)


def _attempt(address: str, part: Path, watch: ProgressReporter, cure: str, most: int | None) -> None:
    """Ask for what is missing and write it; return when the file is whole."""
    known = _read_note(part, address)
    start = _length(part) if known else 0
    if known and start == known.total:  # ended between the last byte and the renaming
        return
    with _open(address, start, known, cure) as response:
        found = _version(address, response)
        if response.status != http.client.PARTIAL_CONTENT:
            if start:
                watch.say(f"{part.stem}: the server can't send the rest alone, so it starts again")
            start = 0
        elif known is None or known.contradicts(found) or _first_byte(response) != start:
            _note(part).unlink(missing_ok=True)
            raise BrokenTransferError("the file on the server changed, so it starts again")
        if most is not None and (found.total or 0) > most:
            raise _too_much(address, part, found.total, most, cure)
        if found.total is not None:
            require_space(part.parent, found.total - start, part.stem)
        with part.open("ab" if start else "wb") as out:  # emptied first: a note must never speak of older bytes
            write_text(_note(part), json.dumps(asdict(found)))
            done = start
            while chunk := _read(response):
                out.write(chunk)
                done += len(chunk)
                if most is not None and done > most:
                    raise _too_much(address, part, None, most, cure)
                watch.progress(part.stem, done, found.total)
    if found.total is not None and done != found.total:
        raise BrokenTransferError(f"the connection closed after {done:,} of {found.total:,} bytes")


def _open(address: str, start: int, known: _Version | None, cure: str) -> Any:
    headers = {"User-Agent": f"sceneseg/{__version__}", "Accept-Encoding": "identity"}
    if start and known:
        headers |= {"Range": f"bytes={start}-", "If-Range": known.validator}
    try:
        return urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code >= 500 or error.code in _TRY_AGAIN:
            raise BrokenTransferError(f"the server answers {error.code} ({error.reason})") from error
        raise TransferError(
            f"{address}: the server answers {error.code} ({error.reason}).{cure and f' {cure}'}"
        ) from error
    except (http.client.InvalidURL, ValueError) as error:  # no second attempt makes it better
        raise TransferError(f"{address}: this isn't an address that can be fetched ({error}).") from None
    except (OSError, http.client.HTTPException) as error:
        raise BrokenTransferError(f"no connection ({getattr(error, 'reason', error)})") from error


def _read(response: Any) -> bytes:
    try:
        return bytes(response.read(_CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise BrokenTransferError(f"the connection broke ({error})") from error


def _version(address: str, response: Any) -> _Version:
    ranged = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range", ""))
    length = ranged[1] if ranged else response.headers.get("Content-Length")
    if length and not length.strip().isdecimal():
        raise BrokenTransferError(f"the server gives {length!r} as the number of bytes")
    etag, modified = response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    return _Version(address, etag, modified, int(length) if length else None)


def _too_much(address: str, part: Path, total: int | None, most: int, cure: str) -> TransferError:
    """Remove what has arrived of a file that can't be the one that was meant; return the error."""
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)
    found = f"{total:,} bytes announced" if total else "more was sent"
    return TransferError(f"{address}: expected at most {most:,} bytes, found {found}.{cure and f' {cure}'}")


def _first_byte(response: Any) -> int:
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else -1


def _read_note(part: Path, address: str) -> _Version | None:
    """Return what the bytes in hand belong to; None when they are of no use to `address`."""
    try:
        version: _Version = as_record(_Version, parse_json(_note(part).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    fits = version.total is None or _length(part) <= version.total
    return version if version.address == address and version.validator and fits else None


def _note(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _length(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
