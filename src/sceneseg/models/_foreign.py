"""Weights that other people published: renaming rules turn their files into state dicts of our models.

The authors of ESPNet fed blue first and divided by 255 after normalizing. Both are folded in here, exactly: the
channels that carry the image are reversed wherever they enter a layer, and mean and std are rescaled. What comes out
is an ordinary model of this project, which takes RGB in [0, 1]; only the resizing remains to be done as they did it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from sceneseg.errors import RunError
from sceneseg.models.base import IMAGENET_MEAN, IMAGENET_STD

State = Mapping[str, Tensor]
Rules = Sequence[tuple[str, str | Callable[[re.Match[str]], str]]]


@dataclass(frozen=True)
class Training:
    """Data that the authors trained on, and how they prepared an image.

    Args:
        label_space: Label space of the first outputs.
        void_output: The output that stands for none of its classes.
        mean: Subtracted, RGB, for values in [0, 1].
        std: Divided by, RGB, for values in [0, 1].
        size: (height, width) that images are resized to; None leaves them as they are.
        resize: ``opencv_bilinear`` (of the float image, not antialiased, not rounded to 8 bits) or ``pil_bilinear``
            (of the 8-bit image, antialiased and rounded).
    """

    label_space: str
    void_output: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    size: tuple[int, int] | None
    resize: str


@dataclass(frozen=True)
class ForeignWeights:
    """A published file as a model of this project.

    Args:
        model: Registry name.
        arguments: For its constructor.
        state: For its `load_state_dict`, mean and std included.
        training: What it was trained on.
        source: Where the file comes from, and its license.
    """

    model: str
    arguments: dict[str, Any]
    state: dict[str, Tensor]
    training: Training
    source: str

    def header(self) -> dict[str, object]:
        """Return what a weights file must say about itself, as plain data (mean and std travel in the state)."""
        return {
            "model": self.model,
            "arguments": self.arguments,
            "label_space": self.training.label_space,
            "void_output": self.training.void_output,
            "input": {"size": self.training.size and list(self.training.size), "resize": self.training.resize},
            "source": self.source,
        }


def convert(state: State) -> ForeignWeights:
    """Recognize a published file by its keys, and turn it into a model of this project.

    Args:
        state: As ``torch.load(path, weights_only=True, map_location="cpu")`` returns it.

    Raises:
        RunError: It is none of the files known here, or damaged.
    """
    if not isinstance(state, Mapping) or not all(isinstance(k, str) and torch.is_tensor(v) for k, v in state.items()):
        raise RunError("Expected a published file of ESPNet or ESPNetV2, found something else than named tensors.")
    state = {key.removeprefix("module."): value for key, value in state.items()}
    if "bu_dec_l4.merge_layer.3.weight" in state:
        return convert_espnet_v2(state)
    if "level3_C.conv.weight" in state:
        return convert_espnet(state)
    raise RunError(
        f'Expected a published file of ESPNet or ESPNetV2, found keys like "{next(iter(state), "")}". Other weights '
        f"can be loaded when they were saved by this program."
    )


def rgb(blue: float, green: float, red: float) -> tuple[float, float, float]:
    """Reverse three values that their authors wrote blue first."""
    return red, green, blue


def per_255(*values: float) -> tuple[float, ...]:
    """Divide by 255."""
    return tuple(value / 255 for value in values)


ESPNET = {  # by the number of outputs; std isn't divided, because the authors divide by 255 once more
    # not published for CamVid: the mean of each training image's values, which is how the authors' code takes them
    12: Training(
        "camvid",
        11,
        mean=per_255(*rgb(110.33102643430219, 108.40886315470783, 105.03319368655785)),
        std=rgb(72.12571015416097, 72.69074533734673, 69.90434816160987),
        size=None,
        resize="opencv_bilinear",
    ),
    20: Training(
        "cityscapes",
        19,
        mean=per_255(*rgb(72.3923111, 82.90893555, 73.15840149)),
        std=rgb(45.3192215, 46.15289307, 44.91483307),
        size=(512, 1024),
        resize="opencv_bilinear",
    ),
}
ESPNET_NAMES: Rules = (
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


def convert_espnet(state: State) -> ForeignWeights:
    """Convert a file of ESPNet with its decoder: the number of modules and the variant are read off the shapes.

    Raises:
        RunError: Its number of outputs tells neither Cityscapes nor CamVid.
    """
    num_classes = _shape(state, "classifier.weight")[1]
    if num_classes not in ESPNET:
        raise RunError(
            f"This ESPNet file has {num_classes} outputs. Only for 20 (Cityscapes) and 12 (CamVid) is it known what "
            f"mean and std the authors used; take one of those files."
        )
    half, in_channels = _shape(state, "encoder.level1.conv.weight")[:2]
    image_skip = _shape(state, "conv.conv.weight")[1] == num_classes + half + in_channels
    arguments = {
        "num_classes": num_classes,
        "p": count(state, r"encoder\.level2\.(\d+)\."),
        "q": count(state, r"encoder\.level3\.(\d+)\."),
        "image_skip": image_skip,
    }
    renamed = rename(state, ESPNET_NAMES)
    reverse_image_channels(renamed, r"norm[12]\.", dim=0)
    reverse_image_channels(renamed, r"(stem\.conv|down[23]\.reduce|skip2)\.", dim=1)
    if image_skip:
        reverse_image_channels(renamed, r"merge1\.conv\.", dim=1)
    for key in [key for key in renamed if key.endswith(".running_var")]:  # the files are older than this counter
        renamed.setdefault(key.replace("running_var", "num_batches_tracked"), torch.tensor(0))
    return finish("espnet", arguments, renamed, ESPNET[num_classes], "github.com/sacmehta/ESPNet, MIT licence")


def reverse_image_channels(state: dict[str, Tensor], keys: str, dim: int) -> None:
    """Turn blue first into red first: the image is always the last three channels along `dim`."""
    for key, value in state.items():
        if re.match(keys, key):
            image = value.shape[dim] - 3
            order = [*range(image), image + 2, image + 1, image]
            state[key] = value.index_select(dim, torch.tensor(order))


ESPNET_V2 = {
    20: Training("cityscapes", 19, IMAGENET_MEAN, IMAGENET_STD, size=(512, 1024), resize="pil_bilinear"),
}


def from_the_top(match: re.Match[str]) -> str:
    """Count levels as the encoder does: the authors number the decoder's from the deepest on."""
    return f"{5 - int(match[1])}."


ESPNET_V2_NAMES: Rules = (
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


def convert_espnet_v2(state: State) -> ForeignWeights:
    """Convert a Cityscapes file of ESPNetV2, of any width.

    Raises:
        RunError: Its number of outputs isn't that of Cityscapes.
    """
    num_classes = _shape(state, "bu_dec_l4.merge_layer.3.weight")[0]
    if num_classes not in ESPNET_V2:
        raise RunError(
            f"This ESPNetV2 file has {num_classes} outputs, those for Cityscapes have 20; take one of those files."
        )
    arguments = {"num_classes": num_classes, "width": _shape(state, "base_net.level2_0.act.weight", 1)[0] / 64}
    # the strided modules make a last activation that the authors' forward never calls
    used = {key: value for key, value in state.items() if ".eesp.module_act." not in key}
    renamed = rename(used, ESPNET_V2_NAMES)
    return finish("espnet_v2", arguments, renamed, ESPNET_V2[num_classes], "github.com/sacmehta/EdgeNets, MIT licence")


def _shape(state: State, key: str, dimensions: int = 4) -> torch.Size:
    """Return the shape of a tensor that distinguishes the variants.

    Raises:
        RunError: There is none of so many dimensions.
    """
    found = state[key].shape if key in state else None
    if found is None or len(found) != dimensions:
        shown = "none" if found is None else f"one of the shape {tuple(found)}"
        raise RunError(f"Expected a tensor {key} of {dimensions} dimensions, found {shown}. Fetch the file again.")
    return found


def rename(state: State, rules: Rules) -> dict[str, Tensor]:
    """Apply every rule, in order, to every key."""
    renamed = {}
    for key, value in state.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        renamed[key] = value
    return renamed


def count(state: State, pattern: str) -> int:
    """Count the different numbers that `pattern` finds at the start of keys."""
    return len({match[1] for key in state if (match := re.match(pattern, key))})


def finish(model: str, arguments: dict[str, Any], state: State, training: Training, source: str) -> ForeignWeights:
    """Add the normalization to the state."""
    buffers = {key: torch.tensor(getattr(training, key)).view(1, -1, 1, 1) for key in ("mean", "std")}
    return ForeignWeights(model, arguments, {**buffers, **state}, training, source)
