"""The help pages: every verb is described, and nothing is swallowed as markup."""

import pytest

from sceneseg.cli.app import app

VERBS = "train evaluate predict compare report export bench models summary plan find-lr verify-resume"
DATA = "toy get doctor stats view pack unpack verify"
WEIGHTS = "list get import verify card manifest"
EVERY = [*VERBS.split(), *(f"data {v}" for v in DATA.split()), *(f"weights {v}" for v in WEIGHTS.split())]


@pytest.fixture
def page(capsys):
    def page(command: str = "") -> str:
        app([*command.split(), "--help"], result_action="return_value")
        return capsys.readouterr().out

    return page


@pytest.mark.parametrize(("group", "verbs"), [("", VERBS), ("data", DATA), ("weights", WEIGHTS)])
def test_every_verb_is_described_in_a_line(page, group, verbs):
    rows = {line.split()[1]: line.split()[2:-1] for line in page(group).splitlines() if line.startswith("│ ")}
    for verb in verbs.split():
        assert len(rows[verb]) >= 3, verb


@pytest.mark.parametrize("command", EVERY)
def test_options_are_described_in_whole_lines(command):
    for option in app.parse_commands(command.split())[1][-1].assemble_argument_collection(parse_docstring=True):
        if not option.show:
            continue
        assert option.parameter.help, option.name
        assert "\n" not in option.parameter.help
        assert not [name for name in option.names if "empty-" in name]


MIXED = {"train", "evaluate", "predict", "compare", "export", "bench", "plan", "find-lr"}
"""Commands with options of the configuration."""


@pytest.mark.parametrize("command", [command for command in EVERY if command not in MIXED])
def test_options_stand_in_panels(page, command):
    titles = {line.strip("╭─╮ ") for line in page(command).splitlines() if line.startswith("╭")}
    assert titles <= {"Data", "Model", "Transforms", "Optimization", "Runtime", "Output"}
    assert titles


@pytest.mark.parametrize("command", EVERY)
def test_every_page_opens(page, command):
    out = page(command)
    assert out.startswith(f"Usage: sceneseg {command}")
    if "environment variable" in out:
        assert "<NAME>_DATASET" in out
