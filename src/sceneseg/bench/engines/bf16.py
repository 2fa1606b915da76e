"""torch in bfloat16 where that is safe, with the channels last."""

from contextlib import AbstractContextManager
from typing import Any

import torch

from sceneseg.bench.engines import register
from sceneseg.bench.engines.channels_last import ChannelsLast


@register
class BFloat16(ChannelsLast):
    """torch's autocast decides which operations compute in bfloat16."""

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context of the network's arithmetic."""
        return torch.autocast(self.device.type, torch.bfloat16)
