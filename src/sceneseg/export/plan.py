"""Export settings, resolved from the model and the user's options."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from sceneseg.arrays import ImageSize
from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.inference.predictor import SemanticModel
from sceneseg.labels import IGNORE_INDEX

Output = Literal["labels", "label_ids", "probabilities", "coarse"]
Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class Plan:
    """Steps from images to the network's input, and from its logits to the output.

    Args:
        output: "labels" (train ids), "label_ids" (those the data set stores), "probabilities" or "coarse" (logits).
        precision: Of the network; images and labels are uint8 in any case.
        image_size: (H, W) of the images; None takes any.
        target_size: (h, w) the network sees; None leaves images as they are.
        resize: How images are brought to it, see `sceneseg.inference.resizing`.
        enlarge: "logits" or "labels", see `sceneseg.inference.predictor.Preprocessing`.
        size_divisor: The network's input is padded to a multiple of this.
        stride: Pixels of its input per coarse logit.
        align_corners: How the coarse logits lie on it.
        mean: Of each channel, for images in [0, 1].
        std: Likewise.
        values: What is written for each output of the network.
        engine: What will run the file; they differ in what they are fast at, and in what they take.
    """

    output: Output
    precision: Precision
    image_size: ImageSize | None
    target_size: ImageSize | None
    resize: str
    enlarge: str
    size_divisor: int
    stride: int
    align_corners: bool
    mean: tuple[float, ...]
    std: tuple[float, ...]
    values: tuple[int, ...]
    engine: str = "onnxruntime"

    @property
    def network_size(self) -> ImageSize | None:
        """(h, w) of the images when the network sees them, before padding; None when it isn't known."""
        return self.target_size or self.image_size

    @property
    def padded_size(self) -> ImageSize | None:
        """The same after padding."""
        if self.network_size is None:
            return None
        height, width = (-(-side // self.size_divisor) * self.size_divisor for side in self.network_size)
        return height, width

    @property
    def resizes(self) -> bool:
        """Whether images are resized."""
        return self.target_size is not None and self.target_size != self.image_size


def make_plan(
    model: SemanticModel,
    output: str = "labels",
    precision: str = "fp32",
    image_size: ImageSize | None = None,
    engine: str = "onnxruntime",
) -> Plan:
    """Read from a model how it predicts.

    Args:
        model: What is exported.
        output: Of the file, one of `Output`.
        precision: Of the network, one of `Precision`.
        image_size: (H, W) of the images; None takes any.
        engine: What will run the file; formats name theirs.

    Raises:
        ConfigError: A network of other than 3 channels, label ids that don't fit into a byte, or an unknown word.
    """
    for word, kind in ((output, Output), (precision, Precision)):
        if word not in get_args(kind):
            known = ", ".join(get_args(kind))
            raise ConfigError(f'There is no "{word}" to export.{did_you_mean(word, get_args(kind))} Known: {known}.')
    network, space = model.network, model.label_space
    if network.in_channels != 3:
        raise ConfigError(f"Exported files take RGB images, {network.name} was made for {network.in_channels} bands.")
    ids = [c.label_ids[0] for c in space.classes]
    void = space.void_label_id
    if output == "label_ids" and not all(0 <= i <= 255 for i in (*ids, void)):
        raise ConfigError(f'Label ids of "{space.name}" go beyond 255. Export labels instead.', field="output")
    values = ids if output == "label_ids" else list(range(len(space)))
    if model.void_output is not None:
        values.insert(model.void_output, void if output == "label_ids" else IGNORE_INDEX)
    return Plan(
        output=output,  # type: ignore[arg-type]
        precision=precision,  # type: ignore[arg-type]
        image_size=image_size,
        target_size=model.input.target_size,
        resize=model.input.resize,
        enlarge=model.input.enlarge,
        size_divisor=network.size_divisor,
        stride=_stride(model),
        align_corners=network.align_corners,
        mean=tuple(network.mean.flatten().tolist()),
        std=tuple(network.std.flatten().tolist()),
        values=tuple(values),
        engine=engine,
    )


@torch.no_grad()
def _stride(model: SemanticModel) -> int:
    network: Any = model.network
    side = -(-128 // network.size_divisor) * network.size_divisor
    pixels = torch.zeros(1, 3, side, side, device=model.device)
    return side // int(network.eval().coarse_logits(pixels)[0].shape[-1])
