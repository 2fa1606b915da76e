"""What an exported file says of itself."""

from typing import Any

from sceneseg.export.plan import Plan
from sceneseg.inference.predictor import TASK, SemanticModel
from sceneseg.labels import IGNORE_INDEX
from sceneseg.standalone import FORMAT
from sceneseg.version import __version__

NO_SCORE: dict[str, None] = {"score": None, "protocol": None}


def describe(model: SemanticModel, plan: Plan) -> dict[str, Any]:
    """Return names, colors, label ids and how pictures are treated, as plain data.

    `trained_model` is the score of the weights with its protocol: other than the file's own, since precision, target
    size and engine may change it. What the file loses stands under `gate`, once it has been compared.
    """
    space = model.label_space
    train_ids = list(range(len(space)))
    if model.void_output is not None:
        train_ids.insert(model.void_output, IGNORE_INDEX)
    score = model.header and model.header.score
    known = {"score": score.means or None, "protocol": score.protocol.to_dict() or None} if score else NO_SCORE
    return {
        "format": FORMAT,
        "sceneseg_version": __version__,
        "task": TASK,
        "model": model.model,
        "names": space.names,
        "colors": [list(c.color) for c in space.classes],
        "label_ids": [c.label_ids[0] for c in space.classes],
        "void_label_id": space.void_label_id,
        "label_space": space.to_dict(),
        "input": {
            "layout": "(batch, height, width, 3) uint8 RGB",
            "image_size": _list(plan.image_size),
            "target_size": _list(plan.target_size),
            "resize": plan.resize,
            "enlarge": plan.enlarge,
            "size_divisor": plan.size_divisor,
            "mean": list(plan.mean),
            "std": list(plan.std),
        },
        "output": {
            "kind": plan.output,
            "void": space.void_label_id if plan.output == "label_ids" else IGNORE_INDEX,
            "train_ids": train_ids,
            "stride": plan.stride,
            "align_corners": plan.align_corners,
        },
        "precision": plan.precision,
        "trained_model": known,
    }


def _list(size: tuple[int, int] | None) -> list[int] | None:
    return None if size is None else list(size)
