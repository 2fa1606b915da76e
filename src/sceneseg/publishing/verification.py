"""Verification of a weights file without its data: it is whole, fits its model, and predicts."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sceneseg import tasks
from sceneseg.errors import RunError
from sceneseg.records import run_directory
from sceneseg.records.protocol import Protocol

SIZE = (96, 160)
"""Height and width of the image that it is tried on."""


@dataclass(frozen=True)
class WeightsSummary:
    """Summary of a weights file's header and of its network.

    Args:
        model: Registry name of the architecture.
        parameters: Numbers in its parameters.
        tensors: Tensors of its state, each of which the file has.
        label_space: Name of the label space; None for a classifier.
        classes: Names of the classes.
        input: How images are made ready for the network, as the header has it.
        score: Name of a score -> value, 0..1, as the header has it.
        protocol: How the score came about.
        version: Version of sceneseg that wrote the file.
        source: Where imported weights come from; None for others.

    Example:
        >>> import sceneseg
        >>> sceneseg.verify_weights("runs/small").summary.label_space
        'cityscapes'
    """

    model: str
    parameters: int
    tensors: int
    label_space: str | None
    classes: tuple[str, ...]
    input: Mapping[str, object]
    score: Mapping[str, float | None]
    protocol: Protocol
    version: str
    source: str | None = None


def verify(file: Path) -> WeightsSummary:
    """Read a weights file as a stranger would, build its model strictly, and let it predict one image.

    Raises:
        RunError: The header is missing or incomplete, a tensor is missing, left over, of another shape or not finite,
            or the model's prediction doesn't fit its classes.
    """
    header = run_directory.read_header(file)
    given = {"task": header.task, "model": header.model, "input": header.input}
    if header.model is None or not all(given.values()):
        missing = [key for key, value in given.items() if not value]
        raise RunError(f"{file}: its header doesn't say {', '.join(missing)}. It was cut or written by hand.")
    model = tasks.load(file, "cpu")
    _require_finite(file, model.network)
    problem = model.problem_with(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8))
    if problem is not None:
        raise RunError(f"{file}: {problem}.")
    return WeightsSummary(
        header.model.name,
        sum(p.numel() for p in model.network.parameters()),
        len(model.network.state_dict()),
        header.label_space.name if header.label_space else None,
        tuple(model.class_names),
        header.input,
        header.score.means if header.score else {},
        header.score.protocol if header.score else Protocol(),
        header.sceneseg_version,
        header.source,
    )


def _require_finite(file: Path, network: nn.Module) -> None:
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise RunError(
                f"{file}: {name} holds values that aren't finite: the training had failed. Use other weights."
            )
