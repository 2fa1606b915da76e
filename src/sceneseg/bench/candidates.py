"""Candidates of a benchmark: models and runs under distinct names, and the engines that compute here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sceneseg.bench.engines import engines
from sceneseg.bench.job import Candidate
from sceneseg.bench.names import telling_names
from sceneseg.errors import ConfigError
from sceneseg.models import models as architectures
from sceneseg.records import run_directory
from sceneseg.tasks.base import segments


def make_candidates(models: Sequence[str], weights: Sequence[Path]) -> list[Candidate]:
    """Check that every model can be made, and return it without an engine, under a name that no other has.

    Args:
        models: Untrained models by name.
        weights: Run directories and weights files.

    Raises:
        ConfigError: There is nothing to measure, or a model can't segment.
        RunError: There are no weights.
    """
    if not models and not weights:
        raise ConfigError("Nothing to measure. Give names of models, or weights of trained ones.", field="models")
    resolved = [architectures.resolve(name) for name in models]
    for name in resolved:
        if not segments(name):
            raise ConfigError(
                f"{name} gives an image one class and can't segment. Choose another model.", field="models"
            )
    for path in weights:
        run_directory.read_header(run_directory.find_weights(path))
    titles = iter(telling_names([*resolved, *weights]))
    found = [Candidate(next(titles), "", None, {"name": name}) for name in resolved]
    return found + [Candidate(next(titles), "", str(path)) for path in weights]


def choose_engines(names: Sequence[str], device: str, say: Callable[[str], object]) -> list[str]:
    """Return the engines that are measured, and report which can't be and why.

    Args:
        names: Those asked for; all when empty.
        device: cpu or cuda.
        say: Is called with a sentence for each engine that is left out.

    Raises:
        UnknownNameError: There is no such engine.
        ConfigError: None of them computes here.
    """
    chosen = []
    for name in [engines.resolve(name) for name in names] or engines.names():
        maker: Any = engines.get(name)
        if reason := maker.missing(device):
            say(f"Without {name}: {reason}")
        else:
            chosen.append(name)
    if not chosen:
        known = ", ".join(engines.names())
        raise ConfigError(f"None of the engines asked for computes on {device} here. Known: {known}.", field="engines")
    return list(dict.fromkeys(chosen))


def needed_files(names: Sequence[str]) -> set[str]:
    """Return which exported files the engines read: "openvino/int8", ..."""
    makers: list[Any] = [engines.get(name) for name in names]
    return {maker.file for maker in makers if maker.file}


def with_engines(model: Candidate, names: Sequence[str]) -> list[Candidate]:
    """Pair a model, exported for those that read files, with every engine."""
    pairs = []
    for name in names:
        maker: Any = engines.get(name)
        calibration = model.calibration if maker.file and maker.file.endswith("int8") else None
        pairs.append(replace(model, engine=name, files=model.files if maker.file else {}, calibration=calibration))
    return pairs
