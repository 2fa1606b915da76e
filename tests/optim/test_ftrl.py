import pytest
import torch

from sceneseg.optim.optimizers.ftrl import Ftrl


def descend(make, rates, start):
    """Minimise |w - target|^2 from `start` with a learning rate for each step; return every w."""
    weight = start.clone().requires_grad_()
    optimizer = make([weight])
    target = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    path = []
    for lr in rates:
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
        path.append(weight.detach().clone())
    return torch.stack(path)


def start():
    return torch.tensor([3.0, 1.0, 0.5], dtype=torch.float64)


def by_the_paper(start, lr, steps, l1, l2, beta, n0=0.1):
    """Algorithm 1 of the paper, coordinate by coordinate, with z chosen to give `start`, penalties apart."""
    target = [1.0, -2.0, 0.5]
    path = []
    w, n = start.tolist(), [n0] * 3
    z = [-x * (beta + n0**0.5) / lr for x in w]
    for _ in range(steps):
        for i in range(3):
            g = 2 * (w[i] - target[i])
            sigma = ((beta + (n[i] + g * g) ** 0.5) - (beta + n[i] ** 0.5)) / lr
            z[i] += g - sigma * w[i]
            n[i] += g * g
            sign = 1 if z[i] > 0 else -1
            w[i] = 0.0 if abs(z[i]) <= l1 else -(z[i] - sign * l1) / ((beta + n[i] ** 0.5) / lr + l2)
        path.append(list(w))
    return torch.tensor(path, dtype=torch.float64)


@pytest.mark.parametrize(("l1", "l2", "beta"), [(0, 0, 0), (0.5, 0, 0), (0, 0.3, 1.0), (2.0, 0.1, 0.5)])
def test_equals_the_papers_algorithm(l1, l2, beta):
    path = descend(lambda w: Ftrl(w, l1=l1, l2=l2, beta=beta), [0.1] * 12, start())
    torch.testing.assert_close(path, by_the_paper(start(), 0.1, 12, l1, l2, beta))


def test_without_penalties_it_is_adagrad_whatever_the_schedule():
    rates = [0.3, 0.2, 0.25, 0.01, 0.4]
    adagrad = descend(lambda w: torch.optim.Adagrad(w, lr=1.0, initial_accumulator_value=0.1, eps=0), rates, start())
    torch.testing.assert_close(descend(Ftrl, rates, start()), adagrad)


def test_l1_makes_exact_zeros():
    path = descend(lambda w: Ftrl(w, l1=60.0), [0.5] * 40, start())
    assert (path[-1] == 0).tolist() == [False, False, True]


def test_decay_pulls_towards_zero():
    weight = torch.ones(2, requires_grad=True)
    optimizer = Ftrl([weight], lr=0.1, weight_decay=0.5)
    weight.grad = torch.zeros(2)
    optimizer.step()
    assert torch.allclose(weight, torch.tensor(1 - 0.1 * 0.5 / 0.1**0.5))


def test_a_rate_of_zero_changes_nothing():
    path = descend(Ftrl, [0.1, 0.0, 0.1], start())
    assert torch.equal(path[0], path[1])
    assert not torch.equal(path[1], path[2])
