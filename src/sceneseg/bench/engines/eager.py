"""torch as it comes: float32, channels first, one operation after the other."""

from sceneseg.bench.engines import register
from sceneseg.bench.engines.torch_engine import TorchEngine


@register
class Eager(TorchEngine):
    """The yardstick."""
