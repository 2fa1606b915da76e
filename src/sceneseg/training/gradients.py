"""The gradients of one optimizer step: those of the whole batch, in as many parts as the memory asks for.

The batch that the optimizer sees never changes. What doesn't fit at once is computed in parts (micro-batches) whose
gradients add up: exactly for means over pixels, each part with its share of the batch's valid pixels; and for losses
of the batch as a whole (Dice, Jaccard, Lovasz, OHEM), by computing the loss on the coarse logits of all parts, then
sending its gradient through each part again. BatchNorm sees the parts, not the batch: freeze its statistics, or use a
network with GroupNorm, where that matters.

Source: the second way is that of Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
RepL4NLP 2021.
"""

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule
from torch import Tensor, nn

from sceneseg.devices import is_out_of_memory, sum_over_processes
from sceneseg.errors import TrainingError
from sceneseg.loading.scene_samples import Batch
from sceneseg.models.batch_norm import explained_statistics
from sceneseg.tasks.base import Step
from sceneseg.wording import counted

Params = dict[str, Tensor]
"""What each device transform has drawn, (B, ...) by its name."""


@dataclass
class GradientAccumulator:
    """Computes the gradients of a batch, and splits it when the memory doesn't suffice.

    Args:
        fabric: Device, precision and processes.
        module: The step, as Fabric has set it up.
        step: The same as the task made it.
        micro_batch: Samples of a part at most, in each process.
    """

    fabric: Fabric
    module: _FabricModule
    step: Step
    micro_batch: int
    before: "StepSnapshot | None" = None
    """What the last batch found."""

    def compute(self, batch: Batch, say: Callable[[str], object]) -> float:
        """Add the gradients of a batch to those of the parameters; return its loss.

        Args:
            batch: The samples of a step.
            say: Called when the batch must be split.

        Raises:
            TrainingError: One sample alone doesn't fit into the memory.
            ModelError: One sample alone has too few values for BatchNorm.
        """
        arrays = self.fabric.to_device((batch.image, batch.params, batch.labels))
        while True:
            self.before = before = StepSnapshot(self.step)
            try:
                with explained_statistics((batch.image.shape[-2], batch.image.shape[-1])):
                    loss = self._add(*arrays)
                return float(sum_over_processes(torch.tensor(loss, dtype=torch.float64))) / self.fabric.world_size
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                size = min(self.micro_batch, len(batch.image))
                if self.fabric.world_size > 1:  # the others have begun to exchange gradients
                    raise TrainingError(
                        f"Out of memory with {counted(size, 'sample')} at once in each process. Resume the run with "
                        f"fewer: train.micro_batch {max(1, size // 2)}.",
                        field="train.micro_batch",
                    ) from error
            before.restore(self.step)
            if size == 1:
                raise TrainingError(
                    "The memory doesn't suffice for one sample. Give a smaller augment.crop_size or data.target_size, "
                    "train.checkpoint_activations, or a smaller model.",
                    field="augment.crop_size",
                )
            self.micro_batch = (size + 1) // 2
            tried = counted(size, "sample")
            say(f"out of memory with {tried} at once; continuing with {self.micro_batch}, for the same batch")

    def undo(self) -> None:
        """Take back what the last batch changed besides weights: gradients, statistics of BatchNorm, random numbers."""
        if self.before is not None:
            self.before.restore(self.step)

    def _add(self, image: Tensor, params: Params, labels: Tensor) -> float:
        whole = None
        parts = len(labels) > self.micro_batch
        if parts or self.fabric.world_size > 1:
            weights = self.step.weights(labels)
            if weights is None and parts:
                return self._add_through_logits(image, params, labels)
            # the processes' gradients are averaged afterwards, hence their number
            whole = None if weights is None else sum_over_processes(weights) / self.fabric.world_size
        total = 0.0
        for part, last in self._parts(len(labels)):
            with self._unless(last):
                loss = self.module(image[part], _part(params, part), labels[part], whole)
                self.fabric.backward(loss)
            total += float(loss.detach())
        return total

    def _add_through_logits(self, image: Tensor, params: Params, labels: Tensor) -> float:
        """Compute the loss on the outputs of all parts, then send its gradient through each part again."""
        before = StepSnapshot(self.step)
        states, found = [], []
        for part, _ in self._parts(len(labels)):
            states.append(random_state())
            with torch.no_grad():
                found.append(self.module(image[part], _part(params, part)))
        before.restore_buffers(self.step)
        outputs = tuple(torch.cat(heads).detach().requires_grad_() for heads in zip(*found, strict=True))
        del found
        loss = self.step.loss(outputs, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        for (part, last), state in zip(self._parts(len(labels)), states, strict=True):
            set_random_state(state)
            with self._unless(last):
                again = self.module(image[part], _part(params, part))
                heads = zip(again, outputs, strict=True)
                products = [(new * old.grad[part]).sum() for new, old in heads if old.grad is not None]
                self.fabric.backward(sum(products))  # the gradient of a product is the other factor
        return float(loss.detach())

    def _parts(self, samples: int) -> Iterator[tuple[slice, bool]]:
        """Yield each part and whether it is the last."""
        for start in range(0, samples, self.micro_batch):
            yield slice(start, start + self.micro_batch), start + self.micro_batch >= samples

    def _unless(self, last: bool) -> Any:
        """Return the context in which processes don't exchange gradients yet."""
        return nullcontext() if last or self.fabric.world_size == 1 else self.fabric.no_backward_sync(self.module)


def _part(params: Params, part: slice) -> Params:
    return {name: drawn[part] for name, drawn in params.items()}


class StepSnapshot:
    """Random states and BatchNorm statistics from before a step, for rolling it back."""

    def __init__(self, step: Step) -> None:
        self.random = random_state()
        self.buffers = [buffer.clone() for buffer in step.buffers()]

    def restore(self, step: Step) -> None:
        """Undo a step that was broken off."""
        set_random_state(self.random)
        self.restore_buffers(step)
        step.zero_grad(set_to_none=True)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def restore_buffers(self, step: Step) -> None:
        """Bring the statistics back."""
        for buffer, before in zip(step.buffers(), self.buffers, strict=True):
            buffer.copy_(before)


def random_state() -> dict[str, Tensor]:
    """Return the state of this process's random numbers."""
    state = {"torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return state


def set_random_state(state: dict[str, Tensor]) -> None:
    """Restore a state."""
    torch.set_rng_state(state["torch"].cpu())
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"].cpu())


def freeze_statistics(module: nn.Module) -> None:
    """Put every BatchNorm into evaluation mode: it normalizes by its running statistics and leaves them alone."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.eval()
