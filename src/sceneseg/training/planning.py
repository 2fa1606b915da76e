"""Memory plans of training steps: counted before the first one, so that no step has to fail first."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from sceneseg.arrays import ImageSize
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError, ModelError
from sceneseg.models.cost import model_cost, model_memory
from sceneseg.optim import optimizers
from sceneseg.training.recompute import checkpoint_blocks

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}
SAFE = 0.8
"""Part of the memory that is planned with: libraries and fragmentation take theirs."""
MOST_PER_PIXEL = 16 * 2**10
"""Bytes of a sample's activations for each of its pixels, more than the architectures here take."""
HALF = 0.5
"""What activations take in mixed precision, against float32."""


@dataclass(frozen=True)
class Plan:
    """Memory plan of a training step, in bytes.

    Args:
        batch: Samples of a step in each process.
        weights: Weights, which gradients take once more.
        optimizer: What the optimizer keeps for each weight.
        average: The moving average of the weights.
        sample: Activations of one sample, forward and backward.
        memory: What there is.
        micro_batch: Samples that fit at once; 0 if not even one does.
    """

    batch: int
    weights: int
    optimizer: int
    average: int
    sample: int
    memory: int
    micro_batch: int

    @property
    def fixed(self) -> int:
        """Memory of a step that doesn't depend on the batch."""
        return 2 * self.weights + self.optimizer + self.average

    @property
    def parts(self) -> int:
        """In how many parts a batch is computed."""
        return -(-self.batch // max(1, self.micro_batch))


def plan(
    config: Config,
    num_classes: int,
    size: ImageSize,
    memory: int,
    precision: str,
    processes: int = 1,
    sample: int | None = None,
) -> Plan:
    """Count what a step takes, on the meta device.

    Args:
        config: Model, batch size, optimizer and average.
        num_classes: Channels of the logits.
        size: (height, width) of the samples.
        memory: Bytes that a process may take.
        precision: "32-true", "bf16-mixed" or "16-mixed".
        processes: That share a batch.
        sample: Bytes of one sample's activations, where they were measured.
    """
    sample = _counted(config, num_classes, size, precision) if sample is None else sample
    weights = 4 * (model_cost(config.model_name, num_classes, size, **config.model_arguments).parameters_training or 0)
    batch = -(-config.train.batch_size // processes)
    kept = round(weights * _kept_for_a_weight(config))
    average = weights if config.train.ema else 0
    room = SAFE * memory - (2 * weights + kept + average)
    micro_batch = max(0, min(batch, int(room / max(1, sample))))
    if micro_batch:  # parts of one size
        micro_batch = -(-batch // -(-batch // micro_batch))
    return Plan(batch, weights, kept, average, sample, memory, micro_batch)


def _counted(config: Config, num_classes: int, size: ImageSize, precision: str) -> int:
    prepare = checkpoint_blocks if config.train.checkpoint_activations else None

    def counted(batch: int) -> int:
        arguments = config.model_arguments
        return model_memory(config.model_name, num_classes, size, batch, prepare=prepare, **arguments).backward

    try:
        sample: float = counted(2) - counted(1)
    except ModelError:  # too small to be trained on alone
        sample = (counted(4) - counted(2)) / 2
    return round(sample * (1.0 if precision == "32-true" else HALF))


def _kept_for_a_weight(config: Config) -> float:
    """Return how many numbers the optimizer keeps for each weight, by letting it do a step."""
    layer = nn.Conv2d(8, 8, 3)
    # the parts that learn slower or faster are the model's, not this layer's, and keep as many numbers
    optimizer = optimizers.create(nn.ModuleDict({"network": layer}), replace(config.optim, lr_scale={}))
    layer(torch.zeros(1, 8, 3, 3)).sum().backward()
    optimizer.step()
    state = optimizer.state.get(layer.weight, {})
    return sum(v.numel() for v in state.values() if torch.is_tensor(v) and v.ndim) / layer.weight.numel()


def free_memory(device: str) -> int:
    """Return the bytes that a process can still get."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        free = 8 * 2**30
    return min(free, _left_in_group(Path("/sys/fs/cgroup")))


def _left_in_group(root: Path) -> int:
    """Return what containers and SLURM leave of their limit (Linux control groups, version 2), or very much."""
    left = 2**62
    try:
        own = Path("/proc/self/cgroup").read_text().strip().rpartition("::/")[2]
        for group in [root / own, *(root / own).parents]:
            if (limit := group / "memory.max").is_file() and (most := limit.read_text().strip()) != "max":
                used = int((group / "memory.current").read_text())
                files = re.findall(r"^(?:in)?active_file (\d+)$", (group / "memory.stat").read_text(), re.MULTILINE)
                left = min(left, int(most) - used + sum(map(int, files)))  # pages of files are given back
            if group == root:
                break
    except (OSError, ValueError):
        pass
    return max(left, 0)


def parse_bytes(text: str) -> int:
    """Read "8GB", "512 MiB" or a plain number of bytes.

    Raises:
        ConfigError: It is none of these.

    Example:
        >>> parse_bytes("8GB"), parse_bytes("512 MiB")
        (8000000000, 536870912)
    """
    match = re.fullmatch(r"([0-9.]+)\s*([kmg]i?)?b?", text.strip().lower())
    if match is None:
        raise ConfigError(f"Expected an amount of memory such as 8GB or 512MiB, found {text!r}.", field="train.memory")
    return int(float(match[1]) * UNITS[match[2] or ""])


def show_bytes(number: int) -> str:
    """Write bytes as people read them.

    Example:
        >>> show_bytes(1_500_000_000), show_bytes(2_000_000)
        ('1.50 GB', '2 MB')
    """
    return f"{number / 1e9:.2f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
