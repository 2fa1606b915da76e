"""Weights that other people published, as weights files of this project."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sceneseg import datasets, models
from sceneseg.checkpoints.conversion import Conversion, convert
from sceneseg.checkpoints.label_spaces import named_space
from sceneseg.errors import RunError
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.labels import LabelSpace


@dataclass(frozen=True)
class ImportedModel:
    """A model that was made of a checkpoint.

    Args:
        model: Ready to predict.
        conversion: What was recognized.
        path: The weights file that was written.
    """

    model: SemanticModel
    conversion: Conversion
    path: Path


def import_checkpoint(file: Path, out: Path, origin: str | None = None) -> ImportedModel:
    """Turn a published checkpoint into a weights file of this project.

    Args:
        file: The authors' file, or the folder that holds it; no code in it is executed.
        out: The ``.safetensors`` file to write.
        origin: Registry name of the origin, if it is to be the only one tried.

    Raises:
        RunError: The file is of no known origin, isn't what it should be, or would need to run code.
        UnknownNameError: There is no such origin.
    """
    found = convert(file, shapes_of, origin)
    network = models.create(found.origin.model, **found.arguments)
    network.load_state_dict(found.state)
    arguments = {key: value for key, value in found.arguments.items() if key != "num_classes"}
    facts = found.convention
    model = SemanticModel(
        network.eval(),
        label_space_of(found),
        {"name": found.origin.model, **arguments},
        Preprocessing(facts.size, "32-true", facts.resize, facts.enlarge),
        facts.void_output,
    )
    model.save(out, network.state_dict(), source=f"{found.origin.url.removeprefix('https://')}, {found.origin.license}")
    return ImportedModel(model, found, out)


def shapes_of(name: str, arguments: dict[str, Any]) -> dict[str, torch.Size]:
    """Return name and shape of each tensor of one of our networks.

    Args:
        name: Registry name.
        arguments: For its constructor.
    """
    with torch.device("meta"):
        network = models.create(name, **arguments)
    return {key: value.shape for key, value in network.state_dict().items()}


def label_space_of(found: Conversion) -> LabelSpace:
    """Return what the outputs mean.

    Raises:
        RunError: There are more or fewer outputs than classes.
    """
    known = found.convention.label_space
    space = known
    if isinstance(space, str):
        dataset = datasets.datasets.get(space) if space in datasets.datasets.names() else None
        space = named_space(space) if dataset is None else dataset.label_space  # type: ignore[attr-defined]
    outputs, void = found.arguments["num_classes"], found.convention.void_output is not None
    if outputs != len(space) + void:
        raise RunError(
            f"{found.checkpoint.file}: expected {len(space)} outputs, one for each class of {space.name}, found "
            f"{outputs - void}."
        )
    return space
