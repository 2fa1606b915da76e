"""Handling of Ctrl-C and SIGTERM: they are noted, so that a run ends at the end of a step with its state saved."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """Notes SIGINT and SIGTERM instead of breaking off in the middle of a step; a context manager.

    A second signal breaks off at once.
    """

    def __init__(self) -> None:
        self.requested = False
        self._former: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.catch()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def catch(self) -> None:
        """Handle the signals from here on."""
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._former[number] = signal.signal(number, self._note)
            except ValueError:  # not in the main thread (a notebook's): the former handling stays
                break

    def release(self) -> None:
        """Bring the former handling back."""
        for number, former in self._former.items():
            signal.signal(number, former)
        self._former = {}

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
