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
    from sceneseg.api.data import FetchedData as FetchedData
    from sceneseg.api.data import get_data as get_data
    from sceneseg.api.data import list_data as list_data
    from sceneseg.api.doctor import doctor as doctor
    from sceneseg.api.doctor import repair as repair
    from sceneseg.api.evaluate import Evaluation as Evaluation
    from sceneseg.api.evaluate import evaluate as evaluate
    from sceneseg.api.export import ExportedFiles as ExportedFiles
    from sceneseg.api.export import export as export
    from sceneseg.api.find_lr import RateSearch as RateSearch
    from sceneseg.api.find_lr import find_lr as find_lr
    from sceneseg.api.models import ListedModel as ListedModel
    from sceneseg.api.models import ModelSummary as ModelSummary
    from sceneseg.api.models import list_models as list_models
    from sceneseg.api.models import summarize as summarize
    from sceneseg.api.packs import PackedSplit as PackedSplit
    from sceneseg.api.packs import UnpackedSplit as UnpackedSplit
    from sceneseg.api.packs import pack as pack
    from sceneseg.api.packs import unpack as unpack
    from sceneseg.api.packs import verify_pack as verify_pack
    from sceneseg.api.plan import BatchPlan as BatchPlan
    from sceneseg.api.plan import plan as plan
    from sceneseg.api.predict import PredictedFiles as PredictedFiles
    from sceneseg.api.predict import predict as predict
    from sceneseg.api.progress import Progress as Progress
    from sceneseg.api.publish import ModelCard as ModelCard
    from sceneseg.api.publish import PublishedFolder as PublishedFolder
    from sceneseg.api.publish import make_manifest as make_manifest
    from sceneseg.api.publish import model_card as model_card
    from sceneseg.api.report import WrittenReport as WrittenReport
    from sceneseg.api.report import report as report
    from sceneseg.api.statistics import statistics as statistics
    from sceneseg.api.submit import Submission as Submission
    from sceneseg.api.submit import submit as submit
    from sceneseg.api.toy import ToyData as ToyData
    from sceneseg.api.toy import make_toy as make_toy
    from sceneseg.api.train import Trained as Trained
    from sceneseg.api.train import train as train
    from sceneseg.api.verify_resume import ResumeProof as ResumeProof
    from sceneseg.api.verify_resume import verify_resume as verify_resume
    from sceneseg.api.view import Preview as Preview
    from sceneseg.api.view import view as view
    from sceneseg.api.weights import FetchedWeights as FetchedWeights
    from sceneseg.api.weights import ImportedWeights as ImportedWeights
    from sceneseg.api.weights import VerifiedWeights as VerifiedWeights
    from sceneseg.api.weights import get_weights as get_weights
    from sceneseg.api.weights import import_weights as import_weights
    from sceneseg.api.weights import list_weights as list_weights
    from sceneseg.api.weights import verify_weights as verify_weights
    from sceneseg.datasets.in_memory import Scenes as Scenes
    from sceneseg.datasets.statistics import ClassStatistics as ClassStatistics
    from sceneseg.datasets.statistics import Statistics as Statistics
    from sceneseg.doctor.diagnosis import Diagnosis as Diagnosis
    from sceneseg.doctor.findings import Finding as Finding
    from sceneseg.doctor.repair import Repaired as Repaired
    from sceneseg.export.exported import ExportedModel as ExportedModel
    from sceneseg.inference.classifier import ClassificationModel as ClassificationModel
    from sceneseg.inference.predictor import SemanticModel as SemanticModel
    from sceneseg.models import create_model as create_model
    from sceneseg.publishing.manifest import Entry as Entry
    from sceneseg.publishing.manifest import Manifest as Manifest
    from sceneseg.publishing.verification import WeightsSummary as WeightsSummary
    from sceneseg.records.model_cost import ModelCost as ModelCost
    from sceneseg.records.model_cost import PartCost as PartCost
    from sceneseg.tasks import load as load
    from sceneseg.user_files import allow as allow

_WHERE = {
    "BatchPlan": "api.plan",
    "ClassStatistics": "datasets.statistics",
    "ClassificationModel": "inference.classifier",
    "Comparison": "api.compare",
    "Diagnosis": "doctor.diagnosis",
    "Entry": "publishing.manifest",
    "Evaluation": "api.evaluate",
    "ExportedFiles": "api.export",
    "ExportedModel": "export.exported",
    "FetchedData": "api.data",
    "FetchedWeights": "api.weights",
    "Finding": "doctor.findings",
    "ImportedWeights": "api.weights",
    "ListedModel": "api.models",
    "Manifest": "publishing.manifest",
    "ModelCard": "api.publish",
    "ModelCost": "records.model_cost",
    "ModelSummary": "api.models",
    "PackedSplit": "api.packs",
    "PartCost": "records.model_cost",
    "PredictedFiles": "api.predict",
    "Preview": "api.view",
    "Progress": "api.progress",
    "PublishedFolder": "api.publish",
    "RateSearch": "api.find_lr",
    "Repaired": "doctor.repair",
    "ResumeProof": "api.verify_resume",
    "Scenes": "datasets.in_memory",
    "SemanticModel": "inference.predictor",
    "Statistics": "datasets.statistics",
    "Submission": "api.submit",
    "ToyData": "api.toy",
    "Trained": "api.train",
    "UnpackedSplit": "api.packs",
    "VerifiedWeights": "api.weights",
    "WeightsSummary": "publishing.verification",
    "WrittenReport": "api.report",
    "allow": "user_files",
    "benchmark": "api.benchmark",
    "compare": "api.compare",
    "create_model": "models",
    "doctor": "api.doctor",
    "evaluate": "api.evaluate",
    "export": "api.export",
    "find_lr": "api.find_lr",
    "get_data": "api.data",
    "get_weights": "api.weights",
    "import_weights": "api.weights",
    "list_data": "api.data",
    "list_models": "api.models",
    "list_weights": "api.weights",
    "load": "tasks",
    "make_manifest": "api.publish",
    "make_toy": "api.toy",
    "model_card": "api.publish",
    "pack": "api.packs",
    "plan": "api.plan",
    "predict": "api.predict",
    "repair": "api.doctor",
    "report": "api.report",
    "statistics": "api.statistics",
    "submit": "api.submit",
    "summarize": "api.models",
    "train": "api.train",
    "unpack": "api.packs",
    "verify_pack": "api.packs",
    "verify_resume": "api.verify_resume",
    "verify_weights": "api.weights",
    "view": "api.view",
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
