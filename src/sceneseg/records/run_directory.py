"""The run directory: what lies in it and under which name, and how weights describe themselves."""

import contextlib
import csv
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sceneseg.config import files as config_files
from sceneseg.config.schema import Config
from sceneseg.errors import RunError
from sceneseg.labels import LabelSpace
from sceneseg.plain import UnfitError, parse_json
from sceneseg.records import temporaries
from sceneseg.records.header import FORMAT, WeightsHeader, parse_header
from sceneseg.records.names import check_name
from sceneseg.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

MARKER = ".sceneseg-run"
"""File that marks a folder as a run directory of ours; no other folder is ever removed."""
MADE_HERE = "A run directory of sceneseg. Without state.ckpt in it, `sceneseg compare` may remove and remake it.\n"


@dataclass(frozen=True)
class RunDirectory:
    """A run directory; every verb reads and writes through it.

    Args:
        path: The folder, usually ``runs/<name>``.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def environment(self) -> Path:
        """Environment the run was made in, JSON."""
        return self.path / "environment.json"

    @property
    def labels(self) -> Path:
        """The label space, JSON."""
        return self.path / "labels.json"

    @property
    def model(self) -> Path:
        """Name, parameters and cost of the model, JSON."""
        return self.path / "model.json"

    @property
    def data(self) -> Path:
        """Summary of the training and validation data, JSON; see `sceneseg.training.data_record`."""
        return self.path / "data.json"

    @property
    def history(self) -> Path:
        """One row per epoch, CSV."""
        return self.path / "history.csv"

    @property
    def metrics(self) -> Path:
        """Scores on the validation split with their protocol, JSON."""
        return self.path / "metrics.json"

    @property
    def confusion(self) -> Path:
        """Counts per validation image, npz."""
        return self.path / "confusion.npz"

    @property
    def answers(self) -> Path:
        """A classifier's answer to each validation image, CSV."""
        return self.path / "answers.csv"

    @property
    def best(self) -> Path:
        """The weights with the best validation score."""
        return self.path / "weights" / "best.safetensors"

    @property
    def last(self) -> Path:
        """The weights of the last epoch."""
        return self.path / "weights" / "last.safetensors"

    @property
    def state(self) -> Path:
        """Everything that resuming needs."""
        return self.path / "state.ckpt"

    @property
    def samples(self) -> Path:
        """A few validation scenes with truth and prediction."""
        return self.path / "samples"

    @property
    def report(self) -> Path:
        """The offline page."""
        return self.path / "report.html"

    @property
    def tensorboard(self) -> Path:
        """TensorBoard's events."""
        return self.path / "tensorboard"

    @property
    def trackers(self) -> Path:
        """Names that other trackers give the run, JSON."""
        return self.path / "trackers.json"

    def preview(self, epoch: int) -> Path:
        """The image of one validation."""
        return self.path / "previews" / f"epoch_{epoch:04d}.png"

    def evaluation(self, name: str) -> "RunDirectory":
        """The part of the run that holds a further evaluation, with `metrics`, `confusion` and `samples`."""
        return RunDirectory(self.path / "evaluations" / name)

    @property
    def home(self) -> "RunDirectory":
        """The run that an evaluation lies in; a run itself."""
        inside = self.path.parent.name == "evaluations" and not self.config.is_file()
        return RunDirectory(self.path.parent.parent) if inside else self

    def load_config(self) -> Config:
        """Read the configuration of the run, as it is: numbers that were allowed once stay readable.

        Raises:
            RunError: The folder isn't a run.
        """
        self.check()
        return config_files.load(self.config, ranges=False)

    def check(self) -> None:
        """See whether this is a run.

        Raises:
            RunError: It isn't, with what it is instead.
        """
        if self.config.is_file():
            return
        if ComparisonDirectory(self.path).plan.is_file():
            inside = ", ".join(str(file.parent) for file in sorted(self.path.glob(f"*/{self.config.name}")))
            raise RunError(
                f"{self.path} is a comparison of several runs. Give one of them: {inside or 'none is there yet'}."
            )
        what = "has no config.yaml, so it isn't a run" if self.path.is_dir() else "doesn't exist"
        if self.path.is_file():
            what = "is a file, and not a run"
        raise RunError(f"{self.path} {what}. Give a folder that `sceneseg train` made, for example runs/NAME.")


@dataclass(frozen=True)
class ComparisonDirectory:
    """A folder in which runs are compared; those that were made for it lie inside.

    Args:
        path: The folder, usually ``runs/<name>``.
    """

    path: Path

    @property
    def plan(self) -> Path:
        """Plan of a comparison and its budget, JSON."""
        return self.path / "plan.json"

    @property
    def progress(self) -> Path:
        """State of each run so far, JSON."""
        return self.path / "progress.json"

    @property
    def joint_scores(self) -> Path:
        """In which label space candidates of unlike ones are scored, and where those scores lie, JSON."""
        return self.path / "label_space.json"

    @property
    def latency(self) -> Path:
        """Latency of predictions, and the machine it was measured on, JSON."""
        return self.path / "latency.json"

    @property
    def results(self) -> Path:
        """Every figure of the page and the files it comes from, JSON."""
        return self.path / "comparison.json"

    @property
    def page(self) -> Path:
        """The offline page."""
        return self.path / "comparison.html"

    def run(self, folder: str) -> RunDirectory:
        """Return a run of the plan; `folder` is relative to the comparison's."""
        return RunDirectory(self.path / folder)

    def folder_of(self, run: Path) -> str:
        """Write a run's path relative to the comparison's, with slashes, so that the page's links reach it."""
        return Path(os.path.relpath(run.resolve(), self.path.resolve())).as_posix()


def create_run(runs: Path, name: str) -> RunDirectory:
    """Make a new run directory: `name`, or `name-2`, `name-3`, ... so that no run overwrites another.

    Raises:
        ConfigError: The name isn't that of a folder in `runs`.
    """
    check_name(name)
    runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        path = runs / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            write_text(path / MARKER, MADE_HERE)
            return RunDirectory(path)


def find_run(path: Path) -> RunDirectory:
    """Return the run of a folder, or of a file that lies in one (its weights, its state, its configuration).

    Raises:
        RunError: The file lies in no run.
    """
    if not path.is_file():
        return RunDirectory(path)
    for folder in (*path.parents[:2], *path.absolute().parents[:2]):
        if RunDirectory(folder).config.is_file():
            return RunDirectory(folder)
    raise RunError(
        f"{path} is a file that lies in no run. Give a folder that `sceneseg train` made, for example runs/NAME; to "
        f"start a new run from weights, give them as train.weights.",
        field="train.weights",
    )


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary file next to `path` to write to, and rename it to `path` when all went well."""
    temporary = temporaries.create_file(path)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporaries.discard(temporary)


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file, whole or not at all."""
    write_text(path, json.dumps(data, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        RunError: It is missing or damaged.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path}: there is no such file.") from None
    except ValueError as error:  # other bytes than UTF-8, other text than JSON
        raise RunError(f"{path}: not readable as JSON ({error}).") from None


def write_history(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write `history.csv`, whole or not at all."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with atomic(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def read_history(path: Path) -> list[dict[str, str]]:
    """Read the rows of `history.csv`."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def save_weights(path: Path, state: Mapping[str, "Tensor"], header: Mapping[str, Any]) -> None:
    """Write weights as safetensors with a header that says what they are.

    Args:
        path: The file, ``*.safetensors``.
        state: A module's state dict.
        header: Plain data: model, label_space, input, score (see `tasks`).
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    tensors = {k: v.detach().cpu().contiguous() for k, v in state.items()}
    described = {"format": FORMAT, "sceneseg_version": __version__, **header}
    with temporaries.temporary_folder(path.name, path.parent) as folder:  # safetensors has temporaries of its own
        temporary = folder / path.name
        try:
            save_file(tensors, temporary, {"sceneseg": json.dumps(described)})
        except SafetensorError as error:  # which is how it tells of a full disk
            raise RunError(
                f"{path}: the weights can't be written ({error}). Free some space and run the command again."
            ) from error
        temporary.chmod(0o644)
        temporary.replace(path)


def read_header(path: Path) -> WeightsHeader:
    """Read what a weights file says of itself, without reading the weights.

    Raises:
        RunError: The file is missing, or wasn't written by `save_weights`.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise RunError(f"{path}: there is no such weights file.")
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise RunError(
            f"{path}: not readable as safetensors ({error}). Give a run or its weights; exported files are for "
            f"`sceneseg predict` alone."
        ) from None
    if "sceneseg" not in metadata:
        raise RunError(
            f"{path}: these weights don't say which model they belong to. Give weights that sceneseg wrote "
            f"(runs/NAME or runs/NAME/weights/best.safetensors)."
        )
    try:
        header = parse_header(metadata["sceneseg"])
    except UnfitError as error:
        raise RunError(
            f"{path}: its header is damaged, or of another program: {error}. Fetch or train the weights again."
        ) from None
    if header.format > FORMAT:
        raise RunError(f"{path}: written by a newer sceneseg ({header.sceneseg_version}). Update sceneseg.")
    return header


def load_weights(path: Path) -> dict[str, "Tensor"]:
    """Read the tensors of a weights file."""
    from safetensors.torch import load_file

    return load_file(path)


def find_weights(path: Path) -> Path:
    """Return the weights file for a run directory (its best, else its last) or for the file itself.

    Raises:
        RunError: There is none.
    """
    if not path.is_dir():
        return path
    run = RunDirectory(path)
    for candidate in (run.best, run.last):
        if candidate.is_file():
            return candidate
    run.check()
    if run.state.is_file():
        raise RunError(f"{path}: no weights in there yet. Resume the run until it has finished an epoch.")
    raise RunError(
        f"{path}: no weights in there yet, and no saved state to resume from. Start it anew with its configuration, "
        f"{run.config}."
    )


def read_label_space(run: RunDirectory) -> LabelSpace:
    """Read the label space of a run."""
    return LabelSpace.from_dict(read_json(run.labels), run.labels)
