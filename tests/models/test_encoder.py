import subprocess
import sys
from pathlib import Path

import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError, UnknownNameError
from sceneseg.models._encoder import TimmEncoder, initialize_decoder

FAKE_TORCHVISION = """
import torch
import torchvision.part
if {broken}:
    raise RuntimeError({message!r})
"""

TRY_FAKES = """
import sys, torch
import sceneseg.models.fpn
from sceneseg.models._torchvision import import_torchvision
print([name for name in ("timm", "torchvision") if name in sys.modules])
def declared(): return hasattr(torch.ops.torchvision, "nms")

sys.path.insert(0, sys.argv[1] + "/healthy")
import_torchvision()
print("healthy", declared())

sys.path[0] = sys.argv[1] + "/other"
del sys.modules["torchvision"], sys.modules["torchvision.part"]
try: import_torchvision()
except RuntimeError as error: print("other", error, declared())

sys.path[0] = sys.argv[1] + "/broken"
print("broken", import_torchvision().__file__.split("/")[-3], declared(), "torchvision.part" in sys.modules)
"""


def test_timm_comes_late_and_torchvision_is_helped_only_where_it_does_not_fit(tmp_path: Path) -> None:
    fakes = {
        "healthy": ("False", ""),
        "other": ("True", "something else"),
        "broken": ('not hasattr(torch.ops.torchvision, "nms")', "operator torchvision::nms does not exist"),
    }
    for name, (broken, message) in fakes.items():
        package = tmp_path / name / "torchvision"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(FAKE_TORCHVISION.format(broken=broken, message=message))
        (package / "part.py").touch()
    command = [sys.executable, "-Werror", "-c", TRY_FAKES, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]", "healthy False", "other something else False", "broken broken True True"]


def test_missing_weights_name_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"test_resnet.*HF_HOME.*pretrained: false"):
        TimmEncoder("test_resnet", pretrained=True)


@pytest.mark.parametrize(
    ("name", "strides"),
    [
        ("test_resnet", [2, 4, 8, 16, 32]),
        ("test_convnext", [4, 8, 16, 32]),
        ("mobilenetv2_050", [2, 4, 8, 16, 32]),
        ("vgg11", [1, 2, 4, 8, 16, 32]),
        ("swin_tiny_patch4_window7_224", [4, 8, 16, 32]),  # channels last inside
        ("hrnet_w18_small", [2, 4, 8, 16, 32]),
    ],
)
def test_maps_are_as_announced(name: str, strides: list[int]) -> None:
    with torch.device("meta"):
        encoder = TimmEncoder(name)
        maps = encoder(torch.zeros(2, 3, 64, 160))
    assert encoder.training
    assert encoder.strides == encoder.reductions == strides
    expected = [(2, c, 64 // s, 160 // s) for c, s in zip(encoder.channels, strides, strict=True)]
    assert [tuple(m.shape) for m in maps] == expected


def test_maps_can_be_chosen_and_any_channels_go_in() -> None:
    encoder = TimmEncoder("test_resnet", 5, strides=(4, 32))
    assert [m.shape[-1] for m in encoder(torch.rand(1, 5, 64, 64))] == [16, 2]
    assert len(encoder.channels) == 2


@pytest.mark.parametrize("output_stride", [16, 8])
def test_output_stride_changes_dilation_and_not_weights(output_stride: int) -> None:
    plain, dilated = TimmEncoder("resnet18").eval(), TimmEncoder("resnet18", output_stride=output_stride).eval()
    dilated.load_state_dict(plain.state_dict())
    image = torch.rand(1, 3, 96, 64)
    assert dilated.strides == [2, 4, 8, 16, 32]
    assert dilated.reductions == [min(s, output_stride) for s in plain.strides]
    coarse, fine = plain(image)[-1], dilated(image)[-1]
    step = 32 // output_stride
    torch.testing.assert_close(fine[..., ::step, ::step], coarse, rtol=1e-4, atol=1e-5)


def test_checkpointing_gives_the_same_gradients() -> None:
    torch.manual_seed(0)
    plain, thrifty = TimmEncoder("test_resnet"), TimmEncoder("test_resnet", checkpointing=True)
    thrifty.load_state_dict(plain.state_dict())
    image = torch.rand(2, 3, 64, 64)
    for encoder in (plain, thrifty):
        encoder(image)[-1].square().sum().backward()
    for a, b in zip(plain.parameters(), thrifty.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad)
    assert thrifty.model.grad_checkpointing
    thrifty.set_grad_checkpointing(False)
    assert not thrifty.model.grad_checkpointing


def test_the_decoder_is_initialized_around_pretrained_weights() -> None:
    model = models.create("fpn", num_classes=2, encoder="test_resnet", pyramid_channels=8, decoder_channels=32)
    assert model.mean.flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])
    model.encoder.pretrained = True
    model.encoder.model.pretrained_cfg = {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6)}
    before = {k: v.clone() for k, v in model.state_dict().items()}
    initialize_decoder(model)
    after = model.state_dict()
    assert all(torch.equal(after[k], before[k]) for k in after if k.startswith("encoder."))
    assert not torch.equal(after["lateral.0.weight"], before["lateral.0.weight"])
    assert model.mean.flatten().tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert model.std.flatten().tolist() == pytest.approx([0.4, 0.5, 0.6])


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("resnext50_32x4", {}, 'Did you mean "resnext50_32x4d"'),
        ("resnet18.gluon", {}, 'no pre-trained weights called "resnet18.gluon"'),
        ("sedarknet21", {"pretrained": True}, "no pre-trained weights"),
        ("hf-hub:somebody/resnet18", {}, "no network called"),  # even asking would be a download
        ("resnet18", {"output_stride": 4}, "8, 16 or 32, not 4"),
        ("densenet121", {"output_stride": 8}, "can't dilate"),
        ("convnext_atto", {"strides": (2, 4)}, "stride 4, 8, 16, 32; needed is one for each of 2, 4"),
        ("test_vit", {}, "stride 16, 16, 16; needed is one for each of 16"),
        ("vit_tiny_patch16_224", {}, "can't take images of every size"),
        ("inception_v3", {}, "can't take images of every size"),
    ],
)
def test_what_does_not_work_is_refused_in_one_sentence(name: str, arguments: dict, message: str) -> None:
    with torch.device("meta"), pytest.raises((ModelError, UnknownNameError), match=message):
        TimmEncoder(name, **arguments)


def test_checkpointing_where_timm_has_none() -> None:
    with torch.device("meta"), pytest.raises(ModelError, match="leave it off"):
        TimmEncoder("hrnet_w18_small", checkpointing=True)
