import pytest
import torch

from sceneseg import models
from sceneseg.errors import ModelError
from sceneseg.models._dual_resolution import DAPPM
from sceneseg.models.base import SegmentationModel
from sceneseg.models.cost import model_cost


def tiny(**arguments: object) -> SegmentationModel:
    torch.manual_seed(1)
    return models.create("ddrnet", num_classes=3, width=8, pyramid_channels=16, **arguments)


def parameters(**arguments: object) -> int:
    with torch.device("meta"):
        model = models.create("ddrnet", num_classes=19, **arguments)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("variant", "at_inference", "in_training"),
    [("23-slim", 5_695_987, 5_734_342), ("23", 20_148_947, 20_299_366), ("39", 32_360_275, 32_660_838)],
)
def test_has_the_parameters_of_the_authors_model(variant: str, at_inference: int, in_training: int) -> None:
    assert parameters(variant=variant, aux=False) == at_inference
    assert parameters(variant=variant) == in_training


@pytest.mark.slow
def test_costs_what_the_authors_model_costs() -> None:
    assert model_cost("ddrnet", 19, (1024, 2048)).gmacs == pytest.approx(36.3, abs=0.05)


@pytest.mark.parametrize("variant", ["23-slim", "39"])
def test_trains_on_one_image_of_odd_size(variant: str) -> None:
    model = tiny(variant=variant)
    image = torch.rand(1, 3, 67, 131)  # the mean of the pyramid is a single value then
    logits = model.coarse_logits(image)
    assert [tuple(x.shape) for x in logits] == [(1, 3, 9, 17)] * 2
    sum(x.square().mean() for x in logits).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    assert model.eval()(image).shape == (1, 3, 67, 131)
    assert len(model.coarse_logits(image)) == 1


@pytest.mark.parametrize("branch", ["deep", "detail"])
def test_each_branch_hears_of_the_other(branch: str) -> None:
    exchange = tiny().eval().stage4
    inputs = {
        "deep": torch.rand(1, 32, 8, 8, requires_grad=True),
        "detail": torch.rand(1, 16, 16, 16, requires_grad=True),
    }
    deep, detail = exchange(**inputs)
    other = detail if branch == "deep" else deep
    (gradient,) = torch.autograd.grad(other.square().sum(), inputs[branch])
    assert gradient.abs().max() > 0


def test_the_pyramid_sees_everything_from_everywhere() -> None:
    torch.manual_seed(0)
    pyramid = DAPPM(8, 4, 8).eval()
    x = torch.randn(1, 8, 40, 40)
    far = x.clone()
    far[..., 39, 39] += 10
    change = (pyramid(far) - pyramid(x)).abs().amax(dim=1)[0]
    assert change[0, 0] > 0  # only the mean over the image reaches that far
    assert change[39, 39] > 10 * change[0, 0]


@pytest.mark.parametrize("variant", [23, "23", "23_SLIM"])
def test_knows_variants_in_other_spellings(variant: object) -> None:
    models.create("ddrnet", num_classes=2, variant=variant, width=4)


def test_an_unknown_variant_is_answered_with_a_suggestion() -> None:
    with pytest.raises(ModelError, match='no DDRNet variant "23-slm". Did you mean "23-slim"'):
        tiny(variant="23-slm")
