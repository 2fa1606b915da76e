import numpy as np
import pytest
import torch
from triton_case import DEVICE, needs_gpu

from sceneseg.errors import DataError
from sceneseg.kernels import grid
from sceneseg.kernels.confusion import confusion_counts, count_pairs_reference

triton_counts = pytest.importorskip("triton") and pytest.importorskip("sceneseg.kernels.confusion_triton")
PIXELS = triton_counts.PIXELS


def patches(rng, size, values):
    """Runs of equal values from 1 to 300 pixels long, as label maps have them."""
    values = rng.choice(np.array(values, np.uint8), size + 1)
    return np.repeat(values, rng.integers(1, 300, size + 1))[:size]


@pytest.mark.parametrize("size", [0, 1, 2, PIXELS - 1, PIXELS, PIXELS + 1, 3 * PIXELS + 7])
@pytest.mark.parametrize("kind", ["patches", "noise", "one class"])
def test_counts_are_exact(size, kind):
    rng = np.random.default_rng(size)
    if kind == "patches":
        labels, prediction = patches(rng, size, range(256)), patches(rng, size, [3, 200, 255])
    elif kind == "noise":
        labels, prediction = rng.integers(0, 256, (2, size)).astype(np.uint8)
    else:
        labels, prediction = np.full((2, size), 255, np.uint8)
    on_device = [torch.from_numpy(ids).to(DEVICE) for ids in (labels, prediction)]
    pairs = triton_counts.count_pairs_by_runs(*on_device)
    assert pairs.dtype == torch.int64
    assert np.array_equal(pairs.cpu().numpy(), count_pairs_reference(labels, prediction))


@needs_gpu
@pytest.mark.parametrize("with_triton", [True, False])
def test_tensors_of_a_gpu(with_triton, monkeypatch):
    monkeypatch.setattr(grid, "_has_triton", lambda: with_triton)
    labels, prediction = torch.randint(0, 19, (2, 1024, 2048), dtype=torch.uint8).unbind()
    labels[100:300] = 255
    counts = confusion_counts(labels.cuda().T, prediction.cuda().T, 19)
    assert np.array_equal(counts, confusion_counts(labels.numpy(), prediction.numpy(), 19))
    prediction[0, 0] = 19
    with pytest.raises(DataError, match=r"prediction hold the train id 19 \(1 pixels\)"):
        confusion_counts(labels.cuda(), prediction.cuda(), 19)
