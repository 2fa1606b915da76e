"""What a measuring process is told and answers, line by line."""

import pytest

from sceneseg.bench.job import Answer, Candidate, Job, Loaded
from sceneseg.bench.record import Memory


def test_a_job_is_read_as_it_was_written():
    candidate = Candidate("street", "eager", model={"name": "fast_scnn", "width": 0.5}, files={"onnx/fp32": "a.onnx"})
    job = Job(candidate, "images.npy", "labels.npy", "cpu", 2, ("net.py",))
    assert "\n" not in job.to_line()
    assert Job.from_line(job.to_line()) == job


@pytest.mark.parametrize(
    "answer",
    [
        Answer(Loaded(1.5, 0.5, 0.25, Memory(300.0, 350.0, None, None))),
        Answer(seconds=0.125),
        Answer(error="it is too large"),
    ],
)
def test_an_answer_is_read_as_it_was_written(answer):
    assert Answer.from_line(answer.to_line()) == answer


@pytest.mark.parametrize("line", ["", "{", "[]", '{"seconds": "long"}'])
def test_what_is_no_answer_is_a_value_error(line):
    with pytest.raises(ValueError):  # noqa: PT011 (of the JSON reader or of the record)
        Answer.from_line(line)
