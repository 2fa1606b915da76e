from typing import Any

import torch

from sceneseg import models


def parameters(**arguments: Any) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in models.create("bisenet_v2", **arguments).parameters())


def test_has_the_parameters_of_the_reference() -> None:
    assert parameters(num_classes=19) == 5_231_487
    assert parameters(num_classes=19, aux=False) == 3_358_627


def test_four_auxiliary_heads_look_at_twice_the_size_of_their_stage() -> None:
    model = models.create("bisenet_v2", num_classes=5, width=0.25, head_channels=32)
    logits = model.coarse_logits(torch.rand(2, 3, 64, 96))
    assert [tuple(x.shape) for x in logits] == [(2, 5, 64 // s, 96 // s) for s in (8, 2, 4, 8, 16)]
    assert len(model.eval().coarse_logits(torch.rand(1, 3, 64, 96))) == 1


def test_a_batch_of_one_can_be_trained_on() -> None:
    model = models.create("bisenet_v2", num_classes=2, width=0.25, head_channels=32, aux=False)
    model.coarse_logits(torch.rand(1, 3, 64, 64))[0].sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_each_branch_gates_the_other() -> None:
    gate = models.create("bisenet_v2", num_classes=2, width=0.25, head_channels=8).eval().aggregation
    detail = torch.rand(1, 32, 8, 8, requires_grad=True)
    semantic = torch.rand(1, 32, 2, 2, requires_grad=True)
    (slope,) = torch.autograd.grad(gate(detail, semantic).square().sum(), semantic, create_graph=True)
    (mixed,) = torch.autograd.grad(slope.sum(), detail)
    assert mixed.abs().max() > 0  # a sum of two branches would have no mixed derivative inside the gates
