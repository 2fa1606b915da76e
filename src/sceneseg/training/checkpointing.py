"""Saving the state of a run as it goes: after each epoch, every few minutes, and when a signal asks for its end."""

import time

from sceneseg.devices import any_process
from sceneseg.errors import NonFiniteError, RunError
from sceneseg.training.callbacks import Callback
from sceneseg.training.checkpoint import save_state, stateful_parts
from sceneseg.training.interrupt import Interrupt
from sceneseg.training.view import TrainView


class SignalHandling(Callback):
    """Notes Ctrl-C and SIGTERM while a run trains; `Checkpointing` acts on them."""

    def __init__(self) -> None:
        self.interrupt = Interrupt()

    def on_start(self, view: TrainView) -> None:
        """Catch signals."""
        self.interrupt.catch()

    def on_end(self, view: TrainView) -> None:
        """Give signals back."""
        self.interrupt.release()

    def on_failure(self, view: TrainView, error: BaseException) -> None:
        """Give signals back."""
        self.interrupt.release()


class Checkpointing(Callback):
    """Saves the state; the last of a run's callbacks, so that what the others change is in it.

    Args:
        interrupt: Flag that a signal sets.
    """

    def __init__(self, interrupt: Interrupt) -> None:
        self.interrupt = interrupt
        self._saved = time.perf_counter()
        self._had_folder = False

    def on_start(self, view: TrainView) -> None:
        """Begin to count the minutes."""
        self._saved = time.perf_counter()
        self._had_folder = view.run.path.is_dir()

    def on_step_end(self, view: TrainView) -> None:
        """Save within an epoch; at its end that comes after the validation."""
        if view.epoch_ends:
            self._check_folder(view)
        else:
            self._save_if_due(view)

    def on_epoch_end(self, view: TrainView) -> None:
        """Save."""
        self._save_if_due(view, due=True)

    def on_failure(self, view: TrainView, error: BaseException) -> None:
        """Save the state of before a step whose numbers weren't finite."""
        if isinstance(error, NonFiniteError):
            self._save(view)

    def _save_if_due(self, view: TrainView, due: bool = False) -> None:
        # processes save together, though their clocks differ and a signal may reach one of them alone
        late = any_process(time.perf_counter() - self._saved > 60 * view.config.train.checkpoint_minutes)
        requested = any_process(self.interrupt.requested)
        if due or late or requested:
            self._save(view)
        if requested:
            view.interrupt()

    def _save(self, view: TrainView) -> None:
        self._check_folder(view)
        setup = view.setup
        parts = stateful_parts(setup.fabric, view.network, setup.optimizer, setup.average)
        save_state(view.run.state, view.state, parts)
        self._saved = time.perf_counter()

    def _check_folder(self, view: TrainView) -> None:
        """Check that the run directory is still there, as writing to it would make another, unfinished one."""
        if self._had_folder and not view.run.path.is_dir():
            raise RunError(
                f"{view.run.path}: expected the run directory that this training writes to, but it was removed or "
                f"renamed after step {view.step}. If it was renamed, resume it under its new name.",
                field="resume",
            )
