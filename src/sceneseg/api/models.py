"""`list_models` and `summarize`: what architectures cost, counted anew on each call."""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sceneseg.arrays import ImageSize
from sceneseg.models.cost import model_cost, model_memory, segmentation_models, source
from sceneseg.records.model_cost import ModelCost
from sceneseg.records.run_directory import write_text
from sceneseg.report.svg.diagram import draw_model

CLASSES, SIZE = 19, (1024, 2048)
"""What `list_models` counts with: those of Cityscapes."""


@dataclass(frozen=True)
class ListedModel:
    """An architecture in its default form.

    Args:
        name: Registry name.
        parameters: Those that the prediction depends on.
        parameters_training: With auxiliary heads.
        gmacs: Multiply-adds of convolutions and matrix products for an image of 1024 x 2048 and 19 classes, in 1e9.
        output_stride: Pixels of the image for each logit, along a side.
        source: The paper: authors, title, venue and year.

    Example:
        >>> import sceneseg
        >>> sceneseg.list_models("fast_scnn")[0].output_stride
        8
    """

    name: str
    parameters: int
    parameters_training: int
    gmacs: float
    output_stride: int
    source: str


@dataclass(frozen=True)
class ModelSummary:
    """The cost of a network and the memory that its activations take.

    Args:
        cost: Parameters and operations.
        batch: Images at once that the memory is for.
        forward: Peak memory of the activations of a prediction, in bytes (float32).
        backward: Of a training step, in bytes.

    Example:
        >>> import sceneseg
        >>> summary = sceneseg.summarize("fast_scnn", size=(64, 128))
        >>> summary.backward > summary.forward
        True
    """

    cost: ModelCost
    batch: int
    forward: int
    backward: int


def list_models(pattern: str = "*") -> tuple[ListedModel, ...]:
    """List segmentation architectures with parameters and operations (19 classes, 1024 x 2048).

    Args:
        pattern: Names to list, with ``*`` and ``?`` as in a shell; counting takes half a second for each.

    Example:
        >>> import sceneseg
        >>> [(model.name, model.gmacs) for model in sceneseg.list_models("fast_s*")]
        [('fast_scnn', 6.71)]
    """
    listed = []
    for name in fnmatch.filter(segmentation_models(), pattern):
        cost = model_cost(name, CLASSES, SIZE)
        listed.append(
            ListedModel(
                name,
                cost.parameters or 0,
                cost.parameters_training or 0,
                round(cost.gmacs or 0.0, 2),
                cost.output_stride or 1,
                source(name),
            )
        )
    return tuple(listed)


def summarize(
    model: str | Mapping[str, Any] = "fast_scnn",
    *,
    size: ImageSize = SIZE,
    classes: int = CLASSES,
    batch: int = 1,
    diagram: str | Path | None = None,
) -> ModelSummary:
    """Count parameters, operations and memory of a model, part by part, without computing anything.

    Args:
        model: A name, or a mapping of name and arguments.
        size: (height, width) of the image in pixels.
        classes: Number of classes.
        batch: Images at once, for the memory.
        diagram: Also draw the parts and what feeds them to this SVG file.

    Raises:
        UnknownNameError: There is no such model.
        ConfigError: An argument doesn't fit.
        ModelError: The image is too small for a training step.

    Example:
        >>> import sceneseg
        >>> sceneseg.summarize({"name": "fast_scnn", "width": 0.5}, size=(512, 1024)).cost.parameters
        303179
    """
    arguments = {"name": model} if isinstance(model, str) else dict(model)
    name = arguments.pop("name")
    cost = model_cost(name, classes, size, **arguments)
    memory = model_memory(name, classes, size, batch, **arguments)
    if diagram is not None:
        write_text(Path(diagram), draw_model(cost))
    return ModelSummary(cost, batch, memory.forward, memory.backward)
