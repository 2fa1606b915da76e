"""`sceneseg weights ...`: weights files, ours and other people's: fetch, check, describe, publish."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.wording import quoted

if TYPE_CHECKING:
    from sceneseg.publishing.manifest import Entry

Source = Annotated[str | None, Parameter(name="--manifest")]


def import_(*, kind: Annotated[str, Parameter(name="--from")], file: Path, out: Path) -> None:
    """Turn weights that the authors of a network published into a weights file of this project.

    Example: sceneseg weights import --from espnet --file espnet_p_2_q_8.pth --out espnet.safetensors

    Args:
        kind: Whose file it is: espnet or espnet_v2.
        file: Their .pth file; nothing in it is executed.
        out: The .safetensors file to write.
    """
    from sceneseg.publishing.foreign import import_weights

    model = import_weights(kind, file, out)
    print(f"{out}: {model.network.name} for the {len(model.label_space)} classes of {model.label_space.name}")
    print(f"next: sceneseg predict -w {quoted(out)} PHOTO.jpg")


def list_(*, manifest: Source = None, json: bool = False) -> None:
    """List published weights with model, score, size and licence.

    Example: sceneseg weights list --manifest https://example.org/weights/manifest.yaml

    Args:
        manifest: A manifest file or its web address; the official one when absent.
        json: Print the entries as JSON.
    """
    import json as writer
    from dataclasses import asdict

    from sceneseg.fetching.display import Display
    from sceneseg.publishing.manifest import read_manifest

    console = terminal(soft_wrap=True)
    with Display(console) as display:
        found = read_manifest(manifest, display)
    if json:
        print(writer.dumps([asdict(entry) for entry in found.entries], indent=2))
    elif not found.entries:
        console.print(f"Nothing has been published yet: {found.origin} is empty.")
        console.print("`sceneseg weights list --manifest FILE_OR_URL` reads another one,")
        console.print("`sceneseg weights manifest RUN --url ADDRESS --licence NAME` makes one.")
    else:
        _show(found.entries, console.width)


def _show(entries: "tuple[Entry, ...]", width: int) -> None:
    from rich.filesize import decimal
    from rich.table import Table

    table = Table(box=None, header_style="dim")
    for column in ("name", "model", "classes of", "score", "on", "size", "licence"):
        table.add_column(column, justify="right" if column in {"score", "size"} else "left", overflow="fold")
    for entry in entries:
        score = ", ".join(f"{name} {value:.2%}" for name, value in entry.score.items())
        on = " ".join(str(entry.protocol[key]) for key in ("dataset", "split") if key in entry.protocol)
        table.add_row(entry.name, entry.model, entry.label_space, score, on, decimal(entry.size), entry.licence)
    terminal(width=max(width, 100)).print(table)


def get(name: str, /, *, manifest: Source = None, out: Path = Path("weights")) -> None:
    """Fetch published weights; what was interrupted goes on, and the checksum decides whether they are right.

    Example: sceneseg weights get fast_scnn-camvid --manifest https://example.org/weights/manifest.yaml

    Args:
        name: As `sceneseg weights list` shows it.
        manifest: A manifest file or its web address; the official one when absent.
        out: Folder for the file.
    """
    from sceneseg.fetching.display import Display
    from sceneseg.publishing import files
    from sceneseg.publishing.manifest import read_manifest

    console = terminal(soft_wrap=True)
    with Display(console) as display:
        entry = read_manifest(manifest, display).find(name)
        display.say(f"{entry.name}: licence {entry.licence}" + (f"; data: {entry.data_terms}" * bool(entry.data_terms)))
        file = files.get(entry, out, display)
    console.print(f"next: sceneseg predict -w {quoted(file)} PHOTO.jpg")


def verify(*paths: Path, manifest: Source = None) -> None:
    """Check weights files: readable, whole, loaded strictly, finite, and what they say of classes and score.

    Exit code 1 when one isn't as it should be.

    Example: sceneseg weights verify weights/fast_scnn-camvid.safetensors

    Args:
        paths: Weights files or run directories.
        manifest: Compare with a manifest, a file or web address; with the official one when absent.
    """
    from sceneseg.errors import RunError
    from sceneseg.fetching.checks import file_sha256
    from sceneseg.fetching.display import Display
    from sceneseg.publishing.manifest import compare, read_manifest
    from sceneseg.publishing.verification import verify as check
    from sceneseg.records import run_directory

    if not paths:
        raise RunError("Which weights shall be checked? Give weights files or run directories.")
    console = terminal(soft_wrap=True)
    with Display(console) as display:
        known = read_manifest(manifest, display)
        for path in paths:
            file = run_directory.find_weights(path)
            found = check(file)
            digest = file_sha256(file, display)
            facts = found | {"sha256": digest, "published": compare(file, digest, known)}
            display.say(str(file))
            for what, value in facts.items():
                display.say(f"  {what:<10}  {value}")
    console.print(f"{len(paths)} checked: in order")


def card(
    run: Path,
    /,
    *,
    out: Path | None = None,
    licence: Annotated[str, Parameter(name=("--licence", "--license"))] = "",
    name: str | None = None,
) -> None:
    """Write the model card of a run in Markdown: data, protocol, scores, recipe, cost, limits, licences.

    It begins with the header that Hugging Face reads; every figure comes from the run's files.

    Example: sceneseg weights card runs/demo/fast_scnn --licence cc-by-nc-4.0 --out README.md

    Args:
        run: Run directory.
        out: File to write; RUN/model_card.md when absent.
        licence: Of the weights, as an SPDX name: apache-2.0, cc-by-nc-4.0, ...
        name: What the weights are published as; the run's name when absent.
    """
    from sceneseg.records.run_directory import write_text

    file = out or run / "model_card.md"
    write_text(file, _card(run, name or run.resolve().name, licence))
    print(f"written to {file}")


def manifest(
    *runs: Path,
    url: str,
    licence: Annotated[str, Parameter(name=("--licence", "--license"))],
    out: Path = Path("published"),
    name: str | None = None,
) -> None:
    """Prepare weights for publishing: a folder to upload, with the files, the cards of runs and the manifest.

    Entries that the folder's manifest has already stay, or are replaced by new ones of their name.

    Example: sceneseg weights manifest runs/camvid-fast_scnn --url https://example.org/weights --licence cc-by-nc-4.0

    Args:
        runs: Run directories (their best weights), or weights files.
        url: Web address that the folder will have.
        licence: Of the weights, as an SPDX name: apache-2.0, cc-by-nc-4.0, ...
        out: The folder.
        name: What the weights are published as; the run's or file's name when absent.
    """
    from sceneseg.errors import ConfigError
    from sceneseg.fetching.display import Display
    from sceneseg.publishing import files
    from sceneseg.publishing.manifest import check_address, read_manifest, write_manifest
    from sceneseg.records.run_directory import find_weights, write_text
    from sceneseg.report.card import data_terms

    check_address(url, "--url")
    if not runs or (name is not None and len(runs) > 1):
        raise ConfigError("Give a run or several; --name can name only one.")
    listing = out / "manifest.yaml"
    console = terminal(soft_wrap=True)
    with Display(console) as display:
        entries = {e.name: e for e in read_manifest(str(listing), display).entries} if listing.is_file() else {}
        for run in runs:
            weights = find_weights(run)
            called = name or (run.resolve().name if run.is_dir() else run.stem)
            entry = files.describe(weights, called, url, licence, data_terms(run) if run.is_dir() else "", display)
            entries[called] = entry
            display.say(f"{files.lay_out(weights, entry, out)}: {entry.size:,} bytes, sha256 {entry.sha256}")
            if run.is_dir():
                write_text(out / f"{called}.md", _card(run, called, licence, f"{called}.safetensors"))
        write_text(listing, write_manifest(list(entries.values())))
    console.print(f"{listing}: {len(entries)} in it. Upload {out} to {url}, then anybody can say:")
    console.print(f"sceneseg weights get NAME --manifest {url.rstrip('/')}/manifest.yaml")


def _card(run: Path, name: str, licence: str, file: str = "") -> str:
    from sceneseg.models.cost import source
    from sceneseg.records.run_directory import RunDirectory
    from sceneseg.report.card import About, model_card

    return model_card(run, About(name, licence, source(RunDirectory(run).load_config().model_name), file))
