"""Functions of the user that a run calls as it goes."""

from collections.abc import Callable
from dataclasses import dataclass

from sceneseg.training.callbacks import Callback
from sceneseg.training.view import TrainView

Hook = Callable[[TrainView], object]
"""Is given the run at that moment, see `sceneseg.training.view.TrainView`; its return value is ignored."""


@dataclass(frozen=True)
class Hooks(Callback):
    """Plain functions as a callback.

    Args:
        start: Called before the first step, of a resumed run too.
        step_end: After each step of the optimizer; gradients are gone, weights are new.
        validation_end: After each validation; `scores` are its scores.
        epoch_end: After each epoch; `row` is its row in history.csv.
        end: When the run is over or was interrupted, but not when it failed.
    """

    start: Hook | None = None
    step_end: Hook | None = None
    validation_end: Hook | None = None
    epoch_end: Hook | None = None
    end: Hook | None = None

    def on_start(self, view: TrainView) -> None:
        """Call `start`."""
        _call(self.start, view)

    def on_step_end(self, view: TrainView) -> None:
        """Call `step_end`."""
        _call(self.step_end, view)

    def on_validation_end(self, view: TrainView) -> None:
        """Call `validation_end`."""
        _call(self.validation_end, view)

    def on_epoch_end(self, view: TrainView) -> None:
        """Call `epoch_end`."""
        _call(self.epoch_end, view)

    def on_end(self, view: TrainView) -> None:
        """Call `end`."""
        _call(self.end, view)


def _call(hook: Hook | None, view: TrainView) -> None:
    if hook is not None:
        hook(view)
