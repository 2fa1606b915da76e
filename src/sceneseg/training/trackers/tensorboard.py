"""TensorBoard: curves, images and hyper-parameters in `tensorboard/` of the run, always."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from torch.utils.tensorboard import SummaryWriter
from torch.utils.tensorboard.summary import hparams

from sceneseg.config.layering import flat
from sceneseg.records.run_directory import RunDirectory
from sceneseg.training.trackers import register
from sceneseg.training.trackers.base import End, Tracker


@register
class TensorBoard(Tracker):
    """Writes events; look at those of all runs with `tensorboard --logdir runs`."""

    package: ClassVar[str] = "tensorboard"
    install: ClassVar[str] = "tensorboard"

    def __init__(self, run: RunDirectory, config: Mapping[str, object], scores: list[str], step: int) -> None:
        super().__init__(run, config, scores, step)
        self.writer = SummaryWriter(str(run.tensorboard), purge_step=step or None)
        if not step:
            self._hyper_parameters()

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Add points to curves."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def picture(self, name: str, picture: npt.NDArray[np.uint8], step: int) -> None:
        """Add an image."""
        self.writer.add_image(name, picture, step, dataformats="HWC")

    def flush(self) -> None:
        """Write out what is new, for a browser to show."""
        self.writer.flush()

    def finish(self, end: End) -> None:
        """Close the file."""
        self.writer.close()

    def _hyper_parameters(self) -> None:
        """Fill the HParams page, with columns for loss and scores.

        The writer's own `add_hparams` would make a second run of it, separate from the curves.
        """
        kinds = (bool, int, float, str)
        values = {key: value if isinstance(value, kinds) else str(value) for key, value in flat(self.config).items()}
        file = self.writer._get_file_writer()  # type: ignore[no-untyped-call]
        for summary in hparams(values, dict.fromkeys([*self.scores, "loss"], 0.0)):  # type: ignore[no-untyped-call]
            file.add_summary(summary)
