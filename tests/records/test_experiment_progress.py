"""The progress of an experiment is checked as it is read."""

from pathlib import Path

import pytest

from sceneseg.errors import RunError
from sceneseg.records.experiment_progress import ExperimentProgress, Outcome, read_progress, write_progress
from sceneseg.records.run_directory import ComparisonDirectory

EARLIER = Path(__file__).parent / "comparisons_0_1_0"


def test_no_file_is_no_progress(tmp_path):
    assert read_progress(ComparisonDirectory(tmp_path)) == ExperimentProgress()


def test_outcomes_are_read_again(tmp_path):
    comparison = ComparisonDirectory(tmp_path)
    progress = ExperimentProgress().with_outcome("a", Outcome("failed", "out of memory", 0.5, 120))
    progress = progress.with_outcome("b", Outcome("interrupted")).with_outcome("b", Outcome("finished"))
    write_progress(comparison, progress)
    assert read_progress(comparison) == progress
    assert list(progress.runs) == ["a", "b"]


def test_progress_of_0_1_0_is_read_and_written_as_it_was(tmp_path):
    earlier, comparison = ComparisonDirectory(EARLIER / "experiment"), ComparisonDirectory(tmp_path)
    progress = read_progress(earlier)
    assert {folder: outcome.state for folder, outcome in progress.runs.items()} == {
        "lr-0.01": "finished",
        "lr-1e30": "failed",
    }
    assert progress.runs["lr-0.01"].steps == 225
    write_progress(comparison, progress)
    assert comparison.progress.read_bytes() == earlier.progress.read_bytes()


@pytest.mark.parametrize(
    ("content", "at_fault"),
    [
        ('{"runs": []}', "runs"),
        ('{"runs": {"a": {"state": "finished", "steps": "x"}}}', r"runs\.a\.steps"),
        ('{"runs": {"a": {"state": "asleep"}}}', r"runs\.a\.state"),
        ("[]", "mapping"),
    ],
)
def test_damaged_progress(tmp_path, content, at_fault):
    comparison = ComparisonDirectory(tmp_path)
    comparison.progress.write_text(content)
    with pytest.raises(RunError, match=f"progress.json: damaged: .*{at_fault}"):
        read_progress(comparison)
