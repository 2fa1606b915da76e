"""The joint label space of a comparison is checked as it is read."""

from pathlib import Path

import pytest

from sceneseg.errors import RunError
from sceneseg.records.joint_scores import JointScores, read_joint_scores, write_joint_scores
from sceneseg.records.run_directory import ComparisonDirectory

EARLIER = Path(__file__).parent / "comparisons_0_1_0"


def test_joint_scores_are_read_again_until_there_are_none(tmp_path):
    comparison = ComparisonDirectory(tmp_path)
    assert read_joint_scores(comparison) is None
    scores = JointScores("cityscapes:road", {"a": "evaluations/cityscapes-val-road"}, {"b": "has no road"})
    write_joint_scores(comparison, scores)
    assert read_joint_scores(comparison) == scores
    write_joint_scores(comparison, None)
    assert read_joint_scores(comparison) is None


def test_joint_scores_of_0_1_0_are_read_and_written_as_they_were(tmp_path):
    earlier, comparison = ComparisonDirectory(EARLIER / "finished_runs"), ComparisonDirectory(tmp_path)
    scores = read_joint_scores(earlier)
    assert scores.label_space == "cityscapes:categories"
    write_joint_scores(comparison, scores)
    assert comparison.joint_scores.read_bytes() == earlier.joint_scores.read_bytes()


@pytest.mark.parametrize(
    "content",
    [
        '{"evaluations": {}}',
        '{"label_space": "x", "apart": {}, "evaluations": {"a": "../../x"}}',
        '{"label_space": "x", "apart": {}, "evaluations": {"a": "/x"}}',
        '{"label_space": "x", "apart": {"a": 1}, "evaluations": {}}',
    ],
)
def test_damaged_joint_scores(tmp_path, content):
    comparison = ComparisonDirectory(tmp_path)
    comparison.joint_scores.write_text(content)
    with pytest.raises(RunError, match=r"label_space\.json: damaged: "):
        read_joint_scores(comparison)
