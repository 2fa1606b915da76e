"""What can be said of a weights file without its data: it is whole, it fits its model, and it answers."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sceneseg import tasks
from sceneseg.errors import RunError
from sceneseg.inference.predictor import SemanticModel
from sceneseg.records import run_directory
from sceneseg.records.header import WeightsScore
from sceneseg.wording import counted

SIZE = (96, 160)
"""Height and width of the image that it is tried on."""


def verify(file: Path) -> dict[str, str]:
    """Read a weights file as a stranger would, build its model strictly, and let it predict one image.

    Returns:
        What was checked -> what was found, in lines for the user.

    Raises:
        RunError: The header is missing or incomplete, a tensor is missing, left over, of another shape or not finite,
            or the model's answer doesn't fit its classes.
    """
    header = run_directory.read_header(file)
    given = {"task": header.task, "model": header.model, "input": header.input}
    if header.model is None or not all(given.values()):
        missing = [key for key, value in given.items() if not value]
        raise RunError(f"{file}: its header doesn't say {', '.join(missing)}. It was cut or written by hand.")
    model = tasks.load(file, "cpu")
    tensors = model.network.state_dict()
    _require_finite(file, model.network)
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)
    if isinstance(model, SemanticModel):
        labels = model.predict(image).labels
        classes, space = model.label_space.names, f"of {model.label_space.name}"
        if labels.shape != SIZE or not np.isin(labels, [*range(len(classes)), 255]).all():
            raise RunError(f"{file}: the model's answer doesn't fit its {len(classes)} classes.")
    else:
        classes, space = model.classes, "of whole images"
        if not np.isclose(model.predict(image).probabilities.sum(), 1, atol=1e-3):
            raise RunError(f"{file}: the model's answer isn't a probability for each of its {len(classes)} classes.")
    parameters = sum(p.numel() for p in model.network.parameters())
    return {
        "model": f"{header.model.name}, {parameters:,} parameters, {len(tensors)} tensors, loaded strictly",
        "classes": f"{len(classes)} {space}: {', '.join(classes[:30])}{', ...' if len(classes) > 30 else ''}",
        "input": _words(header.input),
        "score": _score(header.score),
        "written by": f"sceneseg {header.sceneseg_version}",
    } | ({"source": header.source} if header.source else {})


def _require_finite(file: Path, network: nn.Module) -> None:
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise RunError(
                f"{file}: {name} holds values that aren't finite: the training had failed. Use other weights."
            )


def _score(score: WeightsScore | None) -> str:
    """Say the score with what makes it comparable."""
    if score is None or not score.means:
        return "none in the file"
    values = ", ".join(f"{name} {value:.2%}" for name, value in score.means.items() if value is not None)
    protocol = score.protocol
    facts = [fact for fact in (protocol.dataset, protocol.split) if fact]
    images = [counted(protocol.images, "image")] if protocol.images is not None else []
    rules = {key: getattr(protocol, key) for key in ("void", "input_size", "window", "tta")}
    rest = [f"{key} {_words(value)}" for key, value in rules.items() if value is not None]
    return f"{values} on {', '.join([' '.join(facts), *images, *rest])} (said by the file, not measured now)"


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(inner)}" for key, inner in value.items() if inner is not None)
    return " x ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
