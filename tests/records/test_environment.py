"""The environment is read as far as it is known."""

import json

import pytest

from sceneseg.errors import RunError
from sceneseg.records.environment import Environment, environment, read_environment


def test_a_file_is_read_as_it_was_written(tmp_path):
    here = environment()
    (tmp_path / "environment.json").write_text(json.dumps(here.to_dict()))
    assert read_environment(tmp_path / "environment.json") == here


def test_threads_are_left_out_where_pytorch_was_not_used():
    assert "threads" not in Environment(gpu=None).to_dict()
    assert Environment(threads=2).to_dict()["threads"] == 2


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("[]", "must be a mapping"), ('{"cores": "two"}', "cores must be"), ('{"packages": {"a": 1}}', "packages.a must")],
)
def test_other_files_are_refused(tmp_path, content, complaint):
    (tmp_path / "environment.json").write_text(content)
    with pytest.raises(RunError, match=complaint):
        read_environment(tmp_path / "environment.json")


def test_facts_of_a_later_version_are_left_out(tmp_path):
    (tmp_path / "environment.json").write_text('{"cpu": "x", "watts": 3}')
    assert read_environment(tmp_path / "environment.json") == Environment(cpu="x")
