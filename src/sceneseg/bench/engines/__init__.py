"""Engines: the ways to compute a prediction that are measured against each other. One file each."""

from sceneseg.bench.engines.base import Engine
from sceneseg.registry import Registry

engines: Registry[Engine] = Registry(
    "engine",
    __name__,
    {"ort": "onnxruntime", "ort_int8": "onnxruntime_int8", "ours": "sceneseg", "torch": "eager"},
    field="engine",
)
register = engines.register
