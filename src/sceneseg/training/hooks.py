"""Functions of the user that a run calls as it goes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sceneseg.training.trainer import Trainer

Hook = Callable[["Trainer"], object]
"""Is given the run as it stands, see `sceneseg.training.trainer.Trainer`; what it returns doesn't matter."""


@dataclass(frozen=True)
class Hooks:
    """When they are called; with several processes in each of them. What one raises ends the run.

    Args:
        on_start: Before the first step, of a resumed run too.
        on_step_end: After each step of the optimizer; gradients are gone, weights are new.
        on_validation_end: After each validation; `scores` are its scores.
        on_epoch_end: After each epoch; `row` is what history.csv says of it.
        on_end: When the run is over or was interrupted, but not when it failed.
    """

    on_start: Hook | None = None
    on_step_end: Hook | None = None
    on_validation_end: Hook | None = None
    on_epoch_end: Hook | None = None
    on_end: Hook | None = None

    def call(self, when: str, training: "Trainer") -> None:
        """Call the function of that moment, if there is one."""
        hook: Hook | None = getattr(self, when)
        if hook is not None:
            hook(training)
