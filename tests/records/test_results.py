"""The history is read with every value checked."""

import pytest

from sceneseg.errors import RunError
from sceneseg.records.results import read_epochs


def test_a_history_has_none_where_nothing_was_measured(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,step,mean_iou\n1,10,\n2,20,0.5\n")
    assert read_epochs(tmp_path / "history.csv") == [
        {"epoch": 1, "step": 10, "mean_iou": None},
        {"epoch": 2, "step": 20, "mean_iou": 0.5},
    ]


@pytest.mark.parametrize(
    "content", [b"epoch,loss\n1,high\n", b"epoch\n1,2\n", b"\xff\n1\n", b"loss\n1\n", b"epoch\nnan\n"]
)
def test_a_damaged_history_is_refused(tmp_path, content):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"history\.csv: expected .* it is damaged"):
        read_epochs(tmp_path / "history.csv")
