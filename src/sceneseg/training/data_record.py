"""Record of the data that a run learns from and is scored on: written when it starts, compared when it is resumed."""

import json
from dataclasses import asdict, dataclass, replace

from sceneseg.datasets.contents import Contents, changes, contents
from sceneseg.errors import DataError, RunError
from sceneseg.records.run_directory import RunDirectory, read_json, write_text
from sceneseg.tasks.base import Task

FORMAT = 1


@dataclass(frozen=True)
class AcceptedChange:
    """A change of the data that a run was resumed with.

    Args:
        step: The step after which the run was resumed.
        changes: What changed, in words.
    """

    step: int
    changes: str


@dataclass(frozen=True)
class DataRecord:
    """The contents of data.json.

    Args:
        splits: What "train" and "val" hold.
        accepted: Changes of the data so far.
    """

    splits: dict[str, Contents]
    accepted: tuple[AcceptedChange, ...] = ()

    @property
    def steps(self) -> list[int]:
        """The steps after which the data changed."""
        return [change.step for change in self.accepted]

    def with_change(self, step: int, changes: str) -> "DataRecord":
        """Return the record with one more accepted change."""
        return replace(self, accepted=(*self.accepted, AcceptedChange(step, changes)))

    def write(self, run: RunDirectory) -> None:
        """Write it into the run, a line for everything but the scenes."""
        splits = {name: split.to_dict() for name, split in self.splits.items()}
        accepted = [asdict(change) for change in self.accepted]
        data = {"format": FORMAT, "accepted": accepted, "splits": splits}
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
            accepted = [AcceptedChange(int(c["step"]), str(c["changes"])) for c in found["accepted"]]
            return cls(splits, tuple(accepted))
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
    """Comparison of a resumed run's data with what it was.

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
        """Number of training scenes before, if it is known."""
        return None if self.before is None else len(self.before.splits["train"].scenes)


def compare(run: RunDirectory, task: Task, accept: bool) -> Comparison:
    """Compare the data of a run that is resumed with those that it began with.

    Args:
        run: The run.
        task: With its data as they are now.
        accept: Whether other data are accepted.

    Raises:
        DataError: They are others, and that isn't accepted.
    """
    before = DataRecord.read(run)
    known = {} if before is None else before.splits
    splits = {name: contents(split, known.get(name)) for name, split in (("train", task.train), ("val", task.val))}
    now = DataRecord(splits, () if before is None else before.accepted)
    found = {name: changes(known[name], split) for name, split in splits.items() if name in known}
    said = "; ".join(f"{name}: {', '.join(phrases)}" for name, phrases in found.items() if phrases)
    if said and not accept:
        raise DataError(
            f"The data in {task.train.root} aren't those that {run.path} began with. {said}. A run resumed with "
            f"other data is another run, and its scores can't be compared: give its data as data.root, start a new run "
            f"from its weights (train.weights), or resume it all the same with data.accept_changes.",
            field="data.accept_changes",
        )
    return Comparison(now, before, said, bool(found.get("val")))
