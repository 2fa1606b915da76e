"""What a person sees of a training run: the progress line, TensorBoard, and one row per epoch."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter


class Monitor:
    """Shows progress while training and writes TensorBoard; a context manager.

    Args:
        folder: Where TensorBoard's events go.
        steps: Steps of the whole run.
        step: Where the run (re)starts.
        score: The column of the score that is shown, and its name.
        quiet: Show nothing, for processes other than the first.
    """

    def __init__(self, folder: Path, steps: int, step: int, score: tuple[str, str], quiet: bool = False) -> None:
        self.score, self.score_name = score
        self.console = Console(quiet=quiet, stderr=True)
        self.live = self.console.is_terminal and not quiet
        self.writer = None if quiet else SummaryWriter(str(folder), purge_step=step or None)
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(
                f"loss {{task.fields[loss]:.4f}}  {self.score_name} {{task.fields[score]}}  "
                "{task.fields[speed]:.1f} images/s"
            ),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.live,
        )
        fields: dict[str, Any] = {"epoch": "", "loss": 0.0, "score": "–", "speed": 0.0}
        self._task: TaskID = self._progress.add_task("train", total=steps, completed=step, **fields)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        if self.writer is not None:
            self.writer.close()

    def step(self, step: int, epoch: str, loss: float, speed: float) -> None:
        """Move the progress line to a finished step."""
        self._progress.update(self._task, completed=step, epoch=epoch, loss=loss, speed=speed)

    def epoch(self, row: dict[str, Any], epochs: int) -> None:
        """Print a finished epoch and pass its row to TensorBoard."""
        score = "" if row[self.score] is None else f"{row[self.score]:.2%}"
        if score:
            self._progress.update(self._task, score=score)
            score = f"  {self.score_name} {score}"
        self.console.print(
            f"epoch {row['epoch']}/{epochs}  loss {row['loss']:.4f}{score}  "
            f"{row['images_per_second']:.1f} images/s  lr {row['lr']:.2e}",
            highlight=False,
        )
        if self.writer is not None:
            for key, value in row.items():
                if isinstance(value, float):
                    self.writer.add_scalar(key, value, row["step"])
            self.writer.flush()

    def picture(self, picture: npt.NDArray[Any], step: int) -> None:
        """Pass a preview (H, W, 3) to TensorBoard."""
        if self.writer is not None:
            self.writer.add_image("preview", picture, step, dataformats="HWC")

    def say(self, text: str) -> None:
        """Print a line above the progress."""
        self.console.print(text, highlight=False)
