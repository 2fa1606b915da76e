"""Terminal output of a training run: the progress line, a printed row per epoch, and the trackers."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sceneseg.training.callbacks import Callback
from sceneseg.training.view import TrainView


class Monitor(Callback):
    """Shows progress on the standard error stream.

    Args:
        score_name: Name of the score that is shown, for people.
        quiet: Show nothing, for processes other than the first.
    """

    def __init__(self, score_name: str, quiet: bool = False) -> None:
        self.score_name = score_name
        self.console = Console(quiet=quiet, stderr=True, markup=False)
        self.live = self.console.is_terminal and not quiet
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(
                f"loss {{task.fields[loss]:.4f}}  {score_name} {{task.fields[score]}}  "
                "{task.fields[speed]:.1f} images/s"
            ),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.live,
        )
        self._task = TaskID(0)

    def on_start(self, view: TrainView) -> None:
        """Show the progress line."""
        self._task = self._progress.add_task(
            "train", total=view.steps, completed=view.step, epoch="", loss=0.0, score="–", speed=0.0
        )
        self._progress.start()

    def on_step_end(self, view: TrainView) -> None:
        """Move the progress line to the finished step."""
        self._progress.update(
            self._task,
            completed=view.step,
            epoch=f"{view.epoch}/{view.config.train.epochs}",
            loss=view.state.mean_loss,
            speed=view.images_per_second,
        )

    def on_epoch_end(self, view: TrainView) -> None:
        """Print the finished epoch."""
        row = view.row
        score = row[view.setup.score]
        shown = "" if score is None else f"{score:.2%}"
        if shown:
            self._progress.update(self._task, score=shown)
            shown = f"  {self.score_name} {shown}"
        if (loss := row.get("val_loss")) is not None:
            shown = f"  val loss {loss:.4f}{shown}"
        self.say(
            f"epoch {row['epoch']}/{view.config.train.epochs}  loss {row['loss']:.4f}{shown}  "
            f"{row['images_per_second']:.1f} images/s  lr {row['lr']:.2e}"
        )

    def on_end(self, view: TrainView) -> None:
        """Remove the progress line."""
        self._progress.stop()

    def on_failure(self, view: TrainView, error: BaseException) -> None:
        """Remove the progress line."""
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line, above the progress line while there is one."""
        self.console.print(text, highlight=False, soft_wrap=True)


def show(text: str) -> None:
    """Print a line on the standard error stream, where no progress line is shown yet."""
    Console(stderr=True, markup=False).print(text, highlight=False, soft_wrap=True)
