"""Initial weights of a network: another model's, or a classifier's encoder; and which parts stay frozen."""

from pathlib import Path

from sceneseg.config.schema import Config
from sceneseg.errors import ModelError
from sceneseg.labels import LabelSpace
from sceneseg.models._transfer import Transfer, freeze, start_encoder_from, start_from
from sceneseg.models.base import SegmentationModel
from sceneseg.records import run_directory
from sceneseg.user_files import located

UNNAMED = "an unnamed model"


def prepare(network: SegmentationModel, config: Config, label_space: LabelSpace) -> list[str]:
    """Start a network from the configured weights and freeze the configured parts.

    Returns:
        What was taken over, what is new and what is frozen, in lines for the user.

    Raises:
        RunError: There are no such weights.
        ModelError: They are of another architecture or don't fit, or a part that isn't there or didn't come from them
            is to be frozen.
    """
    told, transfers = [], []
    if config.train.encoder_weights:
        file = run_directory.find_weights(Path(config.train.encoder_weights))
        made = run_directory.read_header(file).model
        try:
            transfer = start_encoder_from(network, run_directory.load_weights(file), config.model_arguments)
        except ModelError as error:
            raise ModelError(f"{file} ({made or UNNAMED}): {error}", field="train.encoder_weights") from None
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
    made = header.model
    if made is None or located(made.name) != network.name:
        name = made.name if made else UNNAMED
        raise ModelError(
            f"{file}: these are weights of {name}, and {network.name} is trained. Give weights of it, or train "
            f"{made.name if made else 'that model'}. If its encoder alone is to start from them, give them as "
            f"train.encoder_weights.",
            field="train.weights",
        )
    if header.label_space is None:
        raise ModelError(
            f"{file}: expected a label space in its header, found none. Give weights of a segmentation.",
            field="train.weights",
        )
    theirs = header.label_space.names
    try:
        return start_from(network, config.model_arguments, run_directory.load_weights(file), label_space.names, theirs)
    except ModelError as error:
        raise ModelError(f"{file} ({made or UNNAMED}): {error}", field="train.weights") from None


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
