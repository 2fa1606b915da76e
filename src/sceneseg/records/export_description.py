"""The description of an exported file: what it says of itself, stored as JSON in the file's metadata.

How it is read: `format` must be that of the standalone runner; keys that this version doesn't have are stored in
`others`.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Self

from sceneseg.arrays import ImageSize
from sceneseg.labels import LabelSpace
from sceneseg.plain import BESIDE, as_record
from sceneseg.records.header import ModelSpec, as_label_space
from sceneseg.records.protocol import Protocol


@dataclass(frozen=True)
class ExportInput:
    """Preprocessing of an exported file's input.

    Args:
        layout: Of the file's input.
        image_size: (height, width) in pixels of the images that it takes; None takes any.
        target_size: (height, width) in pixels that the network sees; None leaves images as they are.
        resize: How images are brought to it.
        enlarge: "logits" or "labels": what is brought back to the size of the image.
        size_divisor: The network's input is padded to a multiple of this.
        mean: Of each channel, for images in [0, 1].
        std: Standard deviation of each channel.
    """

    layout: str
    image_size: ImageSize | None
    target_size: ImageSize | None
    resize: str
    enlarge: str
    size_divisor: int
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ExportOutput:
    """Output of an exported file.

    Args:
        kind: "labels", "label_ids", "probabilities" or "coarse".
        void: What stands for void in it.
        train_ids: Of the network's outputs, in their order; 255 is void.
        stride: Pixels of the network's input for one coarse logit.
        align_corners: How the coarse logits lie on it.
    """

    kind: str
    void: int
    train_ids: tuple[int, ...]
    stride: int
    align_corners: bool


@dataclass(frozen=True)
class TrainedModel:
    """The score of the weights, from which that of the file may differ by precision, target size and engine.

    Args:
        score: Key of the metric -> value in [0, 1].
        protocol: How it was measured.
    """

    score: dict[str, float | None] | None = None
    protocol: Protocol | None = None


@dataclass(frozen=True)
class GateScores:
    """Mean IoU in [0, 1] on the images that both predicted.

    Args:
        model: Of the model.
        exported: Of the exported file.
    """

    model: float
    exported: float


@dataclass(frozen=True)
class GateResult:
    """Loss of accuracy of the file against the model.

    Args:
        images: Compared images.
        pixels_equal: Part of the pixels with the same class, in [0, 1].
        mean_iou: Of both.
        tolerance: How much mean IoU may drop, in [0, 1].
        passed: Whether it dropped by no more.
        dataset: Of the images.
        split: Its part.
    """

    images: int
    pixels_equal: float
    mean_iou: GateScores
    tolerance: float
    passed: bool
    dataset: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class ExportDescription:
    """Description that an exported file carries.

    Args:
        format: Of the description.
        sceneseg_version: That wrote it.
        task: "semantic".
        model: The architecture.
        names: Of the classes, in the order of their train ids.
        colors: RGB of each class, 0..255.
        label_ids: The stored id that each class is written as.
        void_label_id: That of void.
        label_space: What the labels mean.
        input: How images become the network's input.
        output: What the file gives.
        precision: "fp32", "fp16" or "int8".
        trained_model: The score of the weights.
        gate: What the file loses; None where it wasn't compared.
        others: What this version doesn't know.
    """

    format: int
    sceneseg_version: str
    task: str
    model: ModelSpec
    names: list[str]
    colors: list[tuple[int, int, int]]
    label_ids: list[int]
    void_label_id: int
    label_space: LabelSpace
    input: ExportInput
    output: ExportOutput
    precision: str
    trained_model: TrainedModel = field(default_factory=TrainedModel)
    gate: GateResult | None = None
    others: dict[str, object] = field(default_factory=dict, metadata=BESIDE)

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """Read what `to_dict` returned.

        Raises:
            UnfitError: It is something else.
        """
        if isinstance(data, dict) and "label_space" in data:
            data = data | {"label_space": as_label_space(data["label_space"])}
        description: Self = as_record(cls, data)
        return description

    def to_dict(self) -> dict[str, object]:
        """Return plain data, in the order of the file."""
        plain = asdict(self) | {"model": self.model.to_dict()}
        protocol = self.trained_model.protocol
        plain["label_space"] = self.label_space.to_dict()
        plain["trained_model"] = {"score": self.trained_model.score, "protocol": protocol and protocol.to_dict()}
        plain |= plain.pop("others")
        if self.gate is None:
            del plain["gate"]
        return {key: _lists(value) for key, value in plain.items()}


def _lists(value: Any) -> Any:
    """Return plain data with lists in place of tuples, as JSON has it."""
    if isinstance(value, dict):
        return {key: _lists(inner) for key, inner in value.items()}
    return [_lists(inner) for inner in value] if isinstance(value, list | tuple) else value
