"""`list_weights`, `get_weights`, `import_weights` and `verify_weights`: weights files from elsewhere."""

from dataclasses import dataclass
from pathlib import Path

from sceneseg.api.progress import OnProgress, Transfer, ignore
from sceneseg.fetching.checks import file_sha256
from sceneseg.publishing import files, foreign
from sceneseg.publishing.manifest import Entry, Manifest, compare, read_manifest
from sceneseg.publishing.verification import WeightsSummary, verify
from sceneseg.records.run_directory import find_weights


@dataclass(frozen=True)
class FetchedWeights:
    """A published weights file that is in place.

    Args:
        path: The file.
        entry: Its entry in the manifest.

    Example:
        >>> import sceneseg
        >>> folder = sceneseg.make_manifest("runs/small", url="https://example.org/weights", license="mit")
        >>> fetched = sceneseg.get_weights("small", manifest=folder.manifest, out=folder.path)  # it is there already
        >>> fetched.entry.model
        'separable_unet'
    """

    path: Path
    entry: Entry


@dataclass(frozen=True)
class ImportedWeights:
    """A weights file made of one that the authors of a network published.

    Args:
        path: The file.
        model: Registry name of the architecture.
        label_space: Name of the label space.
        classes: Its classes.

    Example:
        >>> from pathlib import Path
        >>> import sceneseg
        >>> sceneseg.ImportedWeights(Path("espnet.safetensors"), "espnet", "cityscapes", ("road", "sidewalk")).model
        'espnet'
    """

    path: Path
    model: str
    label_space: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class VerifiedWeights:
    """A weights file in which nothing is wrong.

    Args:
        path: The file.
        summary: Summary of its header.
        sha256: Of the file, hexadecimal.
        published: Which entry of the manifest it is, if any, in words.

    Example:
        >>> import sceneseg
        >>> len(sceneseg.verify_weights("runs/small").sha256)
        64
    """

    path: Path
    summary: WeightsSummary
    sha256: str
    published: str


def list_weights(manifest: str | Path | None = None, *, on_progress: OnProgress = ignore) -> Manifest:
    """List published weights with model, score, size and license.

    Args:
        manifest: A manifest file or its web address; the official one when absent.
        on_progress: Called while a manifest arrives.

    Raises:
        ConfigError: The manifest is missing, isn't YAML or JSON, or has an entry that can't be used.
        TransferError: It can't be fetched.

    Example:
        >>> import sceneseg
        >>> sceneseg.list_weights().origin
        'the official manifest'
    """
    return read_manifest(None if manifest is None else str(manifest), Transfer(on_progress))


def get_weights(
    name: str,
    *,
    manifest: str | Path | None = None,
    out: str | Path = "weights",
    on_progress: OnProgress = ignore,
) -> FetchedWeights:
    """Fetch published weights; an interrupted download is resumed, and the checksum decides whether it is right.

    Args:
        name: As `list_weights` has it.
        manifest: A manifest file or its web address; the official one when absent.
        out: Folder for the file.
        on_progress: Called while bytes arrive and are checked; also with the license and the terms of the data.

    Raises:
        UnknownNameError: The manifest has no such weights.
        TransferError: The network, the disk or the checksum is against it, or another file has its name.

    Example:
        >>> import sceneseg
        >>> sceneseg.get_weights("fast_scnn-camvid")
        Traceback (most recent call last):
            ...
        sceneseg.errors.UnknownNameError: There are no weights called "fast_scnn-camvid": ...
    """
    reporter = Transfer(on_progress)
    entry = list_weights(manifest, on_progress=on_progress).find(name)
    reporter.say(f"{entry.name}: license {entry.licence}" + (f"; data: {entry.data_terms}" * bool(entry.data_terms)))
    return FetchedWeights(files.get(entry, Path(out), reporter), entry)


def import_weights(origin: str, file: str | Path, out: str | Path) -> ImportedWeights:
    """Turn weights that the authors of a network published into a weights file of this project.

    Args:
        origin: Origin of the file: espnet or espnet_v2.
        file: Their .pth file; nothing in it is executed.
        out: The .safetensors file to write.

    Raises:
        RunError: An unknown origin, or a file that isn't what it should be.

    Example:
        >>> import sceneseg
        >>> sceneseg.import_weights("espnt", "espnet_p_2_q_8.pth", "espnet.safetensors")
        Traceback (most recent call last):
            ...
        sceneseg.errors.RunError: Weights of "espnt" can't be imported. Did you mean "espnet"? ...
    """
    model = foreign.import_weights(origin, Path(file), Path(out))
    space = model.label_space
    return ImportedWeights(Path(out), str(model.network.name), space.name, tuple(space.names))


def verify_weights(
    path: str | Path, *, manifest: str | Path | Manifest | None = None, on_progress: OnProgress = ignore
) -> VerifiedWeights:
    """Check a weights file: readable, whole, loaded strictly, finite, and able to predict.

    Args:
        path: A weights file or run directory.
        manifest: The manifest to compare it with, a file, web address or `list_weights`; the official one when absent.
        on_progress: Called while the file is read.

    Raises:
        RunError: It isn't as it should be, or has the name of a published file and other contents.

    Example:
        >>> import sceneseg
        >>> sceneseg.verify_weights("runs/small").summary.model
        'separable_unet'
    """
    known = manifest if isinstance(manifest, Manifest) else list_weights(manifest, on_progress=on_progress)
    file = find_weights(Path(path))
    found, digest = verify(file), file_sha256(file, Transfer(on_progress))
    return VerifiedWeights(file, found, digest, compare(file, digest, known))
