import pytest
import torch

from sceneseg.optim.optimizers.muon import Muon, orthogonalize


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8), (1, 9)])
def test_singular_values_come_near_one(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    result = orthogonalize(matrix)
    values = torch.linalg.svdvals(result)
    assert result.shape == shape
    assert values.min() > 0.5
    assert values.max() < 1.3
    assert torch.einsum("ij,ij->", result, u @ v) > 0.65 * min(shape), "the directions stay"


def test_a_step_of_filters():
    """Size, direction and decay of the first update: momentum looks ahead, filters are matrices."""
    torch.manual_seed(0)
    weight = torch.randn(6, 4, 3, 3)
    parameter = weight.clone().requires_grad_()
    gradient = torch.randn(6, 4, 3, 3)
    parameter.grad = gradient.clone()
    Muon([{"params": [parameter], "matrices": True}], lr=0.1, weight_decay=0.2).step()
    step = weight * (1 - 0.1 * 0.2) - parameter.detach()
    expected = 0.1 * 0.2 * 36**0.5 * orthogonalize(gradient.flatten(1)).view(6, 4, 3, 3)
    torch.testing.assert_close(step, expected)
    assert torch.equal(parameter.grad, gradient)


def test_momentum():
    torch.manual_seed(0)
    first, second = torch.randn(2, 5, 7)
    parameter = torch.zeros(5, 7, requires_grad=True)
    optimizer = Muon([{"params": [parameter], "matrices": True}], lr=1.0, weight_decay=0.0, momentum=0.8)
    for gradient in (first, second):
        before = parameter.detach().clone()
        parameter.grad = gradient
        optimizer.step()
    momentum = 0.8 * 0.2 * first + 0.2 * second
    expected = orthogonalize(0.2 * second + 0.8 * momentum) * 0.2 * 7**0.5
    torch.testing.assert_close(before - parameter.detach(), expected)


def test_everything_else_takes_the_steps_of_adamw():
    torch.manual_seed(0)
    start, gradients = torch.randn(4, 3), torch.randn(5, 4, 3)
    ends = []
    for make in (Muon, torch.optim.AdamW):
        parameter = start.clone().requires_grad_()
        optimizer = make([parameter], lr=0.01, weight_decay=0.1)
        for gradient in gradients:
            parameter.grad = gradient
            optimizer.step()
        ends.append(parameter.detach())
    torch.testing.assert_close(ends[0], ends[1])


def test_channels_last_filters():
    torch.manual_seed(0)
    weight, gradient = torch.randn(2, 6, 4, 3, 3)
    ends = []
    for layout in (torch.contiguous_format, torch.channels_last):
        parameter = weight.clone().to(memory_format=layout).requires_grad_()
        parameter.grad = gradient.to(memory_format=layout)
        Muon([{"params": [parameter], "matrices": True}]).step()
        ends.append(parameter.detach().contiguous())
    torch.testing.assert_close(ends[0], ends[1])
