"""Weights files on their way: from where they are published to here, and from a run to a folder of published files."""

import contextlib
import shutil
from pathlib import Path

from sceneseg.errors import RunError, TransferError
from sceneseg.fetching.checks import alone, file_sha256, require_space
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.fetching.transfer import download, forget
from sceneseg.publishing.manifest import Entry, check_name
from sceneseg.records import run_directory
from sceneseg.records.header import WeightsScore

SUFFIX = ".safetensors"
CURE = "If the file has moved, ask its publisher for a newer manifest."


def get(entry: Entry, folder: Path, watch: ProgressReporter) -> Path:
    """Fetch published weights into `folder`, unless they are there already.

    The file appears under its name only when its checksum is right; what has arrived of it lies in ``.arriving``.

    Returns:
        The file.

    Raises:
        TransferError: The network, the disk or the checksum is against it, or another file has its name.
    """
    file, arriving = folder / f"{entry.name}{SUFFIX}", folder / ".arriving"
    if file.exists():
        if file_sha256(file, watch) == entry.sha256:
            _tidy(arriving, file)
            watch.say(f"{file} is there already, with the published sha256.")
            return file
        raise TransferError(f"{file}: another file has this name. Move it, or give another folder.", field="out")
    here = sum(part.stat().st_size for part in arriving.glob(f"{file.name}*"))
    require_space(arriving, max(0, entry.size - here), f"fetching {entry.name}")
    arriving.mkdir(parents=True, exist_ok=True)
    try:
        with alone(arriving):
            fetched = arriving / file.name
            download(entry.address, fetched, watch, CURE, most=entry.size)
            if (found := file_sha256(fetched, watch)) != entry.sha256:
                size = fetched.stat().st_size
                fetched.unlink()
                raise TransferError(
                    f"{entry.name}: expected the published sha256 {entry.sha256} ({entry.size:,} bytes), found {found} "
                    f"({size:,} bytes): it was damaged on the way or changed by its publisher. It was removed; run the "
                    f"command again to fetch it anew."
                )
            fetched.replace(file)
    finally:
        _remove_if_empty(arriving)
    watch.say(f"{file}: sha256 {entry.sha256} (as published)")
    return file


def _tidy(arriving: Path, file: Path) -> None:
    """Remove what a process left that was killed when the file was in place."""
    with contextlib.suppress(OSError, TransferError):  # where another process works there, it does
        with alone(arriving):  # which takes away the lock of a killed process
            forget(arriving / file.name)
        _remove_if_empty(arriving)


def _remove_if_empty(arriving: Path) -> None:
    """Remove the working folder, unless something in it can be used later or another process works there."""
    with contextlib.suppress(OSError):
        arriving.rmdir()


def describe(file: Path, name: str, base: str, licence: str, data_terms: str, watch: ProgressReporter) -> Entry:
    """Return the manifest's entry for a weights file.

    Args:
        file: Weights that this program wrote.
        name: Name under which they are published.
        base: Address of the folder that they will lie in.
        licence: Of the weights.
        data_terms: Of the data they were trained on.
        watch: Hears the progress.

    Raises:
        RunError: The file is missing or doesn't describe itself.
        ConfigError: The name can't be a file's.
    """
    header = run_directory.read_header(file)
    if header.model is None:
        raise RunError(f"{file}: its header doesn't say which model it is of. Fetch or train the weights again.")
    score = header.score or WeightsScore()
    space = header.label_space.name if header.label_space else f"{len(header.classes or ())} classes"
    return Entry(
        check_name(name),
        f"{base.rstrip('/')}/{name}{SUFFIX}",
        file_sha256(file, watch),
        file.stat().st_size,
        licence,
        header.model.name,
        space,
        {key: value for key, value in score.means.items() if value is not None},
        score.protocol.to_dict(),
        data_terms,
    )


def lay_out(file: Path, entry: Entry, folder: Path) -> Path:
    """Copy a weights file under its published name into the folder that is to be uploaded.

    Raises:
        RunError: The copy differs from what the entry says.
    """
    target = folder / f"{entry.name}{SUFFIX}"
    with run_directory.atomic(target) as temporary:
        shutil.copyfile(file, temporary)
        if file_sha256(temporary, ProgressReporter()) != entry.sha256:
            raise RunError(f"{file}: it changed while it was copied. Wait until the run has ended, and do it again.")
    return target
