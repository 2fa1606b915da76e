"""Options without an effect: what was asked for, and no choice of the run reads, is refused by name.

Every option that only some choices read has a `Reader` in a table. A file may hold what its own choices read, as a
recipe's momentum when another optimizer is typed.
"""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn

from sceneseg import losses, models
from sceneseg.config.asked import Asked
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.models.cost import count_auxiliary_heads
from sceneseg.optim import optimizers, schedules
from sceneseg.registry import USER_SUPPLIED, Registry
from sceneseg.task_facts import builtin_facts, facts_of
from sceneseg.user_files import is_file_name


@dataclass(frozen=True)
class Reader:
    """Reader of some options.

    Args:
        keys: Dotted keys; one that ends in a dot stands for all that begin with it.
        reads: Whether the choices of a configuration read them.
        otherwise: Why they have no effect where nobody does.
    """

    keys: tuple[str, ...]
    reads: Callable[[Config], bool]
    otherwise: str

    def knows(self, key: str) -> bool:
        """Return whether a key is one of these."""
        return any(key == known or (known.endswith(".") and key.startswith(known)) for known in self.keys)


def refuse_inert(sources: Iterable[Asked], candidates: Sequence[Config]) -> None:
    """Refuse what was asked for and has no effect.

    Args:
        sources: Who asked for what.
        candidates: The configurations that come of it; it is enough when one of them reads an option.

    Raises:
        ConfigError: An option has no effect; the message names what would read it.
    """
    for source in sources:
        everyone = [*candidates, *([source.own] if source.own else [])]
        for key in source.keys:
            for reader in READERS:
                if reader.knows(key) and not any(reader.reads(config) for config in everyone):
                    raise ConfigError(
                        f"{source.where}: {key} has no effect here. {reader.otherwise} Leave it out.", field=key
                    )


def refuse_contradictions(config: Config) -> None:
    """Refuse numbers that don't go together.

    Raises:
        ConfigError: The schedule's lowest learning rate is above its peak.
    """
    peak = config.optim.lr
    if peak is None:
        peak = optimizers.usual_values(config.optim.name)["lr"]
    if peak is not None and config.schedule.min_lr > peak:
        raise ConfigError(
            f"The lowest learning rate, schedule.min_lr {config.schedule.min_lr:g}, is above the peak, optim.lr "
            f"{peak:g}. Exchange them, or leave schedule.min_lr out.",
            field="schedule.min_lr",
        )


def _readers_of(section: str, shelf: Registry[Any], reads_of: Callable[[str], tuple[str, ...]]) -> list[Reader]:
    """Return readers for options that the things of a shelf declare.

    Args:
        section: Of the configuration, whose `name` chooses the thing.
        shelf: Its things.
        reads_of: Returns the keys of the section that a thing reads.
    """

    def reads(config: Config, key: str) -> bool:
        return key in reads_of(getattr(config, section).name)

    table = {name: reads_of(name) for name in shelf.builtin()}
    found = []
    for key in sorted({key for keys in table.values() for key in keys}):
        names = [name for name, keys in table.items() if key in keys]
        otherwise = f"{section}.name decides: {', '.join(names)} {'reads' if len(names) == 1 else 'read'} it."
        found.append(Reader((f"{section}.{key}",), partial(reads, key=key), otherwise))
    return found


def _readers_of_tasks(section: str) -> list[Reader]:
    """Return readers for options of a section that only some tasks read."""

    def reads(config: Config, key: str) -> bool:
        return key in facts_of(config.task).reads

    readers: dict[str, list[str]] = {}
    for facts in builtin_facts():
        for key in facts.reads:
            readers.setdefault(key, []).append(facts.name)
    return [
        Reader((key,), partial(reads, key=key), f"It is for the task {' or '.join(names)}.")
        for key, names in readers.items()
        if key.startswith(section)
    ]


def _has_auxiliary_heads(config: Config) -> bool:
    if "aux_loss." not in facts_of(config.task).reads:
        return False
    if config.model_name.startswith(USER_SUPPLIED) or is_file_name(config.model_name):
        return True  # a user's module may give more outputs in training than it is known to
    return count_auxiliary_heads(config.model_name, **_without_weights(config)) > 0


def _has_batch_norm(config: Config) -> bool:
    with torch.device("meta"):
        network: nn.Module = models.create(config.model_name, num_classes=2, **_without_weights(config))
    return any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in network.modules())


def _without_weights(config: Config) -> dict[str, Any]:
    return {key: value for key, value in config.model_arguments.items() if key != "pretrained"}


def _takes_class_weights(config: Config) -> bool:
    def takes(name: str, given: Any) -> bool:
        written = isinstance(given, dict) and "class_weights" in given
        return not written and "class_weights" in inspect.signature(losses.losses.get(name)).parameters

    return any(takes(name, given) for name, given in [*config.loss.items(), *config.aux_loss.items()])


READERS = (
    *_readers_of("optim", optimizers.optimizers, optimizers.reads),
    *_readers_of("schedule", schedules.schedules, schedules.reads),
    Reader(
        ("augment.weather_strength",),
        lambda config: any(config.augment.weather.values()),
        "No weather has a probability, as augment.weather.any = 0.2 gives it.",
    ),
    *_readers_of_tasks("augment."),
    Reader(("aux_loss.", "train.aux_weight"), _has_auxiliary_heads, "The model has no auxiliary heads."),
    Reader(("train.class_weights",), _takes_class_weights, "Each loss has its own class_weights, or takes none."),
    Reader(("train.freeze_norm",), _has_batch_norm, "The model has no BatchNorm."),
    Reader(
        ("train.memory",),
        lambda config: config.train.micro_batch is None,
        "train.micro_batch already sets how many samples are computed at once.",
    ),
)
"""Readers of the options that only some read; all others are read by every run."""
