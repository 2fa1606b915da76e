"""torch with the channels last in memory, which its convolutions prefer."""

from typing import ClassVar

import torch

from sceneseg.bench.engines import register
from sceneseg.bench.engines.torch_engine import TorchEngine


@register
class ChannelsLast(TorchEngine):
    """Images and weights with the channels last, float32."""

    memory_format: ClassVar[torch.memory_format] = torch.channels_last
