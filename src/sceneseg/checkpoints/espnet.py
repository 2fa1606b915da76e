"""ESPNet with its decoder, as its authors published it for Cityscapes and CamVid.

They fed blue first and divided by 255 after normalizing. Both are folded in, exactly: the channels that carry the image
are turned round wherever they enter a layer, and mean and std are rescaled.
"""

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from sceneseg.checkpoints import register
from sceneseg.checkpoints.base import Convention, Origin
from sceneseg.checkpoints.published import Published
from sceneseg.checkpoints.reading import Checkpoint
from sceneseg.checkpoints.renaming import count, shape
from sceneseg.errors import RunError


def per_255(*values: float) -> tuple[float, ...]:
    """Divide values for blue, green and red by 255, and put red first."""
    return tuple(value / 255 for value in reversed(values))


CONVENTIONS = {  # by the number of outputs; std isn't divided, because the authors divide by 255 once more
    # not published for CamVid: the mean of each training image's values, which is how the authors' code takes them
    12: Convention(
        "camvid",
        mean=per_255(110.33102643430219, 108.40886315470783, 105.03319368655785),
        std=(69.90434816160987, 72.69074533734673, 72.12571015416097),
        resize="opencv_bilinear",
        enlarge="labels",
        void_output=11,
    ),
    20: Convention(
        "cityscapes",
        mean=per_255(72.3923111, 82.90893555, 73.15840149),
        std=(44.91483307, 46.15289307, 45.3192215),
        size=(512, 1024),
        resize="opencv_bilinear",
        enlarge="labels",
        void_output=19,
    ),
}


@register
class ESPNet(Origin):
    """Files of sacmehta/ESPNet; the number of modules and the variant are read off the shapes."""

    title = "sacmehta/ESPNet"
    url = "https://github.com/sacmehta/ESPNet"
    license = "MIT"
    model = "espnet"
    signature = ("level3_C.conv.weight", "encoder.level1.conv.weight")
    head = "head.weight"
    published = (
        Published(
            "espnet_p_2_q_8",
            "https://github.com/sacmehta/ESPNet/raw/master/pretrained/decoder/espnet_p_2_q_8.pth",
            "cityscapes",
            0.60336,
            "test, 512 x 1024",
            "MIT",
            364_569,
        ),
        Published(
            "espnet_p_2_q_8_camvid",
            "https://github.com/sacmehta/ESPNet/raw/master/pretrained/decoder/espnet_p_2_q_8_camvid.pth",
            "camvid",
            0.5564,
            "test, 360 x 480, predictions of void count as errors",
            "MIT",
            354_517,
        ),
    )
    rules = (
        (r"^encoder\.level1\.", "stem."),
        (r"^encoder\.b(\d)\.", r"norm\1."),
        (r"^encoder\.level(\d)_0\.(bn|act)\.", r"down\1.norm.\2."),
        (r"^encoder\.level(\d)_0\.", r"down\1."),
        (r"^encoder\.level(\d)\.", r"level\1."),
        (r"^encoder\.classifier\.conv\.", "encoder_head."),
        (r"^br\.", "up3.0."),
        (r"^up_l3\.0\.", "up3.1."),
        (r"^level3_C\.conv\.", "skip2."),
        (r"^combine_l2_l3\.", "merge2."),
        (r"^up_l2\.", "up2."),
        (r"^conv\.", "merge1."),
        (r"^classifier\.", "head."),
        (r"\.c1\.conv\.", ".reduce."),
        (r"\.d(\d+)\.conv\.", lambda m: f".branches.{int(m[1]).bit_length() - 1}."),  # dilation 2^i
        (r"\.bn\.(bn|act)\.", r".norm.\1."),
        (r"\.bn\.", ".norm."),
    )

    def candidates(self, checkpoint: Checkpoint) -> Iterable[dict[str, Any]]:
        """Return the one network that the shapes describe."""
        state = checkpoint.state
        outputs = shape(state, "classifier.weight")[1]
        half, in_channels = shape(state, "encoder.level1.conv.weight")[:2]
        yield {
            "p": count(state, r"encoder\.level2\.(\d+)\."),
            "q": count(state, r"encoder\.level3\.(\d+)\."),
            "image_skip": shape(state, "conv.conv.weight")[1] == outputs + half + in_channels,
        }

    def convention(self, checkpoint: Checkpoint, outputs: int) -> Convention:
        """Return the normalization of the data set, which the number of outputs tells."""
        if outputs not in CONVENTIONS:
            raise RunError(
                f"{checkpoint.file}: this ESPNet file has {outputs} outputs. Only for 20 (Cityscapes) and 12 (CamVid) "
                f"is it known what mean and std the authors used; take one of those files."
            )
        return CONVENTIONS[outputs]

    def adapted(self, tensors: dict[str, Tensor], arguments: dict[str, Any]) -> dict[str, Tensor]:
        """Turn blue first into red first: the image is always the last three channels."""
        _reverse_image_channels(tensors, r"norm[12]\.", dim=0)
        _reverse_image_channels(tensors, r"(stem\.conv|down[23]\.reduce|skip2)\.", dim=1)
        if arguments["image_skip"]:
            _reverse_image_channels(tensors, r"merge1\.conv\.", dim=1)
        return tensors


def _reverse_image_channels(state: dict[str, Tensor], keys: str, dim: int) -> None:
    for key, value in state.items():
        if re.match(keys, key) and value.dim() > dim:
            image = value.shape[dim] - 3
            order = [*range(image), image + 2, image + 1, image]
            state[key] = value.index_select(dim, torch.tensor(order))
