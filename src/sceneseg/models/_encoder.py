"""Encoders: any image network of timm, cut where its feature maps are.

Source: Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sceneseg.errors import ModelError, UnknownNameError, did_you_mean
from sceneseg.models._timm import create_timm
from sceneseg.models._torchvision import import_timm
from sceneseg.models.base import SegmentationModel, initialize

PROBE_SIZE = (128, 192)
"""The blank image that shows an encoder's strides: divisible by 64, and not square."""


class TimmEncoder(nn.Module):
    """A timm network that returns its feature maps, the finest first.

    Convention: a map is named by its stride in the plain network. A smaller `output_stride` turns the strides
    beyond it into dilation: the weights stay the same, only the maps of stride 16 and 32 become larger.

    Args:
        name: As timm calls it, "resnext50_32x4d"; a tag chooses among its weights, "resnet50.a1_in1k".
        in_channels: Channels of the image.
        strides: Requested maps, for example (4, 32); all when empty.
        output_stride: Stride of the coarsest map: 32, or where timm knows how, 16 or 8.
        pretrained: Start from timm's weights, the only thing here that may download.
        checkpointing: Whether to trade time for memory, see `set_grad_checkpointing`.

    Raises:
        UnknownNameError: timm has no such network.
        ModelError: The network has no such maps, can't be dilated, takes only images of one size, or its
            pre-trained weights can't be had.
    """

    strides: list[int]
    """Strides of the maps in the plain network."""
    channels: list[int]
    """Channels of the maps."""
    reductions: list[int]
    """How much smaller than the image the maps are: `strides`, but at most the output stride."""

    def __init__(
        self,
        name: str,
        in_channels: int = 3,
        *,
        strides: Sequence[int] = (),
        output_stride: int = 32,
        pretrained: bool = False,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_name(name, pretrained)
        self.name, self.in_channels, self.pretrained = name, in_channels, pretrained
        self.model = _feature_network(name, in_channels, output_stride, pretrained)
        self._channels_last = str(getattr(self.model, "output_fmt", "")).endswith("NHWC")
        shapes = self._probe()
        plain = _plain_strides([reduction for _, reduction in shapes], output_stride)
        wanted = list(strides) or plain
        if any(plain.count(stride) != 1 for stride in wanted):
            raise ModelError(
                f'The encoder "{name}" has feature maps of stride {_join(plain)}; needed is one for each of '
                f"{_join(sorted(set(wanted)))}. Choose one that halves the image step by step, such as resnet50."
            )
        self._wanted = [plain.index(stride) for stride in wanted]
        self.strides = [plain[i] for i in self._wanted]
        self.channels, self.reductions = ([shapes[i][k] for i in self._wanted] for k in (0, 1))
        if checkpointing:
            self.set_grad_checkpointing()

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps (B, channels[i], H / reductions[i], W / reductions[i]) of a normalized image."""
        maps = self._maps(image)
        return [maps[i] for i in self._wanted]

    def set_grad_checkpointing(self, enable: bool = True) -> None:
        """Keep few activations for the backward pass and compute the others again.

        Batch normalization sees each batch twice then, so that its running statistics move faster.

        Raises:
            ModelError: timm can't do it for this network.
        """
        network: Any = self.model if hasattr(self.model, "set_grad_checkpointing") else self.model.model
        try:
            network.set_grad_checkpointing(enable)
        except (AttributeError, AssertionError) as error:
            raise ModelError(f'timm has no gradient checkpointing for "{self.name}"; leave it off.') from error

    def _maps(self, image: Tensor) -> list[Tensor]:
        maps: list[Tensor] = self.model(image)
        return [m.permute(0, 3, 1, 2) for m in maps] if self._channels_last else maps

    def _probe(self) -> list[tuple[int, int]]:
        """Return channels and reduction of the maps, as a blank image shows them."""
        height, width = PROBE_SIZE
        self.eval()  # leaves the running statistics alone
        refusal = ModelError(
            f'The encoder "{self.name}" can\'t take images of every size ({height} x {width} failed). '
            f"Choose another, such as resnet50, convnext_tiny or swin_tiny_patch4_window7_224."
        )
        try:
            with torch.no_grad():
                maps = self._maps(torch.zeros(1, self.in_channels, height, width))
        except (AssertionError, RuntimeError) as error:
            raise refusal from error
        self.train()
        if any(height % m.shape[2] or m.shape[2] * width != m.shape[3] * height for m in maps):
            raise refusal
        return [(m.shape[1], height // m.shape[2]) for m in maps]


def initialize_decoder(model: SegmentationModel) -> None:
    """Initialize all but a timm encoder, and normalize images as its pre-trained weights are used to."""
    encoders = [m for m in model.modules() if isinstance(m, TimmEncoder)]
    initialize(model, skip=encoders)
    for encoder in encoders:
        if encoder.pretrained and encoder.in_channels == 3:
            facts: Any = encoder.model.pretrained_cfg
            model.mean.copy_(torch.tensor(facts["mean"]).view(1, -1, 1, 1))
            model.std.copy_(torch.tensor(facts["std"]).view(1, -1, 1, 1))


def check_name(name: str, pretrained: bool = False) -> None:
    """Check that timm knows a network, and where its name has a tag or `pretrained` is set, its weights.

    Raises:
        UnknownNameError: It doesn't; the message suggests the closest name.
    """
    timm = import_timm()
    network = name.partition(".")[0]
    if not timm.is_model(name):
        hint = did_you_mean(network, timm.list_models())
        raise UnknownNameError(f'timm has no network called "{name}".{hint} timm.list_models("*net*") searches.')
    weights = timm.list_pretrained(f"{network}*")
    if (name != network and name not in weights) or (pretrained and not timm.is_model_pretrained(name)):
        hint = did_you_mean(name, weights)
        raise UnknownNameError(f'timm has no pre-trained weights called "{name}".{hint} Or choose pretrained: false.')


def _feature_network(name: str, in_channels: int, output_stride: int, pretrained: bool) -> nn.Module:
    if output_stride not in (8, 16, 32):
        raise ModelError(f"The output stride of an encoder is 8, 16 or 32, not {output_stride}.")
    options: dict[str, int] = {} if output_stride == 32 else {"output_stride": output_stride}
    if name.startswith("swin"):
        options["strict_img_size"] = False  # its windows fit any size, timm only wants to be told
    try:
        return create_timm(name, pretrained, features_only=True, in_chans=in_channels, **options)
    except (AssertionError, NotImplementedError, TypeError) as error:
        if output_stride == 32:
            raise
        raise ModelError(
            f'timm can\'t dilate "{name}" to output stride {output_stride}. Choose output stride 32, '
            f"or an encoder such as resnet50, xception65 or mobilenetv2_100."
        ) from error


def _plain_strides(reductions: Sequence[int], output_stride: int) -> list[int]:
    """Name maps by their stride without dilation: 2, 4, 8, 8, 8 at output stride 8 is 2, 4, 8, 16, 32."""
    strides: list[int] = []
    for reduction in reductions:
        dilated = reduction == output_stride < 32 and bool(strides) and strides[-1] >= reduction
        strides.append(2 * strides[-1] if dilated else reduction)
    return strides


def _join(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
