"""The header of a weights file: what the weights say of themselves, stored as JSON in safetensors' metadata.

How it is read: `format` must not be higher than `FORMAT`; keys that a version doesn't have are None, and those that
this version doesn't have are stored in `others`.
"""

from dataclasses import dataclass, field
from typing import Any, Self

from sceneseg.errors import ScenesegError
from sceneseg.labels import LabelSpace
from sceneseg.plain import BESIDE, UnfitError, as_record, parse_json
from sceneseg.records.protocol import Protocol

FORMAT = 1


@dataclass(frozen=True)
class ModelSpec:
    """The architecture that weights belong to.

    Args:
        name: On the registry.
        arguments: Those that it was created with, without the number of classes.

    Example:
        >>> str(ModelSpec("unet", {"width": 32}))
        'unet width 32'
    """

    name: str
    arguments: dict[str, Any] = field(default_factory=dict, metadata=BESIDE)

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the arguments, as a configuration has them."""
        return {"name": self.name, **self.arguments}

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{key} {value}" for key, value in self.arguments.items())])


@dataclass(frozen=True)
class WeightsScore:
    """The score that weights were chosen by.

    Args:
        means: Key of the metric -> value in [0, 1].
        protocol: How it was measured.

    Example:
        >>> WeightsScore({"mean_iou": 0.5}, Protocol(dataset="camvid")).protocol.dataset
        'camvid'
    """

    means: dict[str, float | None] = field(default_factory=dict, metadata=BESIDE)
    protocol: Protocol = field(default_factory=Protocol)


@dataclass(frozen=True)
class WeightsHeader:
    """Header of a weights file; None stands for what it doesn't contain.

    Args:
        sceneseg_version: That wrote it.
        format: Of the header.
        task: "semantic" or "classification".
        model: The architecture.
        label_space: What the outputs of a segmentation model mean.
        void_output: An output that stands for none of the classes.
        classes: What the outputs of a classifier mean.
        input: What the network must be given; the fields of the task's `Preprocessing`.
        score: The validation score of these weights.
        epoch: Of the training, from 1.
        source: Where weights that were imported come from.
        others: What this version doesn't know.

    Example:
        >>> header = WeightsHeader("0.1.0", 1, task="semantic", model=ModelSpec("unet", {"width": 32}))
        >>> header.to_dict()["model"]
        {'name': 'unet', 'width': 32}
    """

    sceneseg_version: str
    format: int
    task: str | None = None
    model: ModelSpec | None = None
    label_space: LabelSpace | None = None
    void_output: int | None = None
    classes: list[str] | None = None
    input: dict[str, object] = field(default_factory=dict)
    score: WeightsScore | None = None
    epoch: int | None = None
    source: str | None = None
    others: dict[str, object] = field(default_factory=dict, metadata=BESIDE)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read the contents of a header.

        Raises:
            UnfitError: A value is of another type than this program writes.
        """
        if not isinstance(data, dict):
            raise UnfitError(f"expected named values, found a {type(data).__name__}")
        if isinstance(data.get("label_space"), dict):
            data = data | {"label_space": as_label_space(data["label_space"])}
        empty = [key for key in ("input", "score") if key in data and data[key] is None]
        header: Self = as_record(cls, {key: value for key, value in data.items() if key not in empty})
        outputs = len(header.classes or () if header.label_space is None else header.label_space)
        if header.void_output is not None and not 0 <= header.void_output <= outputs:
            raise UnfitError(f"void_output must be one of {outputs + 1} outputs, found {header.void_output}")
        return header

    def to_dict(self) -> dict[str, object]:
        """Return the contents of the header."""
        plain: dict[str, object] = {"format": self.format, "sceneseg_version": self.sceneseg_version, "task": self.task}
        plain["model"] = self.model and self.model.to_dict()
        if self.label_space is not None:
            plain |= {"label_space": self.label_space.to_dict(), "void_output": self.void_output}
        plain |= {"classes": self.classes, "input": self.input or None}
        if self.score is not None:
            plain["score"] = self.score.means | {"protocol": self.score.protocol.to_dict()}
        plain |= {"epoch": self.epoch, "source": self.source}
        return {key: value for key, value in plain.items() if value is not None or key == "void_output"} | self.others


def parse_header(text: str) -> WeightsHeader:
    """Read the JSON of a header.

    Raises:
        UnfitError: It isn't JSON, or a value is of another type than this program writes.
    """
    try:
        data = parse_json(text)
    except ValueError as error:
        raise UnfitError(f"it isn't JSON ({error})") from None
    return WeightsHeader.from_dict(data)


def as_label_space(data: object) -> LabelSpace:
    """Return a label space whose classes and colors are checked.

    Raises:
        UnfitError: It is something else.
    """
    try:
        return LabelSpace.from_dict(data)
    except ScenesegError as error:
        raise UnfitError(f"label_space: {error}") from None
