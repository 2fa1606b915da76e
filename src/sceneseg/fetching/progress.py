"""Who hears what a download does."""


class ProgressReporter:
    """Hears everything and shows nothing; the command line shows it."""

    def say(self, text: str) -> None:
        """Hear one thing worth a line."""

    def progress(self, what: str, done: int, total: int | None) -> None:
        """Hear that `done` of `total` bytes of `what` are done; the total may be unknown."""
