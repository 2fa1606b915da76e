"""`model_card` and `make_manifest`: weights of one's own, described and ready for publishing."""

from dataclasses import dataclass
from pathlib import Path

from sceneseg.api.progress import OnProgress, Transfer, ignore
from sceneseg.errors import ConfigError
from sceneseg.models.cost import source
from sceneseg.publishing import files
from sceneseg.publishing.manifest import Entry, check_address, read_manifest, write_manifest
from sceneseg.records.run_directory import RunDirectory, find_weights, write_text
from sceneseg.report import card

MANIFEST = "manifest.yaml"


@dataclass(frozen=True)
class ModelCard:
    """The model card of a run that was written.

    Args:
        path: The Markdown file.
        text: Its contents.

    Example:
        >>> import sceneseg
        >>> sceneseg.model_card("runs/small", license="mit").path.name
        'model_card.md'
    """

    path: Path
    text: str


@dataclass(frozen=True)
class PublishedFolder:
    """A folder of weights, ready to be uploaded.

    Args:
        path: The folder.
        manifest: Its manifest.
        added: Entries of the weights that were given, in their order.
        entries: All entries of the manifest.

    Example:
        >>> import sceneseg
        >>> folder = sceneseg.make_manifest("runs/small", url="https://example.org/weights", license="mit")
        >>> [entry.name for entry in folder.added]
        ['small']
    """

    path: Path
    manifest: Path
    added: tuple[Entry, ...]
    entries: tuple[Entry, ...]


def model_card(
    run: str | Path, *, out: str | Path | None = None, license: str = "", name: str | None = None
) -> ModelCard:
    """Write the model card of a run in Markdown: data, protocol, scores, recipe, cost, limits, licenses.

    It begins with the header that Hugging Face reads; every figure comes from the run's files.

    Args:
        run: Run directory.
        out: File to write; ``RUN/model_card.md`` when absent.
        license: Of the weights, as an SPDX name: apache-2.0, cc-by-nc-4.0, ...
        name: What the weights are published as; the run's name when absent.

    Raises:
        RunError: The folder isn't a run, or has no weights or no scores yet.

    Example:
        >>> import sceneseg
        >>> written = sceneseg.model_card("runs/small", license="mit")
        >>> "license: mit" in written.text
        True
    """
    run = Path(run)
    path = run / "model_card.md" if out is None else Path(out)
    text = _card(run, name or run.resolve().name, license)
    write_text(path, text)
    return ModelCard(path, text)


def make_manifest(
    *runs: str | Path,
    url: str,
    license: str,
    out: str | Path = "published",
    name: str | None = None,
    on_progress: OnProgress = ignore,
) -> PublishedFolder:
    """Prepare weights for publishing: a folder to upload, with the files, the cards of runs and the manifest.

    Entries that the folder's manifest has already stay, or are replaced by new ones of their name.

    Args:
        runs: Run directories (their best weights), or weights files.
        url: Web address that the folder will have.
        license: Of the weights, as an SPDX name: apache-2.0, cc-by-nc-4.0, ...
        out: The folder.
        name: What the weights are published as; the run's or file's name when absent.
        on_progress: Called while files are read.

    Raises:
        ConfigError: The address isn't one, no run is given, or one name for several.
        RunError: A run has no weights, or a file doesn't describe itself.

    Example:
        >>> import sceneseg
        >>> folder = sceneseg.make_manifest("runs/small", url="https://example.org/weights", license="mit")
        >>> folder.manifest.as_posix(), folder.added[0].address
        ('published/manifest.yaml', 'https://example.org/weights/small.safetensors')
    """
    check_address(url, "url")
    if not runs:
        raise ConfigError("Give a run or several.", field="runs")
    if name is not None and len(runs) > 1:
        raise ConfigError(f"One name can't be that of {len(runs)} runs. Leave it out, or give one run.", field="name")
    folder, reporter = Path(out), Transfer(on_progress)
    listing = folder / MANIFEST
    entries = {e.name: e for e in read_manifest(str(listing), reporter).entries} if listing.is_file() else {}
    added = []
    for run in map(Path, runs):
        weights, is_run = find_weights(run), run.is_dir()
        called = name or (run.resolve().name if is_run else run.stem)
        entry = files.describe(weights, called, url, license, card.data_terms(run) if is_run else "", reporter)
        file = files.lay_out(weights, entry, folder)
        reporter.say(f"{file}: {entry.size:,} bytes, sha256 {entry.sha256}")
        if is_run:
            write_text(folder / f"{called}.md", _card(run, called, license, file.name))
        entries[called] = entry
        added.append(entry)
    write_text(listing, write_manifest(list(entries.values())))
    return PublishedFolder(folder, listing, tuple(added), tuple(entries.values()))


def _card(run: Path, name: str, license: str, file: str = "") -> str:
    paper = source(RunDirectory(run).load_config().model_name)
    return card.model_card(run, card.About(name, license, paper, file))
