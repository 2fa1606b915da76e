"""Where a network starts from: other weights, a classifier's encoder; and which parts stay as they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sceneseg.config.schema import Config
from sceneseg.errors import ModelError
from sceneseg.labels import LabelSpace
from sceneseg.models._transfer import Transfer, freeze, start_encoder_from, start_from
from sceneseg.models.base import SegmentationModel
from sceneseg.records import run_directory


def prepare(network: SegmentationModel, config: Config, label_space: LabelSpace) -> list[str]:
    """Start a network from the configured weights and freeze the configured parts.

    Returns:
        What was kept, what is new and what is frozen, in lines for the user.

    Raises:
        RunError: There are no such weights.
        ModelError: They are of another architecture or don't fit, or a part that isn't there or didn't come from them
            is to be frozen.
    """
    told, transfers = [], []
    if config.train.encoder_weights:
        file = run_directory.find_weights(Path(config.train.encoder_weights))
        made = run_directory.read_header(file).get("model", {})
        try:
            transfer = start_encoder_from(network, run_directory.load_weights(file), config.model_arguments)
        except ModelError as error:
            raise ModelError(f"{file} ({_model(made)}): {error}", field="train.encoder_weights") from None
        transfers.append(transfer)
        told.append(f"encoder from {file}: {transfer.counts()}")
    if config.train.weights:
        transfer = _start(network, config, label_space, run_directory.find_weights(Path(config.train.weights)))
        transfers.append(transfer)
        told.append(transfer.describe(label_space.names))
    if config.train.freeze:
        freeze(network, config.train.freeze)
        if transfers and not config.model.get("pretrained"):
            _check_frozen(network, config, set().union(*(t.known(label_space.names) for t in transfers)))
        told.append(f"frozen, weights and BatchNorm statistics: {', '.join(config.train.freeze)}")
    return told


def _start(network: SegmentationModel, config: Config, label_space: LabelSpace, file: Path) -> Transfer:
    header = run_directory.read_header(file)
    made = header.get("model", {})
    if made.get("name") != network.name:
        raise ModelError(
            f"{file}: these are weights of {made.get('name', 'an unnamed model')}, and {network.name} is trained. "
            f"Give weights of {network.name}, or train {made.get('name', 'that model')}. If its encoder alone is to "
            f"start from them, give them as train.encoder_weights.",
            field="train.weights",
        )
    theirs = LabelSpace.from_dict(header.get("label_space"), file).names
    try:
        return start_from(network, config.model_arguments, run_directory.load_weights(file), label_space.names, theirs)
    except ModelError as error:
        raise ModelError(f"{file} ({_model(made)}): {error}", field="train.weights") from None


def _check_frozen(network: SegmentationModel, config: Config, known: set[str]) -> None:
    """Refuse to freeze what no weights were found for: it would stay as chance made it."""
    for part in config.train.freeze:
        names = [f"{part}.{name}" for name, _ in network.get_submodule(part).named_parameters()]
        if new := [name for name in names if name not in known]:
            raise ModelError(
                f"train.freeze {part}: {len(new)} of its {len(names)} parameters didn't come from the weights, first "
                f"{new[0]}; frozen they would never be learned. Freeze a part that did, or leave {part} out.",
                field="train.freeze",
            )


def _model(made: Mapping[str, Any]) -> str:
    """Write the model that a file's header names, with its arguments."""
    return " ".join([str(made.get("name", "an unnamed model")), *(f"{k} {v}" for k, v in made.items() if k != "name")])
