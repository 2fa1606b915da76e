"""The trackers of a run as one callback: TensorBoard always, others as configured."""

import contextlib
from collections.abc import Callable

from sceneseg.config.conversion import to_dict
from sceneseg.training import trackers
from sceneseg.training.callbacks import Callback
from sceneseg.training.trackers.base import End, Tracker
from sceneseg.training.view import TrainView

MOST_POINTS = 2000
"""Steps of a run that are reported to trackers, at even distances."""


class Tracking(Callback):
    """Tells the trackers of a run; one that fails is left out from then on: no run ends because of it.

    Args:
        say: Is given messages for the user.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self.say = say
        self.trackers: list[Tracker] = []

    def on_start(self, view: TrainView) -> None:
        """Start the trackers, in the first process alone."""
        if not view.is_first_process:
            return
        columns = list(dict.fromkeys([view.setup.score, *view.setup.task.scores]))
        plain = to_dict(view.config)
        self.trackers = trackers.start(view.config.train.log, view.run, plain, columns, view.step, self.say)
        for tracker in self.trackers:
            if tracker.where:
                self.say(tracker.where)

    def on_step_end(self, view: TrainView) -> None:
        """Pass on loss, learning rate and gradient norm, of some steps only in a long run."""
        if view.step % max(1, view.steps // MOST_POINTS) == 0:
            facts = {"step/loss": view.loss, "step/lr": view.lr}
            if view.gradient_norm is not None:
                facts["step/gradient_norm"] = view.gradient_norm
            self._tell(lambda tracker: tracker.scalars(facts, view.step))

    def on_validation_end(self, view: TrainView) -> None:
        """Pass on the preview."""
        image = None if view.validation is None else view.validation.picture
        if image is not None:
            self._tell(lambda tracker: tracker.picture("preview", image, view.step))

    def on_epoch_end(self, view: TrainView) -> None:
        """Pass on the row of the history."""
        values = {key: value for key, value in view.row.items() if isinstance(value, float)}
        self._tell(lambda tracker: tracker.scalars(values, view.step))
        self._tell(lambda tracker: tracker.flush())

    def on_end(self, view: TrainView) -> None:
        """Close the trackers."""
        self._finish("interrupted" if view.interrupted else "finished")

    def on_failure(self, view: TrainView, error: BaseException) -> None:
        """Close the trackers; Ctrl-C isn't a failure."""
        self._finish("failed" if isinstance(error, Exception) else "interrupted")

    def _finish(self, end: End) -> None:
        self._tell(lambda tracker: tracker.finish(end))
        self.trackers = []

    def _tell(self, what: Callable[[Tracker], None]) -> None:
        for tracker in list(self.trackers):
            try:
                what(tracker)
            except Exception as error:  # of any service
                self.trackers.remove(tracker)
                name = type(tracker).__name__
                self.say(f"{name} is left out from here on ({type(error).__name__}: {error}); the run continues")
                with contextlib.suppress(Exception):
                    tracker.finish("failed")
