"""The history of a training: a row of ``history.csv`` for each epoch.

How the file is read: by the names of its columns, in any order. Columns that a version doesn't have are None;
numbers in columns that aren't listed in `Epoch` are scores.
"""

import csv
import math
from dataclasses import dataclass, field, fields
from pathlib import Path

from sceneseg.errors import RunError
from sceneseg.plain import BESIDE
from sceneseg.records.scores import MetricValues


@dataclass(frozen=True)
class Epoch:
    """Measurements of an epoch; None stands for what wasn't measured.

    Args:
        epoch: Its number, from 1.
        step: Steps since the start of the training.
        samples: Training samples since then.
        seconds: Seconds of training since then, without validation.
        lr: Learning rate of the last step.
        lr_min: Lowest of the epoch.
        lr_max: Highest of the epoch.
        loss: Mean training loss; nan where the training failed.
        val_loss: The main loss on the validation split.
        images_per_second: Of training.
        data_wait: Part of the time that the network waited for data, in [0, 1].
        data_changed: 1 where a resumed run went on with other data in this epoch.
        scores: Those of the validation, in [0, 1]: mean_iou, pixel_accuracy, top1, ...

    Example:
        >>> row = Epoch(epoch=2, step=20, loss=0.5, scores={"mean_iou": 0.25})
        >>> row.value("mean_iou"), row.value("loss"), row.value("val_loss")
        (0.25, 0.5, nan)
    """

    epoch: float
    step: float | None = None
    samples: float | None = None
    seconds: float | None = None
    lr: float | None = None
    lr_min: float | None = None
    lr_max: float | None = None
    loss: float | None = None
    val_loss: float | None = None
    images_per_second: float | None = None
    data_wait: float | None = None
    data_changed: float | None = None
    scores: MetricValues = field(default_factory=dict, metadata=BESIDE)

    def value(self, column: str) -> float:
        """Return the number in a column; nan where there is none."""
        number = getattr(self, column) if column in COLUMNS else self.scores.get(column)
        return math.nan if number is None else float(number)

    def to_dict(self) -> MetricValues:
        """Return the numbers by their columns."""
        return {name: getattr(self, name) for name in COLUMNS} | self.scores


COLUMNS = tuple(f.name for f in fields(Epoch) if f.name != "scores")
"""Columns that aren't scores."""


def read_epochs(path: Path) -> list[Epoch]:
    """Read history.csv.

    Raises:
        RunError: The file is missing or damaged.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [
                {key: float(value) if value else None for key, value in row.items()} for row in csv.DictReader(file)
            ]
    except FileNotFoundError:
        raise RunError(f"{path}: there is no such file.") from None
    except (ValueError, TypeError, csv.Error) as error:  # TypeError: a row of more values than there are columns
        raise RunError(
            f"{path}: expected a table of numbers with a row for each epoch; it is damaged ({error})."
        ) from None
    return [_epoch(row, path) for row in rows]


def _epoch(row: MetricValues, path: Path) -> Epoch:
    number = row.get("epoch")
    if not number or not all(math.isfinite(row.get(key) or 0) for key in ("epoch", "step", "seconds")):
        raise RunError(f"{path}: expected the number of its epoch in each row; it is damaged.")
    known = {key: row.get(key) for key in COLUMNS if key != "epoch"}
    return Epoch(number, **known, scores={key: value for key, value in row.items() if key not in COLUMNS})
