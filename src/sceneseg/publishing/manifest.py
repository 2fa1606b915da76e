"""The manifest: which weights are published, where, and what their publisher says about them.

A manifest is a YAML or JSON file with ``format: 1`` and a list ``weights``; each entry has the fields of `Entry`. The
official one lies in this package; any other file or web address can take its place.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from sceneseg.config.reading import read_yaml
from sceneseg.errors import ConfigError, RunError, UnknownNameError, did_you_mean
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.fetching.transfer import download
from sceneseg.records.temporaries import temporary_folder

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
OFFICIAL = "the official manifest"
MOST_BYTES = 2**24
"""Of a manifest that is fetched; thousands of entries fit."""


@dataclass(frozen=True)
class Entry:
    """Published weights file.

    Args:
        name: What it is asked for by, and the name of its file without ``.safetensors``.
        address: Where it lies, http or https.
        sha256: Of the file, hexadecimal.
        size: Bytes.
        licence: Of the weights, as an SPDX name where there is one.
        model: Registry name of the architecture.
        label_space: Of its classes.
        score: Name of a score -> value, 0..1.
        protocol: How the score came about.
        data_terms: What the terms of use of the training data mean for the weights.

    Example:
        >>> import sceneseg
        >>> folder = sceneseg.make_manifest("runs/small", url="https://example.org/weights", license="mit")
        >>> folder.entries[0].protocol["dataset"]
        'cityscapes'
    """

    name: str
    address: str
    sha256: str
    size: int
    licence: str
    model: str = ""
    label_space: str = ""
    score: dict[str, float] = field(default_factory=dict)
    protocol: dict[str, object] = field(default_factory=dict)
    data_terms: str = ""


@dataclass(frozen=True)
class Manifest:
    """A list of published weights.

    Args:
        origin: Where it was read from, for messages.
        entries: In the order of the file.

    Example:
        >>> import sceneseg
        >>> sceneseg.list_weights().entries
        ()
    """

    origin: str
    entries: tuple[Entry, ...]

    def find(self, name: str) -> Entry:
        """Return the entry called `name`.

        Raises:
            UnknownNameError: There is none; the message suggests the closest.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        names = [entry.name for entry in self.entries]
        if not names:
            raise UnknownNameError(
                f'There are no weights called "{name}": {self.origin} is empty. {CURE}', field="manifest"
            )
        hint = did_you_mean(name, names)
        raise UnknownNameError(f'There are no weights called "{name}" in {self.origin}.{hint} It has: {_join(names)}.')


CURE = "Give another manifest, or train a model by a recipe: cityscapes/MODEL."


def read_manifest(where: str | None, watch: ProgressReporter) -> Manifest:
    """Read a manifest.

    Args:
        where: File or http address; None is the official one.
        watch: Hears the download of an address.

    Raises:
        ConfigError: It is missing, isn't YAML or JSON, or has an entry that can't be used.
        TransferError: It can't be fetched.
    """
    if where is None:
        with resources.as_file(resources.files("sceneseg.publishing") / "manifest.yaml") as file:
            return _parse(read_yaml(file), OFFICIAL)
    if not _is_address(where):
        return _parse(read_yaml(Path(where)), where)
    with temporary_folder("sceneseg-manifest") as folder:
        file = folder / "manifest.yaml"
        download(where, file, watch, "Check the address of the manifest.", most=MOST_BYTES)
        return _parse(read_yaml(file), where)


def write_manifest(entries: list[Entry]) -> str:
    """Return the text of a manifest."""
    content = {"format": FORMAT, "weights": [asdict(entry) for entry in entries]}
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)


def compare(file: Path, sha256: str, manifest: Manifest) -> str:
    """Check whether a weights file is one of the manifest's.

    Raises:
        RunError: It has the name of an entry, but isn't that file.
    """
    for entry in manifest.entries:
        if entry.sha256 == sha256:
            return f"as {entry.name} in {manifest.origin}, license {entry.licence}"
    if same := [entry for entry in manifest.entries if entry.name == file.stem]:
        raise RunError(
            f"{file}: expected the sha256 {same[0].sha256} that {manifest.origin} gives for {file.stem}, found "
            f"{sha256}: it was changed. Fetch it anew with `sceneseg weights get {file.stem}`, or give it another name."
        )
    return f"not in {manifest.origin}"


def check_address(text: str, where: str) -> None:
    """Check that an argument called `where` is a web address.

    Raises:
        ConfigError: It isn't.
    """
    if not _is_address(text):
        raise ConfigError(f"{where}: expected {EXPECTED['address']}, found {text!r}.", field=where)


def check_name(name: str) -> str:
    """Return a name if it can be a file's, everywhere and without leaving its folder.

    Raises:
        ConfigError: It can't.
    """
    if not NAME.fullmatch(name):
        raise ConfigError(
            f'"{name}" can\'t name weights: expected letters, digits, ".", "_" and "-". Give another name.'
        )
    return name


def _parse(content: Mapping[str, object], origin: str) -> Manifest:
    if content.get("format") != FORMAT:
        raise ConfigError(
            f"{origin}: expected a manifest with format {FORMAT}, found {content.get('format')!r}. "
            f"`sceneseg weights manifest` writes one; if this one is newer, update sceneseg."
        )
    listed = content.get("weights")
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ConfigError(f"{origin}: expected a list of entries under weights, found {type(listed).__name__}.")
    entries = tuple(_entry(dict(given), f"{origin}, entry {i}") for i, given in enumerate(listed, 1))
    names = [entry.name for entry in entries]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(f"{origin}: {_join(twice)} is there twice. Give each entry a name of its own.")
    return Manifest(origin, entries)


def _entry(given: Mapping[str, Any], where: str) -> Entry:
    known = {f.name for f in fields(Entry)}
    for key in given:
        if key not in known:
            raise ConfigError(f'{where}: unknown key "{key}".{did_you_mean(str(key), known)}')
    missing = [key for key in ("name", "address", "sha256", "size", "licence") if key not in given]
    if missing:
        raise ConfigError(f"{where}: {_join(missing)} is missing.")
    texts = ("name", "address", "sha256", "licence", "model", "label_space", "data_terms")
    fits: dict[str, bool] = {key: isinstance(given[key], str) for key in texts if key in given}
    fits |= {key: isinstance(given[key], dict) for key in ("score", "protocol") if key in given}
    fits["size"] = isinstance(given["size"], int) and given["size"] > 0
    fits["sha256"] = fits["sha256"] and re.fullmatch("[0-9a-f]{64}", given["sha256"]) is not None
    fits["address"] = fits["address"] and _is_address(given["address"])
    for key, good in fits.items():
        if not good:
            raise ConfigError(f"{where}: {key} is {given[key]!r}; expected {EXPECTED.get(key, 'a word')}.")
    check_name(given["name"])
    return Entry(**given)


EXPECTED = {
    "address": "an address that begins with https:// or http:// and names a host",
    "sha256": "64 hexadecimal digits, small letters",
    "size": "the number of bytes",
    "score": "names with values",
    "protocol": "names with values",
}


def _is_address(text: str) -> bool:
    try:
        return text.startswith(("https://", "http://")) and bool(urlsplit(text).hostname)
    except ValueError:  # "http://["
        return False


def _join(names: list[str]) -> str:
    return ", ".join(names)
