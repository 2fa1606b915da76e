"""cityscapesScripts' own evaluation, called as its command calls it, and compared with ours."""

import copy
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cityscapesscripts.evaluation
import numpy as np
from _measure import require

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.labels import IGNORE_INDEX
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores

Files = Sequence[tuple[Path, Path]]
"""Prediction and label ids of each image; the instance ids lie beside the label ids."""


class Official:
    """The program, as it was installed.

    Args:
        addon: Folder with its built helper in C, where that isn't installed.
    """

    def __init__(self, addon: Path | None = None) -> None:
        if addon is not None:
            cityscapesscripts.evaluation.__path__.append(str(addon.resolve()))
        from cityscapesscripts.evaluation import evalPixelLevelSemanticLabeling

        self.program: Any = evalPixelLevelSemanticLabeling
        self.has_helper: bool = self.program.CSUPPORT
        require(self.has_helper or addon is None, f"{addon} holds no addToConfusionMatrix that this Python can import")
        self.restored = not hasattr(np, "in1d")
        if self.restored:  # cityscapesScripts 2.3.0 needs it, NumPy 2.4 has removed it
            setattr(np, "in1d", lambda a, b, **options: np.isin(np.ravel(a), b, **options))  # noqa: B010

    def score(self, files: Files, instances: bool, helper: bool) -> dict[str, Any]:
        """Score files; return what the program writes as JSON."""
        self.program.CSUPPORT = helper
        args = self._args(instances)
        predictions, truths = map(list, zip(*((str(a), str(b)) for a, b in files), strict=True))
        return self.program.evaluateImgLists(predictions, truths, args)

    def count(self, files: Files, helper: bool) -> tuple[np.ndarray[Any, Any], dict[str, Any]]:
        """Return the program's own counts: pixels by label ids, and the instances' pixels and hits."""
        self.program.CSUPPORT = helper
        args = self._args(True)
        matrix, stats = self.program.generateMatrix(args), self.program.generateInstanceStats(args)
        for prediction, truth in files:
            self.program.evaluatePair(str(prediction), str(truth), matrix, stats, {}, args)
        return matrix.astype(np.int64), stats

    def compare(self, ours: SemanticCounts, files: Files) -> None:
        """Make sure that counts are equal to the last pixel, and all scores to the 9th digit."""
        for helper in {False, self.has_helper}:
            matrix, stats = self.count(files, helper)
            require(np.array_equal(_in_train_ids(matrix), ours.total().confusion), "the confusion counts differ")
            _compare_objects(ours, stats)
            found, expected = semantic_scores(ours, LABEL_SPACE), self.score(files, True, helper)
            for name, key in SCORES.items():
                for kind in ("class", "category"):
                    plural = "classes" if kind == "class" else "categories"
                    for row, scores in getattr(found, plural).items():
                        same = _same(scores[name], expected[f"{kind}{key}"][row])
                        require(same, f"the {name} of {row} differs")

    def _args(self, instances: bool) -> Any:
        args = copy.copy(self.program.args)
        args.quiet, args.JSONOutput, args.evalInstLevelScore = True, False, instances
        args.colorized, args.bold, args.nocol = False, "", ""
        return args


SCORES = {"iou": "Scores", "iiou": "InstScores"}


def _in_train_ids(matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Turn counts by label ids into counts by train ids, the last of which is void."""
    numbers = LABEL_SPACE.encode(np.arange(len(matrix), dtype=np.uint8)).astype(int)
    numbers[numbers == IGNORE_INDEX] = len(LABEL_SPACE)
    join = (np.arange(len(LABEL_SPACE) + 1)[:, None] == numbers).astype(np.int64)
    return join @ matrix @ join.T


def _compare_objects(ours: SemanticCounts, stats: dict[str, Any]) -> None:
    classes, pixels, hits, category_hits = np.concatenate(
        [np.stack(found.objects[1:], 1) for found in ours.images.values() if found.objects]
    ).T
    weighted = ours.total().instances
    assert weighted is not None
    for i, c in enumerate(LABEL_SPACE.classes):
        if c.has_instances:
            mine, theirs = classes == i, stats["classes"][c.name]
            tp = int(hits[mine].sum())
            require(tp == theirs["tp"], f"the hits of the objects of class {c.name} differ")
            require(int(pixels[mine].sum()) - tp == theirs["fn"], f"the misses of class {c.name} differ")
            same = math.isclose(weighted.tp[i], theirs["tpWeighted"], rel_tol=1e-9)
            same &= math.isclose(weighted.fn[i], theirs["fnWeighted"], rel_tol=1e-9)
            require(same, f"the weighted pixels of class {c.name} differ")
    for category, theirs in stats["categories"].items():
        members = [i for i, c in enumerate(LABEL_SPACE.classes) if c.category == category]
        if members:
            tp = int(category_hits[np.isin(classes, members)].sum())
            require(tp == theirs["tp"], f"the hits of the objects of category {category} differ")


def _same(ours: float | None, theirs: float) -> bool:
    return math.isnan(theirs) if ours is None else abs(ours - theirs) < 1e-9
