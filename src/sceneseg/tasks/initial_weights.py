"""Where a network starts from: other weights, a classifier's encoder; and which parts stay as they are."""

from pathlib import Path

from sceneseg.config.schema import Config
from sceneseg.labels import LabelSpace
from sceneseg.models._transfer import freeze, start_encoder_from, start_from
from sceneseg.models.base import SegmentationModel
from sceneseg.records import runs


def prepare(network: SegmentationModel, config: Config, label_space: LabelSpace) -> list[str]:
    """Start a network from the configured weights and freeze the configured parts.

    Returns:
        What was kept, what is new and what is frozen, in lines for the user.

    Raises:
        RunError: There are no such weights.
        ModelError: They don't fit, or there is no such part.
    """
    told = []
    if config.train.encoder_weights:
        file = runs.find_weights(Path(config.train.encoder_weights))
        runs.read_header(file)
        transfer = start_encoder_from(network, runs.load_weights(file), config.model_arguments)
        told.append(f"encoder from {file}: {len(transfer.kept)} tensors kept, {len(transfer.new)} new")
    if config.train.weights:
        file = runs.find_weights(Path(config.train.weights))
        theirs = LabelSpace.from_dict(runs.read_header(file)["label_space"]).names
        state = runs.load_weights(file)
        told.append(
            start_from(network, config.model_arguments, state, label_space.names, theirs).describe(label_space.names)
        )
    if config.train.freeze:
        freeze(network, config.train.freeze)
        told.append(f"frozen, weights and BatchNorm statistics: {', '.join(config.train.freeze)}")
    return told
