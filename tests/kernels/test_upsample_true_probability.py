import numpy as np
import pytest
import torch
from triton_case import case, needs_gpu

from sceneseg.errors import ModelError
from sceneseg.kernels import upsample_true_probability as kernel
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.kernels.targets import make_targets
from sceneseg.kernels.upsample_true_probability import true_probability_reference

SIZES = [  # coarse, output, extent
    ((16, 32), (128, 256), None),
    ((13, 17), (90, 130), (97, 131)),
    ((20, 22), (80, 70), (81.3, 77.7)),
    ((31, 40), (31, 40), None),
    ((50, 40), (33, 20), None),
    ((20, 70), (80, 560), None),
    ((1, 8), (7, 50), None),
]


def expected(coarse, labels, extent=None, align=False):
    full = CoarseLogits(coarse.double(), extent, align).upsample(labels.shape[1:])
    return true_probability_reference(full, labels)


def assert_same(found, wanted, labels, tolerance=1e-6):
    valid = labels != 255
    assert found.shape == labels.shape
    assert (found >= 0).all()
    assert (found <= 1 + 1e-6).all()
    assert (found.double() - wanted)[valid].abs().max() <= tolerance


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("cells", "size", "extent"), SIZES)
def test_all_versions_agree_with_the_reference(cells, size, extent, align):
    coarse, labels, _ = (x.cpu() for x in case(cells, size, 6, batch=2))
    wanted = expected(coarse, labels, extent, align)
    assert_same(CoarseLogits(coarse, extent, align).true_probability(labels), wanted, labels, 1e-5)
    double = CoarseLogits(coarse.double(), extent, align).true_probability(labels)
    assert double.dtype == torch.float64
    assert_same(double, wanted, labels, 1e-12)


def test_any_type_and_layout():
    coarse, labels, _ = (x.cpu() for x in case((6, 7), (48, 50), 5, batch=2))
    wanted = CoarseLogits(coarse.bfloat16().float()).true_probability(labels)
    given = coarse.bfloat16().to(memory_format=torch.channels_last).requires_grad_()
    found = CoarseLogits(given).true_probability(labels.mT.contiguous().mT)
    assert torch.equal(found, wanted)
    assert not found.requires_grad


def test_errors():
    with pytest.raises(ModelError, match="cover 16 x 16 pixels"):
        CoarseLogits(torch.zeros(1, 2, 2, 2), (16, 16)).true_probability(torch.zeros(1, 17, 16, dtype=torch.uint8))


@pytest.mark.parametrize(
    ("cells", "size", "extent"), [((3, 5), (24, 40), None), ((4, 5), (14, 17), (14.3, 17.7)), ((6, 7), (6, 7), None)]
)
def test_triton(cells, size, extent):
    pytest.importorskip("triton")
    from sceneseg.kernels.upsample_cross_entropy_triton import true_probability_in_registers

    coarse, labels, _ = case(cells, size, 6, batch=2)
    rows, columns = CoarseLogits(coarse, extent).axes(size, np.float64)
    found = true_probability_in_registers(coarse, labels, make_targets(coarse, None, 0, 255), rows, columns)
    assert_same(found, expected(coarse, labels, extent), labels, 1e-5)


def test_the_dispatcher_takes_triton(monkeypatch):
    pytest.importorskip("triton")
    monkeypatch.setattr(kernel, "runs_triton", lambda x: True)
    monkeypatch.setattr(kernel, "true_probability_in_tiles", None)
    coarse, labels, _ = case((3, 4), (12, 16), 6)
    assert_same(CoarseLogits(coarse).true_probability(labels), expected(coarse, labels), labels, 1e-5)


@needs_gpu
def test_large_images_on_a_gpu():
    coarse, labels, _ = case((128, 256), (1000, 2048), 19, batch=2)
    found = CoarseLogits(coarse, (1024, 2048)).true_probability(labels)
    assert_same(found, expected(coarse, labels, (1024, 2048)), labels, 1e-5)
