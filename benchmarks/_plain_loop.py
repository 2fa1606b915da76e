"""A training loop as it stands in most repositories: full-size logits, PyTorch's cross-entropy, PyTorch's loader."""

import time
from collections.abc import Iterator
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from sceneseg.config.schema import Config
from sceneseg.datasets.base import SceneDataset
from sceneseg.inference.networks import autocast
from sceneseg.labels import IGNORE_INDEX
from sceneseg.loading.scene_samples import EpochOrder
from sceneseg.models.base import SegmentationModel
from sceneseg.optim.schedules import learning_rate


class PlainLoop:
    """The loop; everything that makes its numbers (weights, order, optimizer, schedule) is as in ours.

    Args:
        network: With its initial weights; its `forward` gives full-size logits.
        scenes: The training split.
        config: The settings, with the precision resolved.
        workers: Processes that read.
    """

    def __init__(self, network: SegmentationModel, scenes: SceneDataset, config: Config, workers: int) -> None:
        self.network, self.config = network, config
        self.device = torch.device(config.train.device)
        self.layout = torch.channels_last if config.train.channels_last else torch.contiguous_format
        network.to(self.device, memory_format=self.layout)
        self.steps = config.train.epochs * (config.train.steps_per_epoch or 1)
        size, order = config.train.batch_size, EpochOrder(len(scenes), config.seed)
        batches = [[order[n] for n in range(step * size, (step + 1) * size)] for step in range(self.steps)]
        cuda = self.device.type == "cuda"
        self.loader = DataLoader(Pairs(scenes), batch_sampler=batches, num_workers=workers, pin_memory=cuda)
        self.losses: list[float] = []
        self.waited = 0.0

    @property
    def mean_loss(self) -> float:
        """Mean over the steps so far."""
        return fmean(self.losses)

    def run(self) -> Iterator[float]:
        """Train step by step; yield the seconds of each, waiting for data included."""
        config, network = self.config, self.network
        assert config.optim.lr is not None
        assert config.optim.weight_decay is not None
        weights = list(network.parameters())
        groups = [
            {"params": [p for p in weights if p.ndim > 1], "weight_decay": config.optim.weight_decay},
            {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=config.optim.lr)
        batches = iter(self.loader)
        network.train()
        for step in range(self.steps):
            start = time.perf_counter()
            image, labels = next(batches)
            self.waited += time.perf_counter() - start
            image = image.to(self.device, memory_format=self.layout, non_blocking=True)
            labels = labels.to(self.device, non_blocking=True)
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, self.steps, config.optim.lr, config.schedule)
            optimizer.zero_grad()
            with autocast(self.device, config.train.precision):
                loss = F.cross_entropy(network(image), labels, ignore_index=IGNORE_INDEX)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            self.losses.append(loss.item())
            yield time.perf_counter() - start


class Pairs(Dataset[tuple[Tensor, Tensor]]):
    """Images in [0, 1] and labels; scenes stay decoded once they were read."""

    def __init__(self, scenes: SceneDataset) -> None:
        self.scenes = scenes
        self.decoded: dict[int, tuple[Tensor, Tensor]] = {}

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        if i not in self.decoded:
            scene = self.scenes.read(i)
            self.decoded[i] = torch.from_numpy(scene.image), torch.from_numpy(scene.labels)
        image, labels = self.decoded[i]
        return image.permute(2, 0, 1).float() / 255, labels.long()
