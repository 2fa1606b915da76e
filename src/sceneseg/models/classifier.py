"""Image classification with any network of timm, or with any architecture that segments here.

ResNet-50, the default: 23,546,963 parameters for 19 classes, 4.1 GMACs at 224x224.

Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; Wightman, "PyTorch Image Models",
https://github.com/huggingface/pytorch-image-models.
"""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from sceneseg.errors import ModelError, UnknownNameError
from sceneseg.models import models, register
from sceneseg.models._encoder import check_name
from sceneseg.models._hrnet import ClassificationHead, HRNetBackbone, load_imagenet_weights
from sceneseg.models._timm import create_timm
from sceneseg.models.base import IMAGENET_MEAN, IMAGENET_STD, SegmentationModel, initialize
from sceneseg.ranges import Channels, Dropout


@register
class Classifier(nn.Module):
    """Image classifier; like every model it normalizes inside and returns logits.

    Args:
        num_classes: How many logits.
        in_channels: Channels of the image; mean and std are the weights' (ImageNet's) for 3, otherwise 0.5 and 0.25.
        encoder: Any timm network; "hrnet", the backbone of the models hrnet and ocrnet with its own head; or another
            architecture of this shelf ("ddrnet", "segformer"), whose class maps are averaged over the image.
        pretrained: Start it from timm's weights; only the last layer is new (hrnet: the head).
        dropout: Of timm's networks: probability of dropping a value before the last layer.
        variant: Of those architectures that have some: hrnet's "w18" or "w48", segformer's "b0", ...

    Raises:
        UnknownNameError: timm has no such network.
        ModelError: Its pre-trained weights can't be had, or it has no variants or no dropout.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        num_classes: int,
        in_channels: Channels = 3,
        encoder: str = "resnet50",
        pretrained: bool = False,
        dropout: Dropout = 0.0,
        variant: str | None = None,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.in_channels = in_channels
        own = shelf_name(encoder)
        check_arguments(own, dropout, variant, pretrained)
        self.network: nn.Module
        if own == "hrnet":
            self.network = HRNet(num_classes, in_channels, variant or "w48", pretrained)
        elif own:
            self.network = ClassMaps(own, num_classes, in_channels, variant)
        else:
            check_name(encoder, pretrained)
            self.network = create_timm(
                encoder, pretrained, num_classes=num_classes, in_chans=in_channels, drop_rate=dropout
            )
        facts: Any = {} if own else self.network.pretrained_cfg
        self.image_size: tuple[int, int] | None = facts["input_size"][1:] if facts.get("fixed_input_size") else None
        """The only (height, width) that the network takes, where it is bound to one."""
        mean = facts["mean"] if facts and pretrained else IMAGENET_MEAN
        std = facts["std"] if facts and pretrained else IMAGENET_STD
        rgb = in_channels == 3
        self.register_buffer("mean", torch.tensor(mean if rgb else [0.5] * in_channels).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(std if rgb else [0.25] * in_channels).view(1, -1, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits (B, num_classes) for images (B, in_channels, H, W) in [0, 1].

        Raises:
            ModelError: The images have another number of channels, or a size that the network can't take.
        """
        if image.shape[1] != self.in_channels:
            raise ModelError(f"The classifier takes {self.in_channels} channels, the image has {image.shape[1]}.")
        height, width = image.shape[-2:]
        if self.image_size and (height, width) != self.image_size:
            raise ModelError(
                f"This classifier takes images of {self.image_size[0]} x {self.image_size[1]} pixels, found "
                f"{height} x {width}. Give their size as target_size.",
                field="data.target_size",
            )
        return self.network((image - self.mean) / self.std)


class HRNet(nn.Module):
    """The high-resolution network under its classification head; its backbone fits the model hrnet of that variant."""

    def __init__(self, num_classes: int, in_channels: int, variant: str, pretrained: bool) -> None:
        super().__init__()
        self.backbone = HRNetBackbone(in_channels, variant)
        self.head = ClassificationHead(self.backbone.channels, num_classes)
        initialize(self)
        if pretrained:
            load_imagenet_weights(self.backbone, variant, in_channels)

    def forward(self, image: Tensor) -> Tensor:
        """Map normalized images (B, C, H, W) to logits (B, num_classes)."""
        return self.head(self.backbone(image))


class ClassMaps(nn.Module):
    """A segmentation architecture as a classifier: the logits of its main head, averaged over the image.

    So every part of it learns from images with one class, and can start the same architecture in segmentation.

    Source: the averaging is that of Lin et al., "Network In Network", ICLR 2014, section 3.2.
    """

    def __init__(self, name: str, num_classes: int, in_channels: int, variant: str | None) -> None:
        super().__init__()
        arguments: dict[str, bool | str] = (
            {"aux": False} if "aux" in inspect.signature(models.get(name)).parameters else {}
        )
        if variant is not None:
            arguments["variant"] = variant
        self.model: SegmentationModel = models.create(
            name, num_classes=num_classes, in_channels=in_channels, **arguments
        )
        self.model.mean.zero_()  # the classifier normalizes
        self.model.std.fill_(1)

    def forward(self, image: Tensor) -> Tensor:
        """Map normalized images (B, C, H, W) to logits (B, num_classes)."""
        return self.model.coarse_logits(image)[0].mean(dim=(-2, -1))


def shelf_name(encoder: str) -> str:
    """Return the name of an architecture of this shelf that segments, or nothing for a network of timm."""
    try:
        name = models.resolve(encoder)
    except UnknownNameError:
        return ""
    maker = models.get(name)
    return name if inspect.isclass(maker) and issubclass(maker, SegmentationModel) else ""


def check_arguments(own: str, dropout: float, variant: str | None, pretrained: bool) -> None:
    """Refuse arguments that would have no effect.

    Raises:
        ModelError: Which one, and what to write instead.
    """
    if own and dropout:
        raise ModelError(f"The classifier on {own} has no dropout. Leave it out, or choose a network of timm.")
    if variant is not None and (not own or "variant" not in inspect.signature(models.get(own)).parameters):
        raise ModelError(f"{own or 'A network of timm'} has no variants. Leave variant out, or choose encoder: hrnet.")
    if own and own != "hrnet" and pretrained:
        raise ModelError(f"timm has no weights of {own}. Train it from scratch: pretrained: false.")
