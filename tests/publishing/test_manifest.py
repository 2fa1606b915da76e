"""What a manifest may say, and how it says that it doesn't fit."""

import dataclasses
import json

import pytest
import yaml

from sceneseg.errors import ConfigError, RunError, TransferError, UnknownNameError
from sceneseg.fetching.progress import ProgressReporter
from sceneseg.publishing.manifest import Entry, Manifest, check_name, compare, read_manifest, write_manifest

ENTRY = Entry(
    *("tiny", "https://example.org/tiny.safetensors", "ab" * 32, 1000, "cc-by-4.0", "fast_scnn", "cityscapes"),
    *({"mean_iou": 0.61}, {"dataset": "cityscapes", "split": "val"}, "Free."),
)


def written(tmp_path, content):
    file = tmp_path / "manifest.yaml"
    file.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return str(file)


def test_the_official_one_can_be_read():
    assert read_manifest(None, ProgressReporter()).origin == "the official manifest"


def test_an_empty_one_says_so_when_asked():
    with pytest.raises(UnknownNameError, match=r'"tiny": here is empty. .*another manifest'):
        Manifest("here", ()).find("tiny")


def test_round_trip_of_yaml_and_json(tmp_path):
    text = write_manifest([ENTRY])
    assert read_manifest(written(tmp_path, text), ProgressReporter()).entries == (ENTRY,)
    as_json = json.dumps({"format": 1, "weights": [dataclasses.asdict(ENTRY)]})
    assert read_manifest(written(tmp_path, as_json), ProgressReporter()).find("tiny") == ENTRY


def test_from_the_network(server, tmp_path):
    server.serve("/m.yaml", write_manifest([ENTRY]).encode())
    found = read_manifest(f"{server.url}/m.yaml", ProgressReporter())
    assert found.entries == (ENTRY,)
    with pytest.raises(UnknownNameError, match=r'Did you mean "tiny"\? It has: tiny'):
        found.find("tiyn")
    with pytest.raises(TransferError, match="404.*the manifest"):
        read_manifest(f"{server.url}/gone.yaml", ProgressReporter())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format 1, found 2"),
        ({"weights": {}}, "a list of entries under weights, found dict"),
        ({"weights": [{"name": "x"}]}, "entry 1: address, sha256, size, licence is missing"),
        ({"sha256": "AB" * 32}, "entry 1: sha256 is .* expected 64 hexadecimal digits"),
        ({"size": 0}, "size is 0; expected the number of bytes"),
        ({"address": "http://["}, "address is 'http.* names a host"),
        ({"address": "https:///x"}, "address is 'http.* names a host"),
        ({"address": "ftp://example.org/x"}, "address is 'ftp.* begins with https://"),
        ({"address": 7}, "address is 7"),
        ({"score": 0.5}, "score is 0.5; expected names with values"),
        ({"licence": None}, "licence is None; expected a word"),
        ({"licens": "x"}, 'unknown key "licens". Did you mean "licence"'),
        ({"name": "../../etc/passwd"}, "can't name weights"),
        ({"name": "a/b"}, "can't name weights"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, message):
    top = {"format": 1, "weights": [dataclasses.asdict(ENTRY)]}
    if change.keys() & top.keys():
        top |= change
    else:
        top["weights"][0] |= change
    with pytest.raises(ConfigError, match=message):
        read_manifest(written(tmp_path, top), ProgressReporter())


def test_no_name_twice(tmp_path):
    with pytest.raises(ConfigError, match="tiny is there twice"):
        read_manifest(written(tmp_path, write_manifest([ENTRY, ENTRY])), ProgressReporter())


@pytest.mark.parametrize("name", ["", ".hidden", "a b", "a\nb", "a\\b", "è"])
def test_names_are_file_names(name):
    with pytest.raises(ConfigError, match="can't name weights"):
        check_name(name)


def test_a_file_is_recognized_by_its_content(tmp_path):
    known = Manifest("here", (ENTRY,))
    assert compare(tmp_path / "other.safetensors", ENTRY.sha256, known) == "as tiny in here, license cc-by-4.0"
    assert compare(tmp_path / "other.safetensors", "0" * 64, known) == "not in here"
    with pytest.raises(RunError, match="it was changed. Fetch it anew with `sceneseg weights get tiny`"):
        compare(tmp_path / "tiny.safetensors", "0" * 64, known)
