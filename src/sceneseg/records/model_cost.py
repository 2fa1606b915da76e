"""The cost of a model: its parameters, operations and parts, the contents of model.json.

How the file is read: facts that a version doesn't have are None, and those of a later version are left out.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from sceneseg.arrays import ImageSize
from sceneseg.errors import RunError
from sceneseg.plain import UnfitError, as_known_record
from sceneseg.records.run_directory import read_json


@dataclass(frozen=True)
class PartCost:
    """A part of a network that runs, in the order of the forward pass.

    Args:
        name: Of the module.
        parameters: Their number.
        gmacs: Multiply-adds for one image, in billions.
        output: Shape of its first output without the batch, such as (channels, height, width).
        inputs: Names of the parts that feed it; "image" is the input.

    Example:
        >>> PartCost("stem", 864, 0.1, (32, 180, 240), ("image",)).inputs
        ('image',)
    """

    name: str
    parameters: int
    gmacs: float
    output: tuple[int, ...]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class ModelCost:
    """Cost of a model.

    Args:
        name: Registry name of the architecture.
        parameters: Those that the prediction depends on.
        parameters_training: Those with auxiliary heads.
        gmacs: Multiply-adds of convolutions and matrix products for one image, in billions.
        output_stride: Pixels of the image for one pixel of the coarse logits; None for a classifier.
        size: (height, width) of the image in pixels.
        parts: Those that run, in their order; empty for a classifier.

    Example:
        >>> ModelCost("fast_scnn", 1138051, 1157174, 6.72, size=(1024, 2048)).to_dict()["size"]
        [1024, 2048]
    """

    name: str | None = None
    parameters: int | None = None
    parameters_training: int | None = None
    gmacs: float | None = None
    output_stride: int | None = None
    size: ImageSize | None = None
    parts: tuple[PartCost, ...] = field(default=())

    def to_dict(self) -> dict[str, object]:
        """Return the contents of model.json."""
        plain = {key: value for key, value in asdict(self).items() if value not in (None, ())}
        plain |= {"size": list(self.size)} if self.size else {}
        if self.parts:
            plain["parts"] = [
                part | {"output": list(part["output"]), "inputs": list(part["inputs"])} for part in plain["parts"]
            ]
        return plain


def read_model_cost(path: Path) -> ModelCost:
    """Read model.json, as far as it is known.

    Raises:
        RunError: The file is missing, or holds something else.
    """
    data = read_json(path)
    try:
        cost: ModelCost = as_known_record(ModelCost, data)
    except UnfitError as error:
        raise RunError(f"{path}: expected the cost of a model; {error}.") from None
    return cost
