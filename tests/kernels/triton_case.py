"""Where the tests of the Triton kernels run: on a GPU if there is one, otherwise in Triton's interpreter on the CPU.

The interpreter is slow: what it is given must be small. `needs_gpu` marks what isn't.
"""

import pytest
import torch

GPU = torch.cuda.is_available()
DEVICE = "cuda" if GPU else "cpu"
needs_gpu = pytest.mark.skipif(not GPU, reason="no GPU here: this has not been run on one")


def case(cells, size, classes, batch=1, scale=5.0, seed=0):
    """Logits, class weights, and labels of which some are void."""
    generator = torch.Generator().manual_seed(seed)
    coarse = scale * torch.randn(batch, classes, *cells, generator=generator)
    labels = torch.randint(0, classes, (batch, *size), generator=generator, dtype=torch.uint8)
    labels[torch.rand(labels.shape, generator=generator) < 0.1] = 255
    labels[0, :2] = 255
    return coarse.to(DEVICE), labels.to(DEVICE), (0.1 + torch.rand(classes, generator=generator)).to(DEVICE)
