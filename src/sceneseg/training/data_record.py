"""Which data a run learns from and is scored on: noted when it starts, compared when it is resumed."""

import json
from dataclasses import dataclass, field
from typing import Any

from sceneseg.datasets.contents import Contents, changes, contents
from sceneseg.errors import DataError, RunError
from sceneseg.records.run_directory import RunDirectory, read_json, write_text
from sceneseg.tasks.base import Task

FORMAT = 1


@dataclass
class DataRecord:
    """The contents of data.json.

    Args:
        splits: What "train" and "val" hold.
        accepted: Changes that a resumed run was allowed to go on with: step, and what changed in words.
    """

    splits: dict[str, Contents]
    accepted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def steps(self) -> list[int]:
        """After which steps the data changed."""
        return [change["step"] for change in self.accepted]

    def write(self, run: RunDirectory) -> None:
        """Write it into the run, a line for everything but the scenes."""
        splits = {name: split.to_dict() for name, split in self.splits.items()}
        data = {"format": FORMAT, "accepted": self.accepted, "splits": splits}
        write_text(run.data, json.dumps(data, separators=(",", ":")) + "\n")

    @classmethod
    def read(cls, run: RunDirectory) -> "DataRecord | None":
        """Read it; runs of earlier versions have none.

        Raises:
            RunError: It is damaged, or of a newer version.
        """
        if not run.data.is_file():
            return None
        found = read_json(run.data)
        try:
            if found["format"] > FORMAT:
                raise RunError(f"{run.data}: written by a newer sceneseg. Update sceneseg.")
            splits = {name: Contents.from_dict(split) for name, split in found["splits"].items()}
            return cls(splits, [{"step": int(c["step"]), "changes": str(c["changes"])} for c in found["accepted"]])
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise RunError(
                f"{run.data}: expected the record of the run's data, found something else. Without this file the run "
                f"is resumed without comparing its data: remove it if you know that they are the same."
            ) from None


def record(task: Task) -> DataRecord:
    """Look at the data of a run that starts."""
    return DataRecord({"train": contents(task.train), "val": contents(task.val)})


@dataclass(frozen=True)
class Comparison:
    """How the data of a resumed run are, against what they were.

    Args:
        record: As they are.
        before: As they were; None for runs of earlier versions.
        changes: What is different in words; empty where nothing is.
        val_changed: Whether earlier validation scores belong to other truths.
    """

    record: DataRecord
    before: DataRecord | None
    changes: str = ""
    val_changed: bool = False

    @property
    def scenes_before(self) -> int | None:
        """How many training scenes there were, if that is known."""
        return None if self.before is None else len(self.before.splits["train"].scenes)


def compare(run: RunDirectory, task: Task, accept: bool) -> Comparison:
    """Compare the data of a run that is resumed with those that it began with.

    Args:
        run: The run.
        task: With its data as they are now.
        accept: Whether other data are wanted.

    Raises:
        DataError: They are others, and that isn't wanted.
    """
    before = DataRecord.read(run)
    known = {} if before is None else before.splits
    splits = {name: contents(split, known.get(name)) for name, split in (("train", task.train), ("val", task.val))}
    now = DataRecord(splits, [] if before is None else list(before.accepted))
    found = {name: changes(known[name], split) for name, split in splits.items() if name in known}
    said = "; ".join(f"{name}: {', '.join(phrases)}" for name, phrases in found.items() if phrases)
    if said and not accept:
        raise DataError(
            f"The data in {task.train.root} aren't those that {run.path} began with. {said}. A run that is resumed on "
            f"other data is another run, and its scores can't be compared: give the folder of its data as data.root, "
            f"start a new run (train.weights {run.path} begins with its weights), or resume it all the same with "
            f"data.accept_changes.",
            field="data.accept_changes",
        )
    return Comparison(now, before, said, bool(found.get("val")))
