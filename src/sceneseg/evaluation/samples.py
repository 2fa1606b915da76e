"""Sample scenes: stored while a split is scored, then shown as a sheet or written for the report."""

from pathlib import Path

import numpy as np

from sceneseg.arrays import ImageArray, LabelArray
from sceneseg.datasets.base import Scene
from sceneseg.inference import visualization
from sceneseg.labels import LabelSpace
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.scores import semantic_scores
from sceneseg.records.names import file_name
from sceneseg.records.sample_scores import SampleScore, write_sample_scores

KEPT = 6
ON_SHEET = 3


class Samples:
    """Keeps some scenes of a split, spread evenly over it, with what was predicted for them.

    Args:
        names: All scenes of the split.
        label_space: Colors and names.
    """

    def __init__(self, names: list[str], label_space: LabelSpace) -> None:
        self.label_space = label_space
        positions = np.linspace(0, len(names) - 1, min(KEPT, len(names))).round().astype(int)
        self.wanted = {names[i] for i in positions}
        self.kept: list[tuple[Scene, LabelArray]] = []

    def add(self, scene: Scene, prediction: LabelArray) -> None:
        """Keep a scene if it is one of those to show."""
        if scene.name in self.wanted:
            self.kept.append((scene, prediction))

    def sheet(self) -> ImageArray:
        """Return image, truth and prediction of some scenes, a row each, (H, W, 3) uint8."""
        rows = []
        for scene, prediction in self.kept[:ON_SHEET]:
            truth = prediction if scene.labels is None else scene.labels
            rows.append([scene.image, *(visualization.colorize(ids, self.label_space) for ids in (truth, prediction))])
        return visualization.grid(rows, gap=3)

    def write(self, folder: Path, counts: SemanticCounts) -> None:
        """Write every stored scene as image, ground truth and prediction, and a list with the mean IoU of each."""
        listing: list[SampleScore] = []
        for scene, prediction in self.kept:
            stem = file_name(scene.name)
            visualization.write_bytes(folder / f"{stem}_image.jpg", visualization.jpeg(scene.image))
            images = {"prediction": prediction} | ({} if scene.labels is None else {"truth": scene.labels})
            for what, ids in images.items():
                visualization.write_bytes(
                    folder / f"{stem}_{what}.png", visualization.palette_png(ids, self.label_space)
                )
            alone = SemanticCounts(counts.label_space)
            alone.images[scene.name] = counts.images[scene.name]
            scored = semantic_scores(alone)
            listing.append(SampleScore(scene.name, scored.means["mean_iou"]))
        write_sample_scores(folder / "samples.json", listing)
