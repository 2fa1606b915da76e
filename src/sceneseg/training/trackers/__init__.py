"""Trackers of a run, one file each: TensorBoard always, others on request; `history.csv` is the loop's own.

None of them connects to a network unless the user has configured it (an environment variable).
"""

import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sceneseg.errors import ConfigError
from sceneseg.registry import Registry

if TYPE_CHECKING:
    from sceneseg.records.run_directory import RunDirectory
    from sceneseg.training.trackers.base import Tracker

ALWAYS = ("tensorboard",)

trackers: Registry["Tracker"] = Registry(
    "tracker", __name__, aliases={"w&b": "wandb", "tb": "tensorboard"}, field="train.log"
)
register = trackers.register


def check(names: Iterable[str]) -> None:
    """Find out before a run whether its trackers can be used.

    Raises:
        UnknownNameError: There is no such tracker.
        ConfigError: Its package isn't installed.
    """
    for name in names:
        maker: Any = trackers.get(name)
        package = maker.package
        if package and package not in sys.modules and importlib.util.find_spec(package) is None:
            raise ConfigError(
                f"The tracker {name} needs the package {package}, which isn't installed. Install it with "
                f"`pip install {maker.install}`, or leave the tracker out.",
                field="train.log",
            )


def start(
    names: Iterable[str],
    run: "RunDirectory",
    config: Mapping[str, object],
    scores: list[str],
    step: int,
    say: Callable[[str], object],
) -> "list[Tracker]":
    """Start the trackers of a run, TensorBoard first; one that can't start is left out with a word about it.

    Args:
        names: Requested ones, in addition to those that are always there.
        run: What they tell of.
        config: The resolved configuration as plain data.
        scores: The columns of history.csv that say how good the model is, the deciding one first.
        step: Where the run (re)starts.
        say: Is given messages for the user.
    """
    requested = dict.fromkeys([*ALWAYS, *(trackers.resolve(name) for name in names)])
    started = []
    for name in requested:
        try:
            started.append(trackers.create(name, run=run, config=config, scores=scores, step=step))
        except Exception as error:  # of whatever service
            say(f"The tracker {name} is left out: it can't start ({type(error).__name__}: {error})")
    return started
