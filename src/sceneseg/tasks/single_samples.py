"""Check that a model can be trained where samples are computed alone, made before the first step."""

from typing import Any

import torch
from torch import nn

from sceneseg import models
from sceneseg.arrays import ImageSize
from sceneseg.config.schema import Config
from sceneseg.loading.sampling import shrunk
from sceneseg.models.batch_norm import check_single_sample


def check_single_samples(config: Config, classes: int, size: ImageSize) -> None:
    """See on the meta device whether BatchNorm has enough values where a part of a batch is one sample.

    Processes that share a batch aren't looked at: on GPUs they share the statistics too.

    Args:
        config: Of the run.
        classes: Channels of the logits.
        size: (height, width) of the samples.

    Raises:
        ModelError: It hasn't.
    """
    given, batch = config.train, config.train.batch_size
    part = given.micro_batch or batch
    if 1 not in (min(part, batch), batch % part) or given.devices > 1 or given.freeze_norm or given.freeze:
        return
    arguments: dict[str, Any] = {key: value for key, value in config.model_arguments.items() if key != "pretrained"}
    with torch.device("meta"):
        network: nn.Module = models.create(config.model_name, num_classes=classes, **arguments)
    check_single_sample(network, min(shrunk(size, factor) for factor in [1.0, *config.augment.progressive]))
