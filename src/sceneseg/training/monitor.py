"""What a person sees of a training run: the progress line, a printed row per epoch, and the trackers."""

import contextlib
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sceneseg.training.trackers.base import End, Tracker

MOST_POINTS = 2000
"""Steps of a run that trackers are told of, at even distances."""


class Monitor:
    """Shows progress while training and tells the trackers; a context manager.

    A tracker that fails is left out from then on: no run ends because of one.

    Args:
        trackers: Who else is told.
        steps: Steps of the whole run.
        step: Where the run (re)starts.
        score: The column of the score that is shown, and its name.
        quiet: Show nothing, for processes other than the first.
    """

    def __init__(
        self, trackers: Sequence[Tracker], steps: int, step: int, score: tuple[str, str], quiet: bool = False
    ) -> None:
        self.score, self.score_name = score
        self.console = Console(quiet=quiet, stderr=True, markup=False)
        self.live = self.console.is_terminal and not quiet
        self.trackers = list(trackers)
        self.end: End = "interrupted"
        """How the run ended; the loop says when it is finished."""
        self._every = max(1, steps // MOST_POINTS)
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
        for tracker in self.trackers:
            if tracker.where:
                self.say(tracker.where)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        end: End = "failed" if isinstance(error, Exception) else self.end
        self._tell(lambda tracker: tracker.finish(end))

    def step(self, step: int, epoch: str, loss: float, speed: float, scalars: dict[str, float]) -> None:
        """Move the progress line to a finished step.

        Args:
            step: Its number, from 1.
            epoch: As people read it, "3/100".
            loss: Mean of the epoch so far.
            speed: Images per second.
            scalars: What trackers are told of the step.
        """
        self._progress.update(self._task, completed=step, epoch=epoch, loss=loss, speed=speed)
        if step % self._every == 0:
            self._tell(lambda tracker: tracker.scalars({f"step/{key}": v for key, v in scalars.items()}, step))

    def epoch(self, row: dict[str, Any], epochs: int) -> None:
        """Print a finished epoch and pass its row to the trackers."""
        score = "" if row[self.score] is None else f"{row[self.score]:.2%}"
        if score:
            self._progress.update(self._task, score=score)
            score = f"  {self.score_name} {score}"
        if row.get("val_loss") is not None:
            score = f"  val loss {row['val_loss']:.4f}{score}"
        self.console.print(
            f"epoch {row['epoch']}/{epochs}  loss {row['loss']:.4f}{score}  "
            f"{row['images_per_second']:.1f} images/s  lr {row['lr']:.2e}",
            highlight=False,
            soft_wrap=True,
        )
        values = {key: value for key, value in row.items() if isinstance(value, float)}
        self._tell(lambda tracker: tracker.scalars(values, row["step"]))
        self._tell(lambda tracker: tracker.flush())

    def picture(self, picture: npt.NDArray[Any], step: int) -> None:
        """Pass a preview (H, W, 3) to the trackers."""
        self._tell(lambda tracker: tracker.picture("preview", picture, step))

    def say(self, text: str) -> None:
        """Print a line above the progress."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def _tell(self, what: Callable[[Tracker], None]) -> None:
        for tracker in list(self.trackers):
            try:
                what(tracker)
            except Exception as error:
                self.trackers.remove(tracker)
                name = type(tracker).__name__
                self.say(f"{name} is left out from here on ({type(error).__name__}: {error}); the run goes on")
                with contextlib.suppress(Exception):
                    tracker.finish("failed")
