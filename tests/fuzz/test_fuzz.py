"""A few damaged files of every kind; ``make fuzz`` tries many."""

from importlib.util import find_spec

import pytest
from fuzzing import damaged, fuzz, outcome
from ingredients import Ingredients
from mutate import Random
from targets import TARGETS

INPUTS, SLOW_INPUTS = 40, 8


@pytest.fixture(scope="session")
def ingredients(tmp_path_factory) -> Ingredients:
    return Ingredients(tmp_path_factory.mktemp("ingredients"))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_damaged_file_is_refused_in_a_sentence(target, ingredients, tmp_path):
    if missing := [package for package in target.packages if find_spec(package) is None]:
        pytest.skip(f"needs {', '.join(missing)}")
    file = target.make(ingredients, tmp_path)
    assert outcome(target, file) == (None if target.accepted else ""), "the healthy file"
    tally = fuzz(target, file, range(SLOW_INPUTS if target.slow else INPUTS))
    assert not tally.findings, "\n".join(finding.trace for finding in tally.findings[:1])
    assert tally.tried == tally.refused + tally.accepted


def test_a_seed_gives_the_same_inputs(ingredients, tmp_path):
    target = next(target for target in TARGETS if target.name == "config")
    healthy = target.make(ingredients, tmp_path).read_bytes()
    first, again, other = (damaged(target, healthy, Random(seed)) for seed in ("a 1", "a 1", "a 2"))
    assert first == again != other


@pytest.mark.parametrize(("code", "complaint"), [("1 / 0", "ZeroDivisionError"), ("warn('x')", "UserWarning")])
def test_what_is_a_finding(tmp_path, code, complaint):
    from warnings import warn

    from targets import Target, written

    target = Target("x", written("x", b"x"), lambda _: eval(code, {"warn": warn}))
    file = target.make(None, tmp_path)
    assert complaint in outcome(target, file)
