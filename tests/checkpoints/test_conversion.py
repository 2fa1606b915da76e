"""Origins are recognized, the network is the one that leaves the fewest tensors over, and nothing is taken by half."""

import pytest
import torch

from sceneseg.checkpoints import origins
from sceneseg.checkpoints.base import Convention, Origin
from sceneseg.checkpoints.conversion import convert, red_first
from sceneseg.errors import RunError, UnknownNameError

DEPTHS = {"small": 1, "large": 2}


def shapes_of(name, arguments):
    """Describe a network whose larger variant has all tensors of the smaller one."""
    shapes = {"mean": (1, 3, 1, 1), "std": (1, 3, 1, 1), "head.weight": (arguments["num_classes"], 4, 1, 1)}
    shapes |= {"head.bias": (arguments["num_classes"],), "stem.weight": (4, 3, 3, 3), "bn.num_batches_tracked": ()}
    return shapes | {f"blocks.{i}.weight": (4, 4, 1, 1) for i in range(DEPTHS[arguments["variant"]])}


class Tiny(Origin):
    """Files of nobody."""

    title, url, license, model = "nobody/tiny", "https://example.org/tiny", "MIT", "tiny"
    signature = ("backbone.stem.weight",)
    rules = ((r"^backbone\.", ""), (r"^layer(\d)\.", r"blocks.\1."), (r"^classifier\.", "head."))
    training_only = (r"^aux\.",)
    missing_bias = (r"^head\.bias$",)
    class_rows = (r"^head\.",)
    head = "head.weight"
    facts = Convention("cityscapes")

    def candidates(self, checkpoint):
        return [{"variant": name} for name in DEPTHS]

    def convention(self, checkpoint, outputs):
        return self.facts


@pytest.fixture
def tiny(monkeypatch):
    origins.register(Tiny, name="tiny") if "tiny" not in origins.names() else None
    monkeypatch.setattr(Tiny, "facts", Convention("cityscapes"))
    return Tiny


def file_of(folder, variant="small", prefix="", without=(), **further):
    state = {
        "backbone.stem.weight": torch.arange(108.0).view(4, 3, 3, 3),
        "classifier.weight": torch.arange(76.0).view(19, 4, 1, 1),
        "classifier.bias": torch.arange(19.0),
    }
    state |= {f"layer{i}.weight": torch.full((4, 4, 1, 1), i + 1.0) for i in range(DEPTHS[variant])}
    state = {prefix + key: value for key, value in state.items() if key not in without} | further
    torch.save(state, folder / "tiny.pth")
    return folder / "tiny.pth"


@pytest.mark.parametrize("variant", DEPTHS)
def test_a_small_network_inside_a_large_file_is_not_taken_for_it(tiny, variant, tmp_path):
    found = convert(file_of(tmp_path, variant), shapes_of)
    assert found.arguments == {"num_classes": 19, "variant": variant}
    assert torch.equal(found.state["stem.weight"], torch.arange(108.0).view(4, 3, 3, 3))
    assert found.state["mean"].flatten().tolist() == pytest.approx([0.485, 0.456, 0.406])


@pytest.mark.parametrize("prefix", ["module.", "model.", "module.model.", "net.module."])
def test_prefixes_of_wrappers_are_taken_off(tiny, prefix, tmp_path):
    found = convert(file_of(tmp_path, prefix=prefix, **{"loss.weight": torch.ones(19)}), shapes_of)
    assert found.name == "tiny"
    assert found.dropped == ("loss.weight",)


def test_what_only_training_uses_is_left_out_and_named(tiny, tmp_path):
    found = convert(file_of(tmp_path, **{"aux.conv.weight": torch.ones(1)}), shapes_of)
    assert found.dropped == ("aux.conv.weight",)


def test_tensors_that_nobody_knows_are_refused(tiny, tmp_path):
    with pytest.raises(RunError, match=r"1 of its tensors belong to no network.*extra\.weight.*variant small"):
        convert(file_of(tmp_path, **{"extra.weight": torch.ones(1)}), shapes_of)


def test_only_named_biases_may_be_missing(tiny, tmp_path):
    found = convert(file_of(tmp_path, without=("classifier.bias",)), shapes_of)
    assert found.filled == ("head.bias",)
    assert not found.state["head.bias"].any()
    with pytest.raises(RunError, match=r"no variant fits; the closest is variant small: there is no blocks\.0\.weight"):
        convert(file_of(tmp_path, without=("layer0.weight",)), shapes_of)


def test_another_shape_is_named(tiny, tmp_path):
    with pytest.raises(RunError, match=r"blocks\.0\.weight is \(4, 4, 3, 3\) rather than \(4, 4, 1, 1\)"):
        convert(file_of(tmp_path, **{"layer0.weight": torch.ones(4, 4, 3, 3)}), shapes_of)


def test_classes_in_another_order_are_put_into_ours(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Tiny, "facts", Convention("cityscapes", rows=tuple(reversed(range(19)))))
    found = convert(file_of(tmp_path), shapes_of)
    assert found.state["head.bias"].tolist() == [*map(float, reversed(range(19)))]
    assert torch.equal(found.state["head.weight"], torch.arange(76.0).view(19, 4, 1, 1).flip(0))


def test_blue_first_becomes_red_first(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(Tiny, "facts", Convention("cityscapes", blue_first=(r"^stem\.",)))
    found = convert(file_of(tmp_path), shapes_of)
    assert torch.equal(found.state["stem.weight"], torch.arange(108.0).view(4, 3, 3, 3).flip(1))
    assert red_first(torch.arange(5.0).view(1, 5, 1, 1)).flatten().tolist() == [0, 1, 4, 3, 2]


def test_two_origins_that_both_fit_must_be_told_apart(tiny, tmp_path):
    class Twin(Tiny):
        """Files that look the same."""

    with origins.temporarily("twin", Twin) as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(origins, "names", lambda: ["tiny", name])
        with pytest.raises(RunError, match="tiny and .*twin both fit"):
            convert(file_of(tmp_path), shapes_of)


def test_an_origin_can_be_named(tiny, tmp_path):
    assert convert(file_of(tmp_path), shapes_of, "tiny").name == "tiny"
    with pytest.raises(RunError, match=r"tiny\.pth: expected a file of espnet, found tensors like backbone"):
        convert(file_of(tmp_path), shapes_of, "espnet")
    with pytest.raises(UnknownNameError, match='"tinny"'):
        convert(file_of(tmp_path), shapes_of, "tinny")
