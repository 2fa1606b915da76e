"""`list_weights`, `get_weights`, `import_weights` and `verify_weights`: weights files from elsewhere."""

from dataclasses import dataclass
from pathlib import Path

from sceneseg.api.progress import OnProgress, Transfer, ignore
from sceneseg.errors import RunError
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
    """A weights file made of a checkpoint that others published.

    Args:
        path: The file.
        origin: Registry name of the origin that was recognized.
        model: Registry name of the architecture.
        label_space: Name of the label space.
        classes: Its classes.
        license: Of the checkpoint.
        dropped: Tensors that only training uses and that were left out.

    Example:
        >>> from pathlib import Path
        >>> import sceneseg
        >>> made = sceneseg.ImportedWeights(Path("a.safetensors"), "espnet", "espnet", "camvid", ("Sky", "Road"), "MIT")
        >>> made.model
        'espnet'
    """

    path: Path
    origin: str
    model: str
    label_space: str
    classes: tuple[str, ...]
    license: str
    dropped: tuple[str, ...] = ()


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


def import_weights(file: str | Path, out: str | Path | None = None, *, origin: str | None = None) -> ImportedWeights:
    """Turn a checkpoint that others published into a weights file of this project.

    Its origin is recognized by the names and shapes of its tensors; docs/checkpoints.md lists what is known.

    Args:
        file: Their file, or a folder with it; nothing in it is executed.
        out: The .safetensors file to write; when absent, one of the same name in the current folder, which must not
            exist yet.
        origin: Registry name of the origin, to try no other.

    Raises:
        RunError: The file is of no known origin, or isn't what it should be; or there is an output already.
        UnknownNameError: There is no such origin.

    Example:
        >>> import sceneseg
        >>> sceneseg.import_weights("espnet_p_2_q_8.pth")
        Traceback (most recent call last):
            ...
        sceneseg.errors.RunError: espnet_p_2_q_8.pth: there is no such file.
    """
    path = Path(file)
    target = Path(f"{path.name.removesuffix(path.suffix)}.safetensors") if out is None else Path(out)
    if out is None and target.exists():
        raise RunError(f"{target}: expected no such file, found one. Name another file for the weights.", field="out")
    made = foreign.import_checkpoint(path, target, origin)
    found, space = made.conversion, made.model.label_space
    return ImportedWeights(
        target,
        found.name,
        found.origin.model,
        space.name,
        tuple(space.names),
        found.origin.license,
        found.dropped,
    )


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
