"""The authors' own weights, converted by rule, give the authors' own logits.

The stored outputs come from the authors' code; the folder's README says how. Float16 logits carry up to 8e-3 of
rounding, those of the corner are float32.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image

from sceneseg import models
from sceneseg.checkpoints.conversion import Conversion, convert
from sceneseg.checkpoints.espnet import ESPNet
from sceneseg.checkpoints.espnet_v2 import ESPNetV2
from sceneseg.checkpoints.renaming import renamed
from sceneseg.errors import RunError
from sceneseg.models.base import SegmentationModel
from sceneseg.publishing.foreign import shapes_of

CAMVID = ("espnet_camvid/espnet_p_2_q_8_camvid.pth", "espnet_p_2_q_8_camvid")
CITY = ("espnet_city/espnet_p_2_q_8.pth", "espnet_p_2_q_8")
CITY_V2 = ("espnetv2_city/espnetv2_s_1.0_city_1024x512.pth", "espnetv2_s_1.0")
STREETS = ("0001TP_008550", "0001TP_010350")
FRANKFURT = ("frankfurt_000000_000294_leftImg8bit", "frankfurt_000000_000576_leftImg8bit")
CASES = [
    (CAMVID, "0001TP_008550", 360, 480),
    *(pytest.param(CAMVID, image, 360, 480, marks=pytest.mark.slow) for image in (STREETS[1], "Seq05VD_f01740")),
    (CITY, "0001TP_008550", 480, 640),
    (CITY_V2, "0001TP_008550", 480, 640),
    *(pytest.param(file, STREETS[1], 480, 640, marks=pytest.mark.slow) for file in (CITY, CITY_V2)),
    *(pytest.param(f, image, 512, 1024, marks=pytest.mark.slow) for f in (CITY, CITY_V2) for image in FRANKFURT),
]


def load(path: Path) -> tuple[SegmentationModel, Conversion]:
    found = convert(path, shapes_of)
    model = models.create(found.origin.model, **found.arguments)
    model.load_state_dict(found.state)
    return model.eval(), found


def network_input(path: Path, height: int, width: int, resize: str) -> torch.Tensor:
    """Read and resize an image as the authors did, up to their order of channels and their normalization."""
    rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    image: npt.NDArray[np.float32]
    if resize == "pil_bilinear":
        shrunk = Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR)
        image = np.asarray(shrunk, np.float32) / 255
    else:
        image = cv2.resize(rgb.astype(np.float32) / 255, (width, height), interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(image).permute(2, 0, 1)[None]


@pytest.mark.parametrize(("file", "name", "height", "width"), CASES)
def test_gives_the_authors_logits(shared_data: Path, file: tuple[str, str], name: str, height: int, width: int) -> None:
    folder = shared_data / "parity"
    weights_file, stem = file
    model, found = load(folder / weights_file)
    image = network_input(folder / "images" / f"{name}.png", height, width, found.convention.resize)
    with torch.inference_mode():
        logits = model(image)[0].numpy()
    expected = np.load(folder / Path(weights_file).parent / f"{stem}__{name}__{width}x{height}.npz")
    assert (logits.argmax(0) == expected["argmax"]).mean() >= 0.9999
    np.testing.assert_allclose(logits[:, :2, :2], expected["logits_corner"], rtol=0, atol=1e-3)
    np.testing.assert_allclose(logits[:, 4::8, 4::8], expected["logits_s8"], rtol=0, atol=9e-3)
    np.testing.assert_allclose(logits.mean((1, 2)), expected["chan_stats"][2], rtol=0, atol=1e-3)


@pytest.mark.parametrize("file", [CAMVID[0], CITY[0], CITY_V2[0]])
def test_reads_the_arguments_off_the_file(shared_data: Path, file: str) -> None:
    _, found = load(shared_data / "parity" / file)
    expected = {
        CAMVID[0]: ("espnet", {"num_classes": 12, "p": 2, "q": 8, "image_skip": True}, "camvid", 11, None),
        CITY[0]: ("espnet", {"num_classes": 20, "p": 2, "q": 8, "image_skip": False}, "cityscapes", 19, (512, 1024)),
        CITY_V2[0]: ("espnet_v2", {"num_classes": 20, "width": 1.0}, "cityscapes", 19, (512, 1024)),
    }[file]
    facts = found.convention
    assert (found.name, found.arguments, facts.label_space, facts.void_output, facts.size) == expected
    assert not found.filled
    assert all("level3_C" in key or "classifier" in key for key in found.dropped)


@pytest.mark.parametrize(
    ("origin", "theirs", "ours"),
    [
        (ESPNet, "encoder.level3_0.d16.conv.weight", "down3.branches.4.weight"),
        (ESPNet, "encoder.level3.7.bn.act.weight", "level3.7.norm.act.weight"),
        (ESPNet, "combine_l2_l3.1.bn.bn.running_var", "merge2.1.norm.norm.running_var"),
        (ESPNetV2, "base_net.level4_0.inp_reinf.1.bn.bias", "down4.image.1.norm.bias"),
        (ESPNetV2, "bu_dec_l1.merge_layer.0.br.1.weight", "pool4.0.norm.act.weight"),
        (ESPNetV2, "bu_dec_l1.br.br.0.weight", "pool4.1.norm.weight"),
        (ESPNetV2, "bu_dec_l4.merge_layer.3.bias", "head.expand.bias"),
        (ESPNetV2, "merge_enc_dec_l2.wt_layer.1.weight", "merge3.gate.weight"),
        (ESPNetV2, "bu_br_l4.1.weight", "merge1.norm.act.weight"),
    ],
)
def test_renames_by_rule(origin: type, theirs: str, ours: str) -> None:
    assert renamed(theirs, origin.rules) == ours


@pytest.mark.parametrize(
    ("tensors", "problem"),
    [
        ({"level3_C.conv.weight": (7, 131, 1, 1), "classifier.weight": (7, 7, 2, 2)}, "encoder.level1.conv.weight"),
        ({"bu_dec_l4.merge_layer.3.weight": (21, 10, 1, 1)}, "found tensors like"),
    ],
)
def test_refuses_parts_of_files(tensors: dict[str, tuple[int, ...]], problem: str, tmp_path: Path) -> None:
    torch.save({key: torch.zeros(shape) for key, shape in tensors.items()}, tmp_path / "part.pth")
    with pytest.raises(RunError, match=r"part\.pth") as error:
        convert(tmp_path / "part.pth", shapes_of)
    assert "\n" not in str(error.value)
    assert problem in str(error.value) or "found tensors like" in str(error.value)
