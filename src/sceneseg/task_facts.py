"""Facts of tasks that configurations and reports need, without PyTorch and without the data of a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sceneseg import user_files

Section = Literal["colors", "confusion", "samples", "previews"]
"""Part of a report beside scores and curves; each shows one file or folder of the run directory."""


@dataclass(frozen=True)
class TaskFacts:
    """Facts of a task: its names, the options it has, and the sections of its report.

    Args:
        name: Of the task on its shelf, in weights files and in the `tasks` of metrics.
        title: For people, such as "Semantic segmentation".
        counted: What its scores count, "pixels" or "images".
        sections: Parts of its reports beside scores and curves.
        is_compared: Whether `sceneseg compare` ranks its runs.
        defaults: Nested values of the configuration where nothing else is asked for.
        reads: Dotted keys of the configuration that this task reads and some other doesn't; one that ends in a dot
            stands for all that begin with it.
        subject: What a class is given to, within a sentence, where it isn't each pixel: "whole images".
        any_size: Whether an image is predicted as a whole, whatever its size.
        usage: Python that uses a loaded `model`, for model cards.
        hub_task: Hugging Face's name of the task.
        hub_tags: Further tags there.

    Example:
        >>> facts_of("classification").counted
        'images'
    """

    name: str
    title: str = ""
    counted: str = "images"
    sections: tuple[Section, ...] = ()
    is_compared: bool = False
    defaults: Mapping[str, Any] = field(default_factory=lambda: {"model": {"name": "fast_scnn"}})
    reads: tuple[str, ...] = ()
    subject: str = ""
    any_size: bool = False
    usage: str = 'print(model.predict("photo.jpg"))'
    hub_task: str = "other"
    hub_tags: tuple[str, ...] = ()


SEMANTIC = TaskFacts(
    "semantic",
    title="Semantic segmentation",
    counted="pixels",
    sections=("colors", "confusion", "samples", "previews"),
    is_compared=True,
    reads=("augment.scale", "aux_loss.", "train.aux_weight"),
    any_size=True,
    usage='model.predict("photo.jpg").save("results")  # label ids, palette PNG, overlay',
    hub_task="image-segmentation",
    hub_tags=("street-scenes",),
)
CLASSIFICATION = TaskFacts(
    "classification",
    title="Image classification",
    defaults={"model": {"name": "classifier"}, "data": {"name": "image_folder"}},
    reads=("augment.area",),
    subject="whole images",
    usage='print(model.predict("photo.jpg").top(5))',
    hub_task="image-classification",
)

_known: dict[str, TaskFacts] = {facts.name: facts for facts in (SEMANTIC, CLASSIFICATION)}


def facts_of(task: str) -> TaskFacts:
    """Return the facts of a task.

    Args:
        task: Registry name, or ``FILE.py:NAME``. A task of a file that wasn't allowed to run is taken for a kind of
            segmentation, any other that isn't known for one without facts.
    """
    return known_facts(task) or (SEMANTIC if user_files.is_file_name(task) else TaskFacts(task))


def known_facts(task: str) -> TaskFacts | None:
    """Return the facts of a task; None where it is defined in a file that wasn't allowed to run, or nowhere."""
    if task not in _known:
        user_files.run_allowed()
        task = user_files.located(task)
    return _known.get(task)


def builtin_facts() -> tuple[TaskFacts, ...]:
    """Return the facts of the tasks of this package."""
    return SEMANTIC, CLASSIFICATION


def remember(task: type, facts: TaskFacts) -> None:
    """Make the facts of a task known under its names; one from outside overrides none of this package.

    Args:
        task: The class, registered or named ``FILE.py:NAME``.
        facts: Of the class.
    """
    known = (facts.name, user_files.snake_case(task.__name__), f"{user_files.source_of(task)}:{task.__qualname__}")
    builtin = {one.name for one in builtin_facts()}
    _known.update({name: facts for name in known if name not in builtin})
