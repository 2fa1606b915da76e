"""The history of a run: a row for each epoch, and the callback that writes history.csv."""

from collections.abc import Sequence

from sceneseg.records.run_directory import write_history
from sceneseg.training.callbacks import Callback
from sceneseg.training.state import Row
from sceneseg.training.view import TrainView


class HistoryFile(Callback):
    """Writes history.csv after each epoch."""

    def on_epoch_end(self, view: TrainView) -> None:
        """Write all rows."""
        if view.is_first_process:
            write_history(view.run.history, view.state.history)


def epoch_row(view: TrainView, validated: bool, data_changes: Sequence[int]) -> Row:
    """Return the row of the epoch that ends with the last step.

    Args:
        view: The run.
        validated: Whether the epoch ended with a validation.
        data_changes: After which steps a resumed run went on with other data.
    """
    state = view.state
    columns = list(dict.fromkeys([*view.setup.task.scores, view.setup.score]))
    row: Row = {
        "epoch": view.epoch,
        "step": view.step,
        "samples": view.step * view.config.train.batch_size,
        "seconds": round(state.seconds, 2),
        "lr": view.lr,
        "lr_min": state.epoch_lr_min,
        "lr_max": state.epoch_lr_max,
        "loss": state.mean_loss,
        "val_loss": None,
        "images_per_second": round(view.images_per_second, 3),
        "data_wait": round(state.epoch_waited / max(state.epoch_seconds, 1e-9), 4),
        **dict.fromkeys(columns),
    }
    if any((state.row.get("step") or 0) <= step < view.step for step in data_changes):
        row["data_changed"] = 1
    if validated and view.validation is not None:
        row["val_loss"] = view.validation.loss
        row |= {key: view.validation.scores.means.get(key) for key in columns}
    return row
