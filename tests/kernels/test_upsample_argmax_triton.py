import numpy as np
import pytest
import torch
from triton_case import DEVICE, case, needs_gpu

from sceneseg.kernels import upsample_argmax as kernel
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.kernels.upsample_argmax import upsample_argmax_in_blocks

triton_argmax = pytest.importorskip("triton") and pytest.importorskip("sceneseg.kernels.upsample_argmax_triton")

SIZES = [  # coarse, output, extent
    ((4, 6), (32, 48), None),
    ((4, 5), (27, 38), (32, 40)),
    ((4, 5), (14, 17), (14.3, 17.7)),
    ((9, 11), (9, 11), None),
    ((9, 8), (5, 6), None),
    ((1, 1), (20, 30), None),
    ((1, 3), (5, 40), None),
]


def both(coarse, size, extent=None, align=False):
    """Return the labels found by Triton and those of the CPU's kernel."""
    rows, columns = CoarseLogits(coarse, extent, align).axes(size, np.float32)
    found = triton_argmax.upsample_argmax_in_registers(coarse, rows, columns)
    return found.cpu(), upsample_argmax_in_blocks(coarse.float().cpu().contiguous(), rows, columns)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("cells", "size", "extent"), SIZES)
def test_every_label_is_that_of_the_cpu(cells, size, extent, align):
    found, expected = both(case(cells, size, 5, batch=2)[0], size, extent, align)
    assert found.dtype == torch.uint8
    assert torch.equal(found, expected)


def test_the_reference_agrees():
    coarse = case((3, 4), (24, 32), 7)[0]
    assert torch.equal(both(coarse, (24, 32))[0], CoarseLogits(coarse).upsample((24, 32)).argmax(1).cpu())


def test_the_first_of_equal_classes_wins():
    """At a stride of 4 all weights are eighths: with whole logits nothing is rounded."""
    coarse = case((6, 7), (24, 28), 3)[0].round()
    doubled = torch.cat([coarse, coarse], 1)
    found, expected = both(doubled, (24, 28))
    assert found.max() < 3
    assert torch.equal(found, expected)
    assert torch.equal(found.to(DEVICE).long(), CoarseLogits(doubled).upsample((24, 28)).argmax(1))
    assert (both(torch.full_like(coarse, -3), (24, 28))[0] == 0).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_interpolated_in_float32(dtype):
    found, expected = both(case((6, 7), (30, 40), 5)[0].to(dtype), (30, 40))
    assert torch.equal(found, expected)


def test_any_memory_layout():
    coarse = case((6, 7), (30, 40), 5, batch=2)[0]
    expected = both(coarse, (30, 40))[1]
    assert torch.equal(both(coarse.to(memory_format=torch.channels_last), (30, 40))[0], expected)
    assert torch.equal(both(coarse.mT.contiguous().mT, (30, 40))[0], expected)


def test_the_dispatcher_takes_it(monkeypatch):
    monkeypatch.setattr(kernel, "runs_triton", lambda x: True)
    monkeypatch.setattr(kernel, "upsample_argmax_in_blocks", None)
    coarse = case((3, 4), (24, 32), 5)[0].requires_grad_()
    found = CoarseLogits(coarse, (24, 32)).argmax((20, 30))
    assert torch.equal(found, CoarseLogits(coarse, (24, 32)).upsample((20, 30)).argmax(1))


@needs_gpu
@pytest.mark.parametrize("stride", [1, 4, 8, 16, 32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_large_images_on_a_gpu(stride, dtype):
    coarse = case((1024 // stride, 2048 // stride), (1, 1), 19, batch=2)[0].to(dtype)
    found = CoarseLogits(coarse, (1024, 2048)).argmax((1000, 2048))
    assert torch.equal(found.cpu(), CoarseLogits(coarse.cpu(), (1024, 2048)).argmax((1000, 2048)))
