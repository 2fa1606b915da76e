"""Description that an exported file carries."""

from sceneseg.export.plan import Plan
from sceneseg.inference.predictor import TASK, SemanticModel
from sceneseg.labels import IGNORE_INDEX
from sceneseg.records.export_description import ExportDescription, ExportInput, ExportOutput, TrainedModel
from sceneseg.records.header import ModelSpec
from sceneseg.standalone import FORMAT
from sceneseg.version import __version__


def describe(model: SemanticModel, plan: Plan) -> ExportDescription:
    """Return names, colors, label ids, and how images are treated; what the file loses is noted by the gate."""
    space = model.label_space
    train_ids = list(range(len(space)))
    if model.void_output is not None:
        train_ids.insert(model.void_output, IGNORE_INDEX)
    return ExportDescription(
        format=FORMAT,
        sceneseg_version=__version__,
        task=TASK,
        model=ModelSpec(model.model["name"], {key: value for key, value in model.model.items() if key != "name"}),
        names=space.names,
        colors=[c.color for c in space.classes],
        label_ids=[c.label_ids[0] for c in space.classes],
        void_label_id=space.void_label_id,
        label_space=space,
        input=ExportInput(
            layout="(batch, height, width, 3) uint8 RGB",
            image_size=plan.image_size,
            target_size=plan.target_size,
            resize=plan.resize,
            enlarge=plan.enlarge,
            size_divisor=plan.size_divisor,
            mean=plan.mean,
            std=plan.std,
        ),
        output=ExportOutput(
            kind=plan.output,
            void=space.void_label_id if plan.output == "label_ids" else IGNORE_INDEX,
            train_ids=tuple(train_ids),
            stride=plan.stride,
            align_corners=plan.align_corners,
        ),
        precision=plan.precision,
        trained_model=_trained(model),
    )


def _trained(model: SemanticModel) -> TrainedModel:
    score = model.header and model.header.score
    return (
        TrainedModel(score.means or None, score.protocol if score.protocol.to_dict() else None)
        if score
        else TrainedModel()
    )
