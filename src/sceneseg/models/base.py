"""Base class of every segmentation model: an ordinary module from an RGB image to logits."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sceneseg.arrays import ImageSize
from sceneseg.errors import ModelError
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.registry import name_of

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class SegmentationModel(nn.Module, ABC):
    """Base of all architectures: `coarse_logits` is theirs, `forward` follows from it.

    Normalization lives in here (`mean`, `std` are buffers), so that training, prediction and export can't
    disagree about it. Any height and width work: `prepare` pads at the bottom and right to a multiple of
    `size_divisor`, and `forward` crops again.

    Args:
        num_classes: Channels of the logits.
        in_channels: Channels of the image; mean and std are ImageNet's for 3, otherwise 0.5 and 0.25.
    """

    size_divisor: int = 32
    """Height and width are padded to a multiple of this (a class attribute, or set per instance)."""
    min_size: int = 1
    """The smallest height and width that the architecture can take."""
    align_corners: bool = False
    """How the coarse logits lie on the image, as in `torch.nn.functional.interpolate` (a class attribute, or set per
    instance where the published networks differ in it)."""

    extra_heads: tuple[str, ...] = ()
    """Kinds of the outputs that `coarse_logits` adds in training and that aren't class logits, for example "boundary";
    losses name the kinds that they take (`sceneseg.losses.heads`)."""
    frozen: tuple[str, ...] = ()
    """Parts that stay in evaluation mode while the others train (`sceneseg.models._transfer.freeze`)."""

    mean: Tensor
    std: Tensor

    def __init__(self, num_classes: int, in_channels: int = 3) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_channels = in_channels
        rgb = in_channels == 3
        mean, std = (IMAGENET_MEAN, IMAGENET_STD) if rgb else ([0.5] * in_channels, [0.25] * in_channels)
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1))

    def train(self, mode: bool = True) -> Self:
        """Switch between training and evaluation mode, but for frozen parts."""
        super().train(mode)
        for name in self.frozen:
            self.get_submodule(name).eval()
        return self

    @abstractmethod
    def coarse_logits(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return logits at the architecture's own stride, the main head's first.

        Auxiliary heads follow while the module is in training mode, after them one output for each of `extra_heads`; in
        evaluation mode they are not computed.

        Args:
            image: (B, in_channels, H, W) in [0, 1].

        Returns:
            Tensors (B, num_classes, h, w), those of `extra_heads` with channels of their own. They cover the image as
            `prepare` padded it, `padded_size(H, W)`.
        """

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, num_classes, H, W) for an image (B, in_channels, H, W) in [0, 1]."""
        height, width = image.shape[-2:]
        coarse = self.coarse_logits(image)[0]
        size = self.padded_size(height, width)
        if coarse.shape[-2:] != size:
            align = self.align_corners
            coarse = F.interpolate(coarse, size=size, mode="bilinear", align_corners=align)
        return coarse[..., :height, :width]

    def prepare(self, image: Tensor) -> Tensor:
        """Normalize an image and pad it to a size that the architecture can divide.

        Raises:
            ModelError: The image has another number of channels, or is smaller than the model can take.
        """
        height, width = image.shape[-2:]
        if image.shape[1] != self.in_channels:
            raise ModelError(f"{self.name} takes {self.in_channels} channels, the image has {image.shape[1]}.")
        if min(height, width) < self.min_size:
            raise ModelError(
                f"{self.name} needs at least {self.min_size} x {self.min_size} pixels, the image has "
                f"{height} x {width}. Give a larger target_size.",
                field="data.target_size",
            )
        image = (image - self.mean) / self.std
        bottom, right = self.padded_size(height, width)
        return F.pad(image, (0, right - width, 0, bottom - height)) if (bottom, right) != (height, width) else image

    def on_image(self, values: Tensor, seen: ImageSize, size: ImageSize | None = None) -> CoarseLogits:
        """Return coarse logits together with how they lie on an image.

        Args:
            values: (B, C, h, w), an output of `coarse_logits`.
            seen: (height, width) of the image that the network saw, before padding.
            size: The image's own (height, width), if it was resized before.
        """
        logits = CoarseLogits(values, self.padded_size(*seen), self.align_corners)
        return logits if size is None else logits.resized_to(seen, size)

    def padded_size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size of the image after `prepare`: the next multiples of `size_divisor`."""
        d = self.size_divisor
        return (height + d - 1) // d * d, (width + d - 1) // d * d

    @property
    def name(self) -> str:
        """The registry name."""
        return name_of(type(self))


def initialize(module: nn.Module, skip: Sequence[nn.Module] = ()) -> None:
    """Give convolutions and linear layers He's initialization (fan out), norms weight 1 and bias 0.

    The layers that give a model's logits start near zero (standard deviation 0.01), so that every class is as likely
    as any other at first and the first steps aren't spent on unlearning chance.

    Source: He et al., "Delving deep into rectifiers", ICCV 2015.

    Args:
        module: Everything in it is initialized.
        skip: Parts that are left as they are, for example a pre-trained encoder.
    """
    left_out = {id(m) for part in skip for m in part.modules()}
    num_classes = getattr(module, "num_classes", None)
    for m in module.modules():
        if id(m) in left_out:
            continue
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
            if m.bias is not None:
                nn.init.zeros_(m.bias)
                if num_classes in (getattr(m, "out_channels", None), getattr(m, "out_features", None)):
                    nn.init.normal_(m.weight, std=0.01)
        elif isinstance(m, nn.BatchNorm2d | nn.GroupNorm | nn.LayerNorm) and m.weight is not None:
            nn.init.ones_(m.weight)
            nn.init.zeros_(m.bias)
