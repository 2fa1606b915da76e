"""The callbacks of a training: called at its start, steps, validations, epochs and end."""

from collections.abc import Sequence
from contextlib import ExitStack

from sceneseg.training.view import TrainView


class Callback:
    """Base class of callbacks; each method does nothing unless it is overridden.

    With several processes each of them calls its own callbacks, in the same order. An exception ends the run.

    Example:
        >>> class LossPrinter(Callback):
        ...     def on_epoch_end(self, view: TrainView) -> None:
        ...         print(view.epoch, view.row["loss"])
    """

    def on_start(self, view: TrainView) -> None:
        """Called before the first step, of a resumed run too."""

    def on_step_end(self, view: TrainView) -> None:
        """Called after each step of the optimizer; gradients are gone, weights are new."""

    def on_validation_end(self, view: TrainView) -> None:
        """Called after each validation; `view.scores` are its scores."""

    def on_epoch_end(self, view: TrainView) -> None:
        """Called after each epoch; `view.row` is its row of history.csv."""

    def on_end(self, view: TrainView) -> None:
        """Called when the run is finished or was interrupted (`view.interrupted`), but not when it failed."""

    def on_failure(self, view: TrainView, error: BaseException) -> None:
        """Called when an exception ends the run, possibly after `on_end`: what `on_start` opened must be closed."""


class Callbacks(Callback):
    """Several callbacks as one.

    Args:
        callbacks: In the order in which they are called; after a failure in reverse order.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.callbacks = tuple(callbacks)

    def on_start(self, view: TrainView) -> None:
        """Forward the start."""
        for callback in self.callbacks:
            callback.on_start(view)

    def on_step_end(self, view: TrainView) -> None:
        """Forward the end of a step."""
        for callback in self.callbacks:
            callback.on_step_end(view)

    def on_validation_end(self, view: TrainView) -> None:
        """Forward the end of a validation."""
        for callback in self.callbacks:
            callback.on_validation_end(view)

    def on_epoch_end(self, view: TrainView) -> None:
        """Forward the end of an epoch."""
        for callback in self.callbacks:
            callback.on_epoch_end(view)

    def on_end(self, view: TrainView) -> None:
        """Forward the end of the run."""
        for callback in self.callbacks:
            callback.on_end(view)

    def on_failure(self, view: TrainView, error: BaseException) -> None:
        """Forward a failure to all of them, even if one of them raises."""
        with ExitStack() as stack:
            for callback in self.callbacks:
                stack.callback(callback.on_failure, view, error)
