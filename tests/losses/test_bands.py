import pytest
import torch
from loss_case import CLASSES, case, enlarge

from sceneseg import losses
from sceneseg.errors import ConfigError, DataError, ModelError
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.losses import losses as shelf
from sceneseg.losses._bands import ROWS_PER_BAND, bands, map_over_bands, sum_over_bands

OURS = ["bce_dice", "boundary", "dice", "focal", "jaccard", "lovasz", "ohem"]


def test_the_case_needs_more_than_one_band():
    coarse, labels = case()
    assert labels.shape[1] > ROWS_PER_BAND
    assert len(list(bands(CoarseLogits(coarse), labels))) > 1


@pytest.mark.parametrize(("extent", "align"), [(None, False), (None, True), ((48, 32), False), ((41.5, 22.5), False)])
def test_bands_make_up_the_upsampled_logits(extent, align):
    coarse, labels = case()
    expected = CoarseLogits(coarse, extent, align).upsample((40, 21))
    bits = [band.upsample(coarse) for band in bands(CoarseLogits(coarse, extent, align), labels)]
    torch.testing.assert_close(torch.cat(bits, dim=2), expected)


def test_add_back_is_the_transpose():
    coarse, labels = case()
    upstream = torch.randn(2, CLASSES, 40, 21, dtype=torch.float64)
    gradient = torch.zeros_like(coarse)
    for band in bands(CoarseLogits(coarse), labels):
        band.add_back(upstream[:, :, band.rows], gradient)
    x = coarse.clone().requires_grad_()
    (expected,) = torch.autograd.grad((enlarge(x, labels) * upstream).sum(), x)
    torch.testing.assert_close(gradient, expected)


def test_sums_and_maps():
    coarse, labels = case()
    total = sum_over_bands(lambda x, y: x.square().sum((0, 2, 3)), CoarseLogits(coarse), [labels])
    torch.testing.assert_close(total, enlarge(coarse, labels).square().sum((0, 2, 3)))
    peaks = map_over_bands(lambda x, y: x.amax(1) + y, CoarseLogits(coarse), labels)
    torch.testing.assert_close(peaks, enlarge(coarse, labels).amax(1) + labels)


@pytest.mark.parametrize("name", OURS)
def test_half_precision_logits_are_worked_on_in_float32(name):
    coarse, labels = case()
    half = coarse.bfloat16().requires_grad_()
    loss = losses.create(name)(half, labels)
    loss.backward()
    assert loss.dtype == torch.float32
    assert half.grad.dtype == torch.bfloat16
    torch.testing.assert_close(loss, losses.create(name)(half.detach().float(), labels))


@pytest.mark.parametrize("name", OURS)
def test_full_size_logits_are_never_stored_for_the_way_back(name):
    """What autograd keeps stays below one tenth of the full-size logits, each of which is 4 x 512 x 512."""
    coarse = torch.randn(1, 8, 64, 64, requires_grad=True)
    labels = torch.randint(0, 8, (1, 512, 512), dtype=torch.uint8)
    kept: dict[int, int] = {}

    def keep(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        loss = losses.create(name)(coarse, labels)
    maps = 2 * labels.numel() * 4  # weights of the pixels, and labels
    assert sum(kept.values()) < 8 * labels.numel() * 4 / 10 + maps
    loss.backward()
    assert coarse.grad.abs().sum() > 0


@pytest.mark.parametrize("name", OURS)
def test_misfits_are_named(name):
    coarse, labels = case()
    criterion = losses.create(name)
    with pytest.raises(DataError, match=r"id 9.*4 classes"):
        criterion(coarse, torch.full_like(labels, 9))
    with pytest.raises(DataError, match="uint8"):
        criterion(coarse, labels.long())
    with pytest.raises(ModelError, match=r"\(B, C, h, w\)"):
        criterion(coarse[0], labels)
    with pytest.raises(ConfigError, match="each of 4 classes, found 2"):
        losses.create(name, class_weights=[1.0, 2.0])(coarse, labels)


def test_other_spellings():
    assert shelf.resolve("lovasz-softmax") == "lovasz"
    assert shelf.resolve("IoU") == "jaccard"
    assert set(OURS) < set(shelf.names())


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5, 4.0]])
def test_no_valid_pixel_gives_zero_and_no_gradient(name, weights):
    coarse, labels = case()
    x = coarse.requires_grad_()
    loss = losses.create(name, class_weights=weights)(x, torch.full_like(labels, 255))
    loss.backward()
    assert loss == 0
    assert x.grad.abs().max() == 0


@pytest.mark.parametrize("name", OURS)
def test_ignored_pixels_change_nothing(name):
    """Logits far out in the void, beyond the reach of any valid pixel, have no say."""
    coarse, labels = case()
    labels[:, 20:] = 255
    expected = losses.create(name)(coarse, labels)
    coarse[:, :, -2:] = 1e3
    torch.testing.assert_close(losses.create(name)(coarse, labels), expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", OURS)
def test_padded_images(name):
    """Logits that cover more than the labels: the same as labels that are void there."""
    coarse, labels = case()
    wide = torch.full((2, 48, 24), 255, dtype=torch.uint8)
    wide[:, :40, :21] = labels
    criterion = losses.create(name)
    torch.testing.assert_close(criterion(CoarseLogits(coarse, (48, 24)), labels), criterion(coarse, wide))
    aligned = criterion(CoarseLogits(coarse, (48, 24), True), labels)
    torch.testing.assert_close(aligned, criterion(CoarseLogits(coarse, align_corners=True), wide))
    assert aligned != criterion(coarse, wide)


@pytest.mark.parametrize("name", OURS)
def test_gradcheck(name):
    coarse, labels = case()
    coarse = coarse[:1, :, :2, :2].clone().requires_grad_()
    criterion = losses.create(name)
    assert torch.autograd.gradcheck(lambda x: criterion(x, labels[:1]), coarse, atol=1e-6, fast_mode=False)
