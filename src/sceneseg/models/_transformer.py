"""Parts of the transformers: ViT as an encoder of feature maps, and the initialization of their layers."""

import math
from collections.abc import Sequence

from torch import Tensor, nn

from sceneseg.errors import ModelError
from sceneseg.models._timm import create_timm
from sceneseg.models._variants import choose

VARIANTS = {name: f"vit_{name}_patch16_384" for name in ("tiny", "small", "base", "large")}
PATCH = 16
VIT_MEAN = VIT_STD = 0.5
"""What timm's ViT weights were trained with, other than ImageNet's mean and std."""


class ViTEncoder(nn.Module):
    """timm's vision transformer, 16x16 patches by default; gives the tokens of chosen layers, laid out as maps.

    Position embeddings are learned for `image_size` and interpolated for any other (bicubic).

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, figure 1.

    Args:
        in_channels: Channels of the image.
        variant: "tiny", "small", "base" or "large".
        image_size: Height and width for which there is one position embedding a patch.
        taps: Layers to give, counted in 24ths of the depth: 24 is the last layer, 12 the middle one.
        norm: Whether the encoder ends with its layer norm; without it the heads bring their own.
        embed_dim: Channels of a token, if not the variant's.
        depth: Layers, if not the variant's.
        heads: Attention heads, if not the variant's.
        patch_size: Height and width of a patch, if not 16.
        drop_path: Probability of skipping the last layer for a sample; it rises linearly from 0.
        pretrained: Start from ImageNet weights (timm's, downloaded once).

    Raises:
        ModelError: Weights are asked for that don't exist or can't be had.
    """

    def __init__(
        self,
        in_channels: int,
        variant: str,
        image_size: int,
        taps: Sequence[int],
        *,
        norm: bool,
        embed_dim: int | None = None,
        depth: int | None = None,
        heads: int | None = None,
        patch_size: int | None = None,
        drop_path: float = 0.0,
        pretrained: bool = False,
    ) -> None:
        super().__init__()
        own = {"embed_dim": embed_dim, "depth": depth, "num_heads": heads, "patch_size": patch_size}
        changed = {key: value for key, value in own.items() if value is not None}
        if pretrained and changed:
            raise ModelError(
                f"Pre-trained weights are for the {variant} ViT as it is, found another {' and '.join(changed)}. "
                "Leave these out, or set pretrained: false."
            )
        if image_size < (patch_size or PATCH):
            raise ModelError(f"image_size {image_size} holds no patch of {patch_size or PATCH}. Give a larger one.")
        try:
            self.vit = create_timm(
                choose(VARIANTS, variant, "ViT variant"),
                pretrained,
                in_chans=in_channels,
                img_size=image_size,
                dynamic_img_size=True,
                num_classes=0,
                drop_path_rate=drop_path,
                **changed,
            )
        except AssertionError as error:  # timm's way to say that heads don't divide the channels
            raise ModelError(f"The {variant} ViT can't have {changed}: its heads must divide embed_dim.") from error
        if not norm:
            self.vit.norm = nn.Identity()
        layers = len(self.vit.blocks)  # type: ignore[arg-type]
        self.taps = [math.ceil(layers * tap / 24) - 1 for tap in taps]
        self.norm = norm
        self.patch = patch_size or PATCH
        self.channels: int = self.vit.embed_dim  # type: ignore[assignment]
        self.heads = heads or self.channels // 64

    def forward(self, image: Tensor) -> list[Tensor]:
        """Map a normalized image (B, C, H, W) to one (B, H/16, W/16, channels) for each tap (16: the patch)."""
        batch, _, height, width = image.shape
        layers = sorted(set(self.taps))  # in a shallow network two taps may be one layer
        tokens = self.vit.forward_intermediates(  # type: ignore[operator]
            image, indices=layers, norm=self.norm, output_fmt="NLC", intermediates_only=True
        )
        rows, columns = height // self.patch, width // self.patch
        maps = {i: x.reshape(batch, rows, columns, -1) for i, x in zip(layers, tokens, strict=True)}
        return [maps[i] for i in self.taps]


def initialize_transformer(module: nn.Module) -> None:
    """Give linear layers a truncated normal of 0.02, convolutions He's initialization, both bias 0.

    Other than `base.initialize` this counts only a group's own outputs for a grouped convolution, which matters
    where no batch normalization follows.
    """
    for m in module.modules():
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=0.02)
        elif isinstance(m, nn.Conv2d):
            fan_out = m.kernel_size[0] * m.kernel_size[1] * m.out_channels // m.groups
            nn.init.normal_(m.weight, std=math.sqrt(2 / fan_out))
        else:
            continue
        if m.bias is not None:
            nn.init.zeros_(m.bias)
