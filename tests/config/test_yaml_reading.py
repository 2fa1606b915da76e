"""YAML that would grow beyond all bounds is refused at once."""

import time

import pytest

from sceneseg.config import files as config_files
from sceneseg.config.command_line import nested
from sceneseg.config.reading import DEEPEST, LARGEST, parse_yaml
from sceneseg.config.variants import parse_vary
from sceneseg.errors import ConfigError


def laughs(indent, levels=9):
    lines = [f"{indent}a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, levels + 1):
        lines.append(f"{indent}a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"model:\n{laughs('  ')}", "more than 200,000 values, as aliases repeat them"),
        (f"data:\n  options:\n{laughs('    ')}", "more than 200,000 values"),
        ("model: &a {name: fast_scnn, x: *a}", r"the alias \*a stands within what it repeats"),
        ("model: {x: &l [1, [2, *l]]}", r"the alias \*l stands within"),
        ("model: {x: " + "[" * 5000 + "]" * 5000 + "}", "more than 50 levels deep"),
        ("model: {x: " + "{a: " * 5000 + "1" + "}" * 5000 + "}", "more than 50 levels deep"),
        ("model: {x: *nobody}", "not readable as YAML: found undefined alias"),
        ("seed: 2001-99-99", "not readable as YAML: month must be in"),
        ("model: {x: !!python/object/apply:os.system [ls]}", "not readable as YAML"),
        ("a: [", "not readable as YAML"),
    ],
)
def test_what_grows_or_turns_back_is_refused_quickly(tmp_path, text, said):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    start = time.process_time()
    with pytest.raises(ConfigError, match=rf"c.yaml: .*{said}"):
        config_files.load(file)
    assert time.process_time() - start < 5


def test_the_sizes_that_people_need_are_read():
    lists = "\n".join(f"k{i}: [a, b, {{c: 1}}]" for i in range(200))
    assert len(parse_yaml(lists, "here")) == 200
    assert parse_yaml("a: &w [1, 2]\nb: *w\nc: {d: *w}", "here") == {"a": [1, 2], "b": [1, 2], "c": {"d": [1, 2]}}
    deep = "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    assert str(parse_yaml(deep, "here")) == deep
    assert LARGEST > 10_000


def test_values_that_are_typed_are_bounded_too():
    with pytest.raises(ConfigError, match="levels deep"):
        nested({"x": "[" * 5000 + "]" * 5000})
    with pytest.raises(ConfigError, match="not readable as YAML"):
        nested({"x": "[1, 2"})
    with pytest.raises(ConfigError, match="two or more values"):
        parse_vary("model.x=" + "[" * 5000 + "]" * 5000 + ",2")
