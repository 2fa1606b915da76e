"""Progress of a download."""


class ProgressReporter:
    """Receives the progress of a download and does nothing with it; a display derives a class."""

    def say(self, text: str) -> None:
        """Receive a sentence for the user."""

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Receive that `done` of `total` bytes of the stage `what` are done; the total may be unknown."""
