import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sceneseg.errors import ConfigError, DataError, ModelError
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.kernels.targets import make_targets
from sceneseg.kernels.upsample_cross_entropy import cross_entropy_in_bands, cross_entropy_reference
from sceneseg.kernels.upsample_cross_entropy_numba import PIXELS_PER_TILE, _exp

CLASSES = 6


def case(cells, size, classes=CLASSES, batch=2, scale=5.0):
    """Logits, class weights, and labels of which some are void."""
    generator = torch.Generator().manual_seed(0)
    coarse = scale * torch.randn(batch, classes, *cells, generator=generator)
    labels = torch.randint(0, classes, (batch, *size), generator=generator, dtype=torch.uint8)
    labels[torch.rand(labels.shape, generator=generator) < 0.1] = 255
    labels[0, :3] = 255
    return coarse, labels, 0.1 + torch.rand(classes, generator=generator)


def ours(coarse, labels, *, extent=None, align_corners=False, **options):
    return CoarseLogits(coarse, extent, align_corners).cross_entropy(labels, **options)


def reference(coarse, labels, *, extent=None, align_corners=False, **options):
    full = CoarseLogits(coarse, extent, align_corners).upsample(labels.shape[1:])
    return cross_entropy_reference(full, labels, **options)


def value_and_gradient(loss, coarse, *arguments, **options):
    coarse = coarse.detach().clone().requires_grad_()
    loss_sum, weight_sum = loss(coarse, *arguments, **options)
    (3 * loss_sum).backward()
    return loss_sum.detach(), weight_sum, coarse.grad / 3


def in_bands(coarse, labels, class_weights, label_smoothing, extent, align_corners):
    targets = make_targets(coarse, class_weights, label_smoothing, 255)
    rows, columns = CoarseLogits(coarse, extent, align_corners).axes(labels.shape[1:], np.float64)
    return cross_entropy_in_bands(coarse, labels, targets, rows, columns, True)


def assert_close(found, expected, tolerance=1e-6):
    """Loss, weights, and the gradient as a whole, relative to float64."""
    for name, a, b in zip(("loss", "weights", "gradient"), found, expected, strict=True):
        assert (a.double() - b).norm() <= tolerance * b.norm(), name


SIZES = [  # coarse, output, extent
    ((16, 32), (128, 256), None),
    ((20, 70), (80, 2 * PIXELS_PER_TILE + 48), None),
    ((13, 17), (90, 130), (97, 131)),
    ((40, 9), (300, 65), (320, 72)),
    ((40, 9), (100, 20), (320, 72)),
    ((9, 9), (65, 65), None),
    ((20, 22), (80, 70), (81.3, 77.7)),
    ((31, 40), (31, 40), None),
    ((18, 300), (17, 290), (18, 300)),
    ((50, 40), (33, 20), None),
    ((1, 1), (30, 30), None),
    ((1, 8), (7, 50), None),
]


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("cells", "size", "extent"), SIZES)
@pytest.mark.parametrize(("weighted", "smoothing"), [(False, 0.0), (True, 0.1)])
def test_all_versions_agree_with_float64_autograd(cells, size, extent, align, weighted, smoothing):
    coarse, labels, weights = case(cells, size)
    weights = weights if weighted else None
    double = None if weights is None else weights.double()
    options = {"label_smoothing": smoothing, "extent": extent, "align_corners": align}
    expected = value_and_gradient(reference, coarse.double(), labels, class_weights=double, **options)

    tiles = value_and_gradient(ours, coarse, labels, class_weights=weights, **options)
    assert tiles[2].dtype == torch.float32
    assert_close(tiles, expected)
    assert_close(in_bands(coarse, labels, weights, smoothing, extent, align), expected)
    bands = value_and_gradient(ours, coarse.double(), labels, class_weights=double, **options)
    assert_close(bands, expected, tolerance=1e-13)


def test_reference_is_torchs():
    coarse, labels, weights = case((6, 8), (48, 64))
    found = reference(coarse, labels, class_weights=weights, label_smoothing=0.1)
    logits = F.interpolate(coarse, (48, 64), mode="bilinear", align_corners=False)
    expected = F.cross_entropy(logits, labels.long(), weights, ignore_index=255, label_smoothing=0.1, reduction="none")
    torch.testing.assert_close(found[0], expected.sum())
    torch.testing.assert_close(found[1], weights[labels[labels != 255].long()].sum())


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradcheck(smoothing):
    coarse, labels, weights = case((3, 4), (10, 13), classes=3)

    def loss(x):
        return CoarseLogits(x).cross_entropy(labels, class_weights=weights, label_smoothing=smoothing)[0]

    assert torch.autograd.gradcheck(loss, coarse.double().requires_grad_())


def test_many_classes():
    coarse, labels, _ = case((8, 8), (64, 64), classes=255, batch=1)
    expected = value_and_gradient(reference, coarse.double(), labels)
    assert_close(value_and_gradient(ours, coarse, labels), expected)


def test_far_apart_logits_do_not_overflow():
    coarse, labels, _ = case((8, 8), (64, 64), scale=3e4)
    expected = value_and_gradient(reference, coarse.double(), labels)
    assert_close(value_and_gradient(ours, coarse, labels), expected)


def test_a_common_offset_changes_little():
    coarse, labels, _ = case((8, 8), (64, 64))
    expected = value_and_gradient(ours, coarse.round(), labels, label_smoothing=0.1)
    shifted = value_and_gradient(ours, coarse.round() + 1024, labels, label_smoothing=0.1)
    assert_close(shifted, expected, tolerance=1e-4)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_diverged_network_shows(bad, dtype):
    coarse, labels, _ = case((8, 8), (64, 64))
    coarse[0, 2, 4, 4] = bad
    assert not CoarseLogits(coarse.to(dtype)).cross_entropy(labels)[0].isfinite()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    coarse, labels, weights = case((13, 17), (97, 131))
    coarse = coarse.to(dtype)
    half = value_and_gradient(ours, coarse, labels, class_weights=weights)
    full = value_and_gradient(ours, coarse.float(), labels, class_weights=weights)
    assert half[0].dtype == torch.float32
    assert torch.equal(half[0], full[0])
    assert half[2].dtype == dtype
    torch.testing.assert_close(half[2].float(), full[2], rtol=2**-7, atol=1e-3)


def test_any_memory_layout():
    coarse, labels, _ = case((13, 17), (97, 131))
    expected = value_and_gradient(ours, coarse, labels)
    strided = labels.mT.contiguous().mT
    found = value_and_gradient(ours, coarse.to(memory_format=torch.channels_last), strided)
    for a, b in zip(found, expected, strict=True):
        assert torch.equal(a, b)


def test_the_number_of_threads_changes_no_bit():
    coarse, labels, _ = case((50, 20), (400, 160))
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            results.append(value_and_gradient(ours, coarse, labels))
    finally:
        torch.set_num_threads(before)
    for result in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(result, results[0], strict=True))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_gradient_the_value_is_the_same(dtype):
    coarse, labels, _ = case((13, 17), (97, 131))
    coarse = coarse.to(dtype).requires_grad_()
    expected, _ = CoarseLogits(coarse).cross_entropy(labels)
    with torch.no_grad():
        found, _ = CoarseLogits(coarse).cross_entropy(labels)
    assert expected.requires_grad
    assert not found.requires_grad
    assert torch.equal(expected, found)
    assert torch.equal(CoarseLogits(coarse.detach()).cross_entropy(labels)[0], found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_only_coarse_tensors_are_kept_for_the_way_back(dtype):
    coarse, labels, _ = case((13, 17), (97, 131))
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.shape) or t, lambda t: t):
        CoarseLogits(coarse.to(dtype).requires_grad_()).cross_entropy(labels)
    assert kept == [coarse.shape]


def test_nothing_valid():
    coarse, labels, weights = case((4, 4), (32, 32))
    found = value_and_gradient(ours, coarse, torch.full_like(labels, 255), class_weights=weights)
    assert all((x == 0).all() for x in found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("ignored", [0, 3])
def test_a_class_can_be_ignored(dtype, ignored):
    coarse, labels, weights = case((6, 7), (48, 56))
    labels = labels.clamp(max=CLASSES - 1)
    options = {"class_weights": weights.double(), "label_smoothing": 0.1, "ignore_index": ignored}
    expected = value_and_gradient(reference, coarse.double(), labels, **options)
    assert_close(value_and_gradient(ours, coarse.to(dtype), labels, **options), expected)


def test_exp():
    x = -np.linspace(0, 87, 20_001, dtype=np.float32)
    found = np.array([_exp(v) for v in x], np.float64)
    assert np.abs(found / np.exp(x.astype(np.float64)) - 1).max() < 1.2e-7
    assert _exp(np.float32(0)) == 1
    assert 0 < _exp(np.float32(-1e30)) < 2e-38
    assert np.isnan(_exp(np.float32("nan")))


def test_errors():
    coarse, labels, _ = case((4, 4), (32, 32))
    for message, error, arguments in [
        (r"\(B, C, h, w\) and labels", ModelError, (coarse[0], labels)),
        (r"\(B, C, h, w\) and labels", ModelError, (coarse, labels[:1])),
        ("uint8 train ids, found torch.int64", DataError, (coarse, labels.long())),
        ("hold the id 5", DataError, (coarse[:, :5], labels)),
    ]:
        with pytest.raises(error, match=message):
            ours(*arguments)
    with pytest.raises(ConfigError, match="each of 6 classes, found 2"):
        CoarseLogits(coarse).cross_entropy(labels, class_weights=torch.ones(2))
    with pytest.raises(ModelError, match="cover 24 x 32 pixels"):
        CoarseLogits(coarse, (24, 32)).cross_entropy(labels)
