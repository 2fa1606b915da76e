"""Export of a model, from its weights to a file that has passed the gate."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sceneseg.arrays import ImageArray, ImageSize
from sceneseg.datasets.base import SceneDataset
from sceneseg.errors import ConfigError
from sceneseg.export import formats
from sceneseg.export._description import describe
from sceneseg.export.base import Artifact
from sceneseg.export.exported import ExportedModel
from sceneseg.export.gate import TOLERANCE, Verdict, compare
from sceneseg.export.plan import make_plan
from sceneseg.inference.predictor import SemanticModel
from sceneseg.loading.scene_samples import evenly
from sceneseg.progress import OnStep, each, silent
from sceneseg.records.export_description import ExportDescription
from sceneseg.records.temporaries import temporary_folder
from sceneseg.user_files import short_name


def file_name(
    to: str, model: str, output: str, precision: str, image_size: ImageSize | None, target_size: ImageSize | None
) -> str:
    """Return a name that says what is in the file, so that no export takes the place of another.

    Args:
        to: One of `sceneseg.export.formats`.
        model: What tells the model from others in its folder.
        output: labels, label_ids, probabilities or coarse.
        precision: fp32, fp16 or int8.
        image_size: (H, W) of the images; None takes any.
        target_size: (H, W) the network sees, where it is another than in training.
    """
    maker: Any = formats.get(to)
    parts = [model, precision]
    parts += [output] if output != "labels" else []
    parts += ["{}x{}".format(*image_size)] if image_size else []
    parts += ["seen-at-{}x{}".format(*target_size)] if target_size else []
    parts += [to] if to == "tensorrt" else []  # which has the suffix of onnx
    return "-".join(parts) + str(maker.suffix)


def check_name(file: Path, to: str) -> None:
    """Refuse a name that another format's files have.

    Raises:
        ConfigError: It ends otherwise than the format's files do.
    """
    maker: Any = formats.get(to)
    if file.suffix != maker.suffix:
        raise ConfigError(f"{file}: a file for {short_name(to)} is called NAME{maker.suffix}.", field="out")


@dataclass
class Export:
    """An exported model that isn't written yet.

    Args:
        model: What it was made of, computing in float32.
        artifact: The exported model in memory.
        description: What its file will say of itself.
        image_size: (H, W) of the images it takes; None takes any.
    """

    model: SemanticModel
    artifact: Artifact
    description: ExportDescription
    image_size: ImageSize | None

    @classmethod
    def make(
        cls,
        model: SemanticModel,
        to: str,
        output: str = "labels",
        precision: str = "fp32",
        image_size: ImageSize | None = None,
        calibration: Sequence[ImageArray] = (),
    ) -> "Export":
        """Translate a model.

        Args:
            model: On the CPU; from now on it computes in float32, which is what the file is compared with.
            to: One of `sceneseg.export.formats`.
            output: labels, label_ids, probabilities or coarse.
            precision: fp32, fp16 or int8.
            image_size: (H, W) of the images; None takes any.
            calibration: Training images for int8.

        Raises:
            ConfigError: The format can't do that.
            ModelError: The network can't be translated.
        """
        maker: Any = formats.get(to)
        model.input.precision = "32-true"
        plan = make_plan(model, output, precision, image_size, maker.engine)
        artifact = formats.create(to, model=model, plan=plan, calibration=calibration)
        return cls(model, artifact, describe(model, plan), image_size)

    def check(
        self, dataset: SceneDataset, images: int, tolerance: float | None = None, on_step: OnStep = silent
    ) -> Verdict:
        """Predict labeled images with the file that would be written, and with the model.

        Args:
            dataset: Where the images come from.
            images: How many, at equal distances.
            tolerance: How much mean IoU may drop, in [0, 1]; by the precision when None.
            on_step: Called after each image.
        """
        allowed = TOLERANCE[self.description.precision] if tolerance is None else tolerance
        chosen = evenly(len(dataset), images)
        with temporary_folder("sceneseg-gate") as folder:
            file = folder / f"exported{self.artifact.suffix}"
            self.artifact.save(file, self.description)
            exported = ExportedModel.opened_by(type(self.artifact), file)
            scenes = (dataset.read(i) for i in each(chosen, on_step))
            verdict = compare(self.model, exported.labels, scenes, allowed, self.image_size)
        self.description = replace(self.description, gate=verdict.result(dataset.name, dataset.split))
        return verdict

    def write(self, file: Path) -> list[Path]:
        """Write the file and what belongs to it, each whole or not at all; return them, that to open first."""
        with temporary_folder(file.name, file.parent) as folder:
            temporary = folder / file.name
            self.artifact.save(temporary, self.description)
            for suffix in (*self.artifact.companions, self.artifact.suffix):
                temporary.with_suffix(suffix).replace(file.with_suffix(suffix))
        return [file, *(file.with_suffix(suffix) for suffix in self.artifact.companions)]
