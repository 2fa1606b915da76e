"""Weights that other people published, as weights files of this project."""

from pathlib import Path

from sceneseg import datasets, models
from sceneseg.errors import RunError, did_you_mean
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.models._foreign import convert
from sceneseg.records.binary import DamagedError, read_torch

KNOWN = ("espnet", "espnet_v2")


def import_weights(kind: str, file: Path, out: Path) -> SemanticModel:
    """Turn a published file into a weights file that `sceneseg predict` and `evaluate` take.

    Args:
        kind: Origin of the file, one of `KNOWN`.
        file: The authors' ``.pth``; it is read without unpickling code.
        out: The ``.safetensors`` file to write.

    Raises:
        RunError: An unknown kind, a file that isn't what it should be, or one that would need to run code.
    """
    if kind not in KNOWN:
        raise RunError(
            f'Weights of "{kind}" can\'t be imported.{did_you_mean(kind, KNOWN)} Known: {", ".join(KNOWN)}.',
            field="origin",
        )
    try:
        state = read_torch(file)
    except FileNotFoundError:
        raise RunError(f"{file}: there is no such file.") from None
    except DamagedError:
        raise RunError(
            f"{file}: expected a state dict of tensors, as torch.save writes it; this is another format, damaged, or "
            f"would need to run code."
        ) from None
    try:
        foreign = convert(state)
    except RunError as error:
        raise RunError(f"{file}: {error}") from None
    if foreign.model != kind:
        raise RunError(
            f"{file}: expected weights of {kind}, found those of {foreign.model}. Import them as {foreign.model}.",
            field="origin",
        )
    network = models.create(foreign.model, **foreign.arguments)
    try:
        network.load_state_dict(foreign.state)
    except RuntimeError as error:  # which lists every tensor
        first = str(error).split("\n\t")[1].strip()
        raise RunError(f"{file}: its tensors aren't those of {kind} ({first}). Fetch the file again.") from None
    arguments = {k: v for k, v in foreign.arguments.items() if k != "num_classes"}
    facts = Preprocessing(foreign.training.size, "32-true", foreign.training.resize, "labels")
    model = SemanticModel(
        network,
        datasets.datasets.get(foreign.training.label_space).label_space,  # type: ignore[attr-defined]
        {"name": foreign.model, **arguments},
        facts,
        foreign.training.void_output,
    )
    model.save(out, network.state_dict(), source=foreign.source)
    return model
