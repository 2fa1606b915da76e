"""Early stopping: a run ends when its validation score no longer improves."""

from sceneseg.training.callbacks import Callback
from sceneseg.training.state import TrainState
from sceneseg.training.view import TrainView


class EarlyStopping(Callback):
    """Stops the run after a number of validations without a better score.

    Args:
        patience: Validations; None: never.
    """

    def __init__(self, patience: int | None) -> None:
        self.patience = patience

    def on_epoch_end(self, view: TrainView) -> None:
        """Stop a run that no longer improves."""
        if is_stale(view.state, self.patience):
            view.stop(f"no better {view.setup.score} in {view.state.stale} validations: stopped early")


def is_stale(state: TrainState, patience: int | None) -> bool:
    """Return whether a run hasn't improved for as many validations as it may.

    Args:
        state: How far it has come.
        patience: Validations; None: any number.

    Example:
        >>> is_stale(TrainState(stale=3), patience=3), is_stale(TrainState(stale=3), patience=None)
        (True, False)
    """
    return patience is not None and state.stale >= patience
