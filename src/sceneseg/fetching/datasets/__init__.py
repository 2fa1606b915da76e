"""Fetching data sets: download, check, unpack, and only then put into place.

Next to the data set's folder there is ``NAME.download`` while it works: what has arrived, and a folder in which it is
unpacked. The data set's own folder appears in one step, by renaming, with a ``source.json`` in it that says where it
comes from; so a folder with that file is whole.
"""

import shutil
from datetime import date
from pathlib import Path

from sceneseg.errors import DataError
from sceneseg.fetching.checks import alone, file_sha256, folder_sha256, require_space
from sceneseg.fetching.datasets.login import CityscapesLogin
from sceneseg.fetching.datasets.sources import SOURCES, Archive, Source, find_source
from sceneseg.fetching.datasets.unpacking import BadArchiveError, unpack
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.fetching.transfer import download, forget
from sceneseg.plain import parse_json
from sceneseg.records.run_directory import write_json, write_text

__all__ = ["ROOM", "SOURCES", "Archive", "BadArchiveError", "Source", "Watch", "fetch", "find_source", "is_fetched"]

RECORD = "source.json"
CURE = "If the file has moved, look for it on the data set's own page, unpack it by hand and give its folder as root."
SLACK = 1.25
"""How much larger than expected an archive may be, for publishers add files."""
ROOM = 2.2  # times the archives' size: they and what is unpacked from them; images hardly shrink in an archive


def is_fetched(source: Source, root: Path) -> bool:
    """Return whether `root` holds the whole data set, put there by `fetch`.

    Raises:
        DataError: There is something else in it.
    """
    if found := _record(root).get("name"):
        if found != source.name:
            raise DataError(f"{root}: expected {source.name}, found {found}. Give another folder.", field="out")
        return True
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise DataError(
            f"{root}: expected no such folder or an empty one, found files that `sceneseg data get` didn't put there. "
            f"Give another folder, or use these files as they are.",
            field="out",
        )
    return False


def _record(root: Path) -> dict[str, object]:
    """Return what `fetch` wrote about the data set in `root`; empty where it wrote nothing."""
    try:
        found = parse_json((root / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none, or somebody else's file of that name
        return {}
    return found if isinstance(found, dict) else {}


def fetch(source: Source, root: Path, watch: ProgressReporter | None = None, *, keep_archives: bool = False) -> None:
    """Fetch a data set into `root`, unless it is there already. The terms of use are the caller's business.

    Raises:
        DataError: Something is in the way, on the disk or in the archives; what of it can be used later is stored, and
            nothing half-made lies in `root`.
        TransferError: The network or the disk is in the way; the same holds.
    """
    watch = watch or ProgressReporter()
    root = root.expanduser().resolve()
    work = root.with_name(f"{root.name}.download")
    if is_fetched(source, root):
        watch.say(f"{source.name} is in {root} already.")
        kept = _record(root).get("keep_archives")
        if isinstance(kept, bool) and work.is_dir():  # perhaps it was stopped before it had tidied up
            with alone(work):
                _tidy(source, work, kept)
            _remove_if_empty(work)
        return
    try:
        require_space(work, _room(source, work), f"fetching {source.name}")
        work.mkdir(parents=True, exist_ok=True)
        with alone(work):
            sums = _arrive(source, work, watch)
            _unpack_into_place(source, sums, work, root, watch, keep_archives)
            _tidy(source, work, keep_archives)
        _remove_if_empty(work)
    except OSError as error:
        raise DataError(f"{error.filename or work}: {error.strerror or error}. Cure that and run it again.") from error


def _arrive(source: Source, work: Path, watch: ProgressReporter) -> dict[Path, str]:
    """Download what is missing, check all of it, and return the archives with their sha256."""
    login = CityscapesLogin() if source.login else None
    files = {work / a.file_name: a for a in source.archives}
    for file, archive in files.items():
        if file.is_file():
            continue
        if login:
            login.download(archive.address, file, watch)
        else:
            download(archive.address, file, watch, CURE, most=int(SLACK * archive.size) + 2**20)
    return {file: _checked(source, archive, file, watch) for file, archive in files.items()}


def _checked(source: Source, archive: Archive, file: Path, watch: ProgressReporter) -> str:
    """Compare an archive with the published checksum, else with the one of the first download."""
    found = file_sha256(file, watch)
    recorded = _recorded(file)
    expected = archive.sha256 or recorded
    if expected and found != expected:
        file.unlink()
        cure = f"; if you trust the new file, delete {_sum_file(file)}" if not archive.sha256 else ""
        origin = "published" if archive.sha256 else "of the first download"
        raise DataError(
            f"{file.name}: expected the {origin} sha256 {expected}, found {found}: it was damaged on the way or "
            f"changed by its publisher. It was removed; run the command again to fetch it anew{cure}."
        )
    if archive.sha256:
        known = "as published"
    elif recorded:
        known = "as at the first download"
    elif source.content_sha256:
        known = "no checksum of this file is known; the files in it are checked"
    elif source.login:
        known = "csDownload compared its md5 sum"
    else:
        known = "no published checksum to compare with; recorded for the next time"
    watch.say(f"{file.name}: sha256 {found} ({known})")
    return found


def _unpack_into_place(
    source: Source, sums: dict[Path, str], work: Path, root: Path, watch: ProgressReporter, keep_archives: bool
) -> None:
    """Unpack in the working folder, look whether it is the data set, and rename it to `root`."""
    unpacked = work / "unpacking"
    shutil.rmtree(unpacked, ignore_errors=True)  # of a process that was killed
    try:
        for archive, file in zip(source.archives, sums, strict=True):
            unpack(file, unpacked, archive.folder, watch)
        _require_content(source, unpacked, watch)
        _record_sums(source, sums)
        write_json(unpacked / RECORD, _origin(source, sums) | {"keep_archives": keep_archives})
        if root.is_dir():
            root.rmdir()  # empty, as `is_fetched` saw
        unpacked.rename(root)
    except BadArchiveError as error:
        for file in sums:
            file.unlink()
        raise BadArchiveError(f"{error} The archive was removed; run the command again to fetch it anew.") from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)


def _require_content(source: Source, unpacked: Path, watch: ProgressReporter) -> None:
    missing = [name for name in source.expects if not (unpacked / name).is_dir()]
    if missing:
        raise BadArchiveError(f"{source.name}: expected {', '.join(source.expects)}; found no {', '.join(missing)}.")
    if source.content_sha256 and (found := folder_sha256(unpacked, watch)) != source.content_sha256:
        raise BadArchiveError(f"{source.name}: expected files with the sha256 {source.content_sha256}, found {found}.")


def _origin(source: Source, sums: dict[Path, str]) -> dict[str, object]:
    archives = [
        {"address": a.address, "sha256": digest} for a, digest in zip(source.archives, sums.values(), strict=True)
    ]
    return {
        "name": source.name,
        "title": source.title,
        "terms": source.terms,
        "terms_address": source.terms_address,
        "fetched": date.today().isoformat(),
        "archives": archives,
    }


def _record_sums(source: Source, sums: dict[Path, str]) -> None:
    """Keep the checksums that nobody published, to compare the next download with."""
    for archive, (file, digest) in zip(source.archives, sums.items(), strict=True):
        if not (archive.sha256 or source.content_sha256 or source.login):
            write_text(_sum_file(file), f"{digest}  {file.name}\n")


def _tidy(source: Source, work: Path, keep_archives: bool) -> None:
    """Remove the archives, unless they are to be kept, and what is left of earlier attempts."""
    for archive in source.archives:
        forget(work / archive.file_name)
        if not keep_archives:
            (work / archive.file_name).unlink(missing_ok=True)
    shutil.rmtree(work / "arriving", ignore_errors=True)


def _remove_if_empty(work: Path) -> None:
    if not any(work.iterdir()):
        work.rmdir()


def _room(source: Source, work: Path) -> int:
    """Bytes that fetching will still take."""
    here = sum(f.stat().st_size for f in work.rglob("*") if f.is_file())
    return max(0, int(ROOM * source.size) - here)


def _sum_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.sha256")


def _recorded(file: Path) -> str:
    return _sum_file(file).read_text().split()[0] if _sum_file(file).is_file() else ""
