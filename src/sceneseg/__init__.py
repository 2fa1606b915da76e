"""Train, compare and ship semantic-segmentation models on street scenes, with numbers you can trust."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sceneseg.version import __version__ as __version__

if TYPE_CHECKING:
    from sceneseg.api.train import Trained, train
    from sceneseg.datasets.in_memory import Scenes
    from sceneseg.export.exported import ExportedModel
    from sceneseg.inference.classifier import ClassificationModel
    from sceneseg.inference.predictor import SemanticModel
    from sceneseg.models import create_model
    from sceneseg.tasks import load
    from sceneseg.user_files import allow

__all__ = [
    "ClassificationModel",
    "ExportedModel",
    "Scenes",
    "SemanticModel",
    "Trained",
    "allow",
    "create_model",
    "load",
    "train",
]

_WHERE = {
    "ClassificationModel": "sceneseg.inference.classifier:ClassificationModel",
    "ExportedModel": "sceneseg.export.exported:ExportedModel",
    "Scenes": "sceneseg.datasets.in_memory:Scenes",
    "SemanticModel": "sceneseg.inference.predictor:SemanticModel",
    "Trained": "sceneseg.api.train:Trained",
    "allow": "sceneseg.user_files:allow",
    "create_model": "sceneseg.models:create_model",
    "load": "sceneseg.tasks:load",
    "train": "sceneseg.api.train:train",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562), so that `sceneseg --help` needs no torch."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, path = _WHERE[name].partition(":")
    found: Any = import_module(module)
    for part in path.split("."):
        found = getattr(found, part)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
