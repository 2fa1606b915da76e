"""Files to be written are looked at before the work."""

import pytest

from sceneseg.records.targets import check_targets


def test_what_can_be_written(tmp_path):
    (tmp_path / "old").write_text("kept")
    check_targets(tmp_path / "old", tmp_path / "new/x.json", None)
    assert (tmp_path / "old").read_text() == "kept"
    assert not [*(tmp_path / "new").iterdir()]


def test_what_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(IsADirectoryError) as error:
        check_targets(tmp_path)
    assert error.value.filename == str(tmp_path)
    for target in (tmp_path / "file/x", tmp_path / ("n" * 300)):
        with pytest.raises(OSError, match=r"."):
            check_targets(target)
