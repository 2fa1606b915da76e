"""ESPNetV2 of any width, as its authors published it for Cityscapes."""

import re
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from sceneseg.checkpoints import register
from sceneseg.checkpoints.base import Convention, Origin
from sceneseg.checkpoints.published import Published
from sceneseg.checkpoints.reading import Checkpoint
from sceneseg.checkpoints.renaming import rename, shape
from sceneseg.errors import RunError

ZOO = "https://github.com/sacmehta/EdgeNets/raw/master/model/segmentation/model_zoo/espnetv2"


def from_the_top(match: re.Match[str]) -> str:
    """Count levels as the encoder does: the authors number the decoder's from the deepest on."""
    return f"{5 - int(match[1])}."


@register
class ESPNetV2(Origin):
    """Files of sacmehta/EdgeNets."""

    title = "sacmehta/EdgeNets"
    url = "https://github.com/sacmehta/EdgeNets"
    license = "MIT"
    model = "espnet_v2"
    signature = ("bu_dec_l4.merge_layer.3.weight", "base_net.level2_0.act.weight")
    head = "head.expand.weight"
    published = (
        Published(
            "espnetv2_s_1.0_city_1024x512",
            f"{ZOO}/espnetv2_s_1.0_city_1024x512.pth",
            "cityscapes",
            license="MIT",
            bytes=234_010,
        ),
    )
    rules = (
        (r"^base_net\.level1\.", "stem."),
        (r"^base_net\.level(\d)_0\.eesp\.", r"down\1.pyramid."),
        (r"^base_net\.level(\d)_0\.inp_reinf\.", r"down\1.image."),
        (r"^base_net\.level(\d)_0\.", r"down\1."),
        (r"^base_net\.", ""),
        (r"\.proj_1x1\.", ".reduce."),
        (r"\.spp_dw\.(\d)\.conv\.", r".branches.\1."),
        (r"\.br_after_cat\.", ".norm."),
        (r"\.conv_1x1_exp\.", ".expand."),
        (r"\.module_act\.", ".act."),
        (r"^bu_dec_l4\.", "head."),
        (r"^bu_dec_l(\d)\.br\.", lambda m: f"pool{from_the_top(m)}1."),
        (r"^bu_dec_l(\d)\.", lambda m: f"pool{from_the_top(m)}0."),
        (r"\.projection_layer\.", ".project."),
        (r"\.stages\.", ".looks."),
        (r"\.merge_layer\.0\.", ".norm."),
        (r"\.merge_layer\.2\.", ".mix."),
        (r"\.merge_layer\.3\.", ".expand."),
        (r"^merge_enc_dec_l(\d)\.wt_layer\.1\.", lambda m: f"merge{from_the_top(m)}gate."),
        (r"^merge_enc_dec_l(\d)\.expansion_layer\.", lambda m: f"merge{from_the_top(m)}expand."),
        (r"^bu_br_l(\d)\.", lambda m: f"merge{from_the_top(m)}norm.br."),
        (r"\.cbr\.0\.", ".conv."),
        (r"\.(cbr\.1|br\.0|bn)\.", ".norm."),
        (r"\.(cbr\.2|br\.1)\.", ".act."),
    )

    def candidates(self, checkpoint: Checkpoint) -> Iterable[dict[str, Any]]:
        """Return the one network that the shapes describe."""
        yield {"width": shape(checkpoint.state, "base_net.level2_0.act.weight", 1)[0] / 64}

    def tensors(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        """Leave out a last activation that the strided modules make and the authors' forward never calls."""
        used = {key: value for key, value in checkpoint.state.items() if ".eesp.module_act." not in key}
        return rename(used, self.rules)

    def convention(self, checkpoint: Checkpoint, outputs: int) -> Convention:
        """Return that of Cityscapes with void, which the number of outputs must be of."""
        if outputs != 20:
            raise RunError(
                f"{checkpoint.file}: this ESPNetV2 file has {outputs} outputs, those for Cityscapes have 20; take one "
                f"of those files."
            )
        return Convention("cityscapes", size=(512, 1024), resize="pil_bilinear", enlarge="labels", void_output=19)
