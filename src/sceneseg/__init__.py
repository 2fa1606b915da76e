"""Train, compare and ship semantic-segmentation models on street scenes, with numbers you can trust."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sceneseg.version import __version__ as __version__

if TYPE_CHECKING:
    from sceneseg.api.benchmark import benchmark as benchmark
    from sceneseg.api.compare import Comparison as Comparison
    from sceneseg.api.compare import compare as compare
    from sceneseg.api.evaluate import Evaluation as Evaluation
    from sceneseg.api.evaluate import evaluate as evaluate
    from sceneseg.api.export import ExportedFiles as ExportedFiles
    from sceneseg.api.export import export as export
    from sceneseg.api.predict import PredictedFiles as PredictedFiles
    from sceneseg.api.predict import predict as predict
    from sceneseg.api.submit import Submission as Submission
    from sceneseg.api.submit import submit as submit
    from sceneseg.api.train import Trained as Trained
    from sceneseg.api.train import train as train
    from sceneseg.datasets.in_memory import Scenes as Scenes
    from sceneseg.export.exported import ExportedModel as ExportedModel
    from sceneseg.inference.classifier import ClassificationModel as ClassificationModel
    from sceneseg.inference.predictor import SemanticModel as SemanticModel
    from sceneseg.models import create_model as create_model
    from sceneseg.tasks import load as load
    from sceneseg.user_files import allow as allow

_WHERE = {
    "ClassificationModel": "inference.classifier",
    "Comparison": "api.compare",
    "Evaluation": "api.evaluate",
    "ExportedFiles": "api.export",
    "ExportedModel": "export.exported",
    "PredictedFiles": "api.predict",
    "Scenes": "datasets.in_memory",
    "SemanticModel": "inference.predictor",
    "Submission": "api.submit",
    "Trained": "api.train",
    "allow": "user_files",
    "benchmark": "api.benchmark",
    "compare": "api.compare",
    "create_model": "models",
    "evaluate": "api.evaluate",
    "export": "api.export",
    "load": "tasks",
    "predict": "api.predict",
    "submit": "api.submit",
    "train": "api.train",
}
"""Public name -> the module of the package that has it; behind a colon its name there, where it is another one."""

__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used (PEP 562), so that `sceneseg --help` needs no torch."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, other = _WHERE[name].partition(":")
    value = getattr(import_module(f"{__name__}.{module}"), other or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """The package as a module in which `sceneseg.report` is the function, although a subpackage has that name too.

    Python binds a subpackage as an attribute of its parent when it is imported; ``import sceneseg.report.run`` and
    ``from sceneseg.report import ...`` find it without that.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _WHERE and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
