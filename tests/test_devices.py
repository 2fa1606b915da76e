import pytest
import torch
from torch import nn

from sceneseg.devices import is_out_of_memory, keep_in_float32


@pytest.mark.parametrize("dilation", [2, 4])
def test_dilated_convolutions_have_right_gradients_in_bf16(dilation):
    torch.manual_seed(0)
    conv = nn.Conv2d(25, 25, 3, padding=dilation, dilation=dilation, bias=False).to(memory_format=torch.channels_last)
    features = torch.rand(4, 25, 16, 32).contiguous(memory_format=torch.channels_last)
    (expected,) = torch.autograd.grad(conv(features).square().sum(), conv.weight)
    keep_in_float32(nn.Sequential(conv))
    with torch.autocast("cpu", torch.bfloat16):
        (actual,) = torch.autograd.grad(conv(features.bfloat16()).float().square().sum(), conv.weight)
    assert (actual - expected).abs().max() <= 0.01 * expected.abs().max()


@pytest.mark.parametrize(("stride", "groups", "in_float32"), [(2, 8, True), (2, 1, False), (1, 8, False)])
def test_grouped_convolutions_with_a_stride_compute_in_float32(stride, groups, in_float32):
    torch.manual_seed(0)
    conv = nn.Conv2d(8, 8, 3, stride=stride, groups=groups, bias=False)
    features = torch.rand(1, 8, 16, 32).bfloat16()
    exact = conv(features.float()).bfloat16()
    keep_in_float32(nn.Sequential(conv))
    with torch.autocast("cpu", torch.bfloat16):
        found = conv(features)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, exact) == in_float32


@pytest.mark.parametrize(
    ("error", "memory"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
    ],
)
def test_a_lack_of_memory_is_told_from_other_errors(error, memory):
    assert is_out_of_memory(error) is memory
