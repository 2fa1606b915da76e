import numpy as np
import pytest
import torch
from triton_case import case, needs_gpu

from sceneseg.kernels import upsample_cross_entropy as kernel
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.kernels.targets import make_targets
from sceneseg.kernels.upsample_cross_entropy import cross_entropy_reference

triton_kernel = pytest.importorskip("triton") and pytest.importorskip("sceneseg.kernels.upsample_cross_entropy_triton")

SIZES = [  # coarse, output, extent
    ((2, 3), (16, 24), None),
    ((3, 3), (9, 11), (12, 18)),
    ((3, 4), (10, 13), (10.3, 13.7)),
    ((6, 7), (6, 7), None),
    ((7, 5), (4, 3), None),
    ((1, 1), (5, triton_kernel.MOST_BESIDE + 5), None),
    ((1, 3), (triton_kernel.MOST_ROWS + 3, 20), None),
]


def sums(coarse, labels, weights=None, smoothing=0.0, extent=None, align=False, ignore_index=255, gradient=True):
    """Return the kernel's sums and gradient."""
    targets = make_targets(coarse, weights, smoothing, ignore_index)
    rows, columns = CoarseLogits(coarse, extent, align).axes(labels.shape[1:], np.float64)
    return triton_kernel.cross_entropy_in_registers(coarse, labels, targets, rows, columns, gradient)


def by_autograd(coarse, labels, weights=None, smoothing=0.0, extent=None, align=False, ignore_index=255):
    """Return the reference's sums and gradient in float64."""
    coarse = coarse.detach().double().requires_grad_()
    weights = None if weights is None else weights.double()
    full = CoarseLogits(coarse, extent, align).upsample(labels.shape[1:])
    loss_sum, weight_sum = cross_entropy_reference(full, labels, weights, smoothing, ignore_index)
    return loss_sum.detach(), weight_sum, torch.autograd.grad(loss_sum, coarse)[0]


def assert_close(found, expected, tolerance=1e-6):
    """Loss, weights, and the gradient as a whole, relative to float64."""
    for name, a, b in zip(("loss", "weights", "gradient"), found, expected, strict=True):
        assert a.dtype == torch.float32
        assert (a.double() - b).norm() <= tolerance * b.norm(), name


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("cells", "size", "extent"), SIZES)
@pytest.mark.parametrize(("weighted", "smoothing"), [(False, 0.0), (True, 0.1)])
def test_value_and_gradient_are_those_of_float64_autograd(cells, size, extent, align, weighted, smoothing):
    coarse, labels, weights = case(cells, size, classes=6)
    how = (weights if weighted else None, smoothing, extent, align)
    assert_close(sums(coarse, labels, *how), by_autograd(coarse, labels, *how))


@pytest.mark.parametrize("classes", [1, 4, 9])
def test_any_number_of_classes(classes):
    coarse, labels, weights = case((1, 2), (3, 4), classes, batch=2)
    assert_close(sums(coarse, labels, weights, 0.1), by_autograd(coarse, labels, weights, 0.1))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype):
    coarse, labels, weights = case((2, 3), (8, 12), 6)
    coarse = coarse.to(dtype)
    assert_close(sums(coarse, labels, weights, 0.1), by_autograd(coarse, labels, weights, 0.1))


def test_any_memory_layout():
    coarse, labels, _ = case((2, 3), (6, 9), 6, batch=2)
    expected = sums(coarse, labels)
    strided = labels.mT.contiguous().mT
    for given in (coarse.to(memory_format=torch.channels_last), coarse.mT.contiguous().mT):
        assert all(torch.equal(a, b) for a, b in zip(sums(given, strided), expected, strict=True))
    channels_last = sums(coarse.to(memory_format=torch.channels_last), strided)[2]
    assert channels_last.is_contiguous(memory_format=torch.channels_last)


def test_far_apart_logits_do_not_overflow():
    coarse, labels, _ = case((2, 2), (8, 8), 6, scale=3e4)
    assert_close(sums(coarse, labels), by_autograd(coarse, labels))


def test_nothing_valid():
    coarse, labels, weights = case((2, 3), (8, 12), 6)
    assert all((x == 0).all() for x in sums(coarse, torch.full_like(labels, 255), weights, 0.1))


@pytest.mark.parametrize("ignored", [0, 3])
def test_a_class_can_be_ignored(ignored):
    coarse, labels, weights = case((2, 3), (8, 12), 6)
    labels = labels.clamp(max=5)
    found = sums(coarse, labels, weights, 0.1, ignore_index=ignored)
    assert_close(found, by_autograd(coarse, labels, weights, 0.1, ignore_index=ignored))


def test_a_label_that_is_no_class_shows():
    coarse, labels, _ = case((2, 3), (8, 12), 6)
    labels[0, 4, 4] = 6
    assert sums(coarse, labels)[0].isnan()


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # NumPy's, in the interpreter
def test_a_diverged_network_shows(bad):
    coarse, labels, _ = case((2, 3), (8, 12), 6)
    coarse[0, 2, 1, 1] = bad
    assert not sums(coarse, labels)[0].isfinite()


def test_without_gradient_the_value_is_the_same():
    coarse, labels, weights = case((2, 3), (8, 12), 6)
    loss_sum, weight_sum, gradient = sums(coarse, labels, weights, 0.1, gradient=False)
    expected = sums(coarse, labels, weights, 0.1)
    assert gradient is None
    assert torch.equal(loss_sum, expected[0])
    assert torch.equal(weight_sum, expected[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_dispatcher_takes_it(dtype, monkeypatch):
    """Autograd included: the way back returns the logits' own type, and keeps nothing of the labels' size."""
    monkeypatch.setattr(kernel, "runs_triton", lambda x: x.dtype != torch.float64)
    monkeypatch.setattr(kernel, "cross_entropy_in_tiles", None)
    coarse, labels, weights = case((2, 3), (8, 12), 6)
    coarse = coarse.to(dtype).requires_grad_()
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.shape) or t, lambda t: t):
        loss_sum, weight_sum = CoarseLogits(coarse).cross_entropy(labels, class_weights=weights, label_smoothing=0.1)
    assert kept == [coarse.shape]
    (3 * loss_sum).backward()
    expected = by_autograd(coarse, labels, weights, 0.1)
    assert coarse.grad.dtype == dtype
    tolerance = 1e-6 if dtype == torch.float32 else 2**-8
    assert_close((loss_sum.detach(), weight_sum, coarse.grad.float() / 3), expected, tolerance)


@needs_gpu
@pytest.mark.parametrize("stride", [1, 4, 8, 16, 32])
def test_large_images_on_a_gpu(stride):
    coarse, labels, weights = case((512 // stride, 1024 // stride), (500, 1024), 19, batch=2)
    how = (weights, 0.1, (512, 1024), False)
    found = sums(coarse, labels, *how)
    assert_close(found, by_autograd(coarse, labels, *how))
    assert all(torch.equal(a, b) for a, b in zip(sums(coarse, labels, *how), found, strict=True))


@needs_gpu
def test_memory_on_a_gpu():
    """One float32 number for each pixel, and what is as small as the coarse logits."""
    coarse, labels, _ = case((128, 256), (1024, 2048), 19)
    coarse.requires_grad_()
    CoarseLogits(coarse).cross_entropy(labels)[0].backward()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    CoarseLogits(coarse).cross_entropy(labels)[0].backward()
    assert torch.cuda.max_memory_allocated() - before < 4 * labels.numel() + 4 * 4 * coarse.numel()
