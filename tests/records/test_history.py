"""The history is read with every value checked."""

import math

import pytest

from sceneseg.errors import RunError
from sceneseg.records.history import Epoch, read_epochs


def test_what_was_not_measured_is_none(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,step,loss,mean_iou\n1,10,nan,\n2,20,0.5,0.25\n")
    first, second = read_epochs(tmp_path / "history.csv")
    assert (first.epoch, first.step, first.seconds, first.scores) == (1, 10, None, {"mean_iou": None})
    assert math.isnan(first.loss)
    assert second == Epoch(2, 20, loss=0.5, scores={"mean_iou": 0.25})


@pytest.mark.parametrize(
    "content", [b"epoch,loss\n1,high\n", b"epoch\n1,2\n", b"\xff\n1\n", b"loss\n1\n", b"epoch\nnan\n"]
)
def test_a_damaged_history_is_refused(tmp_path, content):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(RunError, match=r"history\.csv: expected .* it is damaged"):
        read_epochs(tmp_path / "history.csv")
