"""JSON files as records."""

from dataclasses import dataclass

import pytest

from sceneseg.errors import RunError
from sceneseg.plain import UnfitError
from sceneseg.records.codec import read_record


@dataclass(frozen=True)
class Note:
    text: str
    pages: int = 1


@pytest.mark.parametrize("content", ['{"text": "x"}', '{"format": 1, "text": "x", "pages": 1}'])
def test_a_file_is_a_record(tmp_path, content):
    file = tmp_path / "note.json"
    file.write_text(content)
    assert read_record(Note, file, cure="Write it again.") == Note("x")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"format": 2, "text": "x", "color": "red"}', "newer.*format 2.*Update"),
        ('{"format": "two", "text": "x"}', "damaged: format must be .*Write it again"),
        ('{"text": 3}', "damaged: text must be .*Write it again"),
        ('{"text": "x", "color": "red"}', "unknown key color"),
        ("{}", "missing key text"),
        ("[]", "must be a mapping"),
        ("{", "not readable as JSON"),
        ('{"text": "x", "pages": 0}', "damaged: a note has a page"),
    ],
)
def test_a_file_of_something_else(tmp_path, content, said):
    def check(note):
        if not note.pages:
            raise UnfitError("a note has a page")

    file = tmp_path / "note.json"
    file.write_text(content)
    with pytest.raises(RunError, match=rf"note\.json: .*{said}"):
        read_record(Note, file, cure="Write it again.", check=check)
