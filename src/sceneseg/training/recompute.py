"""Activation checkpointing: a block keeps its input alone and is computed again on the way back.

Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016 (arXiv 1604.06174).
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn


def checkpoint_blocks(network: nn.Module) -> int:
    """Recompute every block of a network in the backward pass; gradients and statistics stay the same.

    Returns:
        The number of blocks.
    """
    blocks = list(outermost_blocks(network))
    for block in blocks:
        block.forward = partial(_checkpointed, block, block.forward)
    return len(blocks)


def outermost_blocks(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the members of `Sequential`s and `ModuleList`s that have parts of their own, not those within others."""
    holds_blocks = isinstance(module, nn.Sequential | nn.ModuleList)
    for child in module.children():
        if holds_blocks and not isinstance(child, nn.Sequential | nn.ModuleList) and any(child.children()):
            yield child
        else:
            yield from outermost_blocks(child)


def _checkpointed(block: nn.Module, forward: Callable[..., Any], *inputs: Any) -> Any:
    if not (block.training and torch.is_grad_enabled()):
        return forward(*inputs)
    from torch.utils.checkpoint import checkpoint  # it imports PyTorch's compiler, which takes seconds

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _untouched_statistics(block)

    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)


@contextmanager
def _untouched_statistics(block: nn.Module) -> Iterator[None]:
    """Keep the running statistics of BatchNorm, which have seen this batch already."""
    norms = [m for m in block.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
    before = [{name: buffer.clone() for name, buffer in norm.named_buffers()} for norm in norms]
    try:
        yield
    finally:
        with torch.no_grad():
            for norm, buffers in zip(norms, before, strict=True):
                for name, buffer in norm.named_buffers():
                    buffer.copy_(buffers[name])
