"""Examples in the docstrings of public names: each has one, and it runs."""

import doctest
import inspect
import sys

import pytest

import sceneseg

WITHOUT = {
    "ClassificationModel",
    "ExportedModel",
    "Scenes",
    "SemanticModel",
    "Trained",
    "create_model",
    "load",
}
"""Names whose examples stand in docs/python.md alone."""
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples(name: str) -> doctest.DocTest:
    """Return what runs for a public name: its own docstring, not those of methods."""
    thing = getattr(sceneseg, name)
    known = dict(vars(sys.modules[thing.__module__]))  # as doctest has it: the names of the module
    return doctest.DocTestFinder(recurse=False).find(thing, name, globs=known)[0]


@pytest.mark.parametrize("name", [name for name in sceneseg.__all__ if name not in WITHOUT])
def test_the_example_of_a_public_name_runs(name, workplace):
    test = examples(name)
    assert test.examples, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    said: list[str] = []
    runner.run(test, out=said.append)
    assert not runner.summarize(verbose=False).failed, "".join(said)


def test_names_without_an_example_are_public():
    assert set(sceneseg.__all__) >= WITHOUT


@pytest.mark.parametrize("name", [name for name in sceneseg.__all__ if inspect.isfunction(getattr(sceneseg, name))])
def test_a_function_documents_its_arguments(name):
    text = inspect.getdoc(getattr(sceneseg, name)) or ""
    for argument in inspect.signature(getattr(sceneseg, name)).parameters:
        assert f"\n    {argument}: " in text, argument
