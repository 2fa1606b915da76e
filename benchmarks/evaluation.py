"""Scoring at 1024x2048, 19 classes and void: cityscapesScripts, torchmetrics, np.bincount and ours on the same pairs.

Writes results/evaluation.json: medians of interleaved rounds, in milliseconds per pair. Everything is set to one
thread and timed by the process's CPU time; ours from files is also timed on all cores, by the clock. Equal counts are
part of the run: every confusion matrix to the last pixel, and from files the pixels and hits of all objects.

- Arrays: train ids in memory -> confusion matrix -> mean IoU. Drawn streets with a prediction that has shifted
  borders and wrong regions, and noise, the worst case.
- Files: label-id PNGs -> all scores with cityscapesScripts' own program and with `sceneseg evaluate --predictions`;
  once with the instance-weighted scores (the default of both), once without. cityscapesScripts has a helper in C that
  must be built from its repository; with --addon FOLDER, which holds the built addToConfusionMatrix, it is timed, too.

Needs: pip install torchmetrics cityscapesscripts

Run: python benchmarks/evaluation.py
"""

import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import cv2
import cyclopts
import numpy as np
import torch
from _measure import require, time_in_turns, write
from _official import Official
from _peers import need_peers
from _streets import CLASSES, noise_labels, prediction_of, street

from sceneseg.arrays import LabelArray
from sceneseg.datasets.cityscapes import LABEL_SPACE, Cityscapes
from sceneseg.evaluation.counting import count_files
from sceneseg.kernels.confusion import confusion_counts, count_pairs_reference
from sceneseg.labels import IGNORE_INDEX
from sceneseg.metrics.scores import semantic_scores
from sceneseg.models._torchvision import import_torchvision

Pair = tuple[LabelArray, LabelArray]
Confusion = np.ndarray[Any, np.dtype[np.int64]]
CITY = "pixelburg"


def main(
    *, pairs: int = 8, rounds: int = 9, addon: Path | None = None, quick: bool = False, json: Path | None = None
) -> None:
    """Measure scoring.

    Args:
        pairs: Truths and predictions.
        rounds: Timed rounds.
        addon: Folder with cityscapesScripts' built addToConfusionMatrix.
        quick: A trial: two pairs, two rounds; printed, and written only where --json says.
        json: File to write, instead of results/evaluation.json.
    """
    need_peers("torchmetrics", "torchvision", "cityscapesscripts")
    pairs, rounds = (2, 2) if quick else (pairs, rounds)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    official = Official(addon)
    with tempfile.TemporaryDirectory() as folder:
        streets = write_pairs(Path(folder), pairs)
        results = {
            "arrays": {
                "streets": score_arrays(streets, rounds),
                "noise": score_arrays([noise_labels(i) for i in range(pairs)], rounds),
            },
            "files": score_all_files(Path(folder), official, rounds, threads),
        }
    settings = {
        "pairs": pairs,
        "rounds": rounds,
        "size": [1024, 2048],
        "cityscapesscripts_c_helper": official.has_helper,
        "np_in1d_restored": official.restored,
    }
    write("evaluation", settings, results, json, quick, ("torchmetrics", "cityscapesscripts", "pillow"))


def write_pairs(root: Path, count: int) -> list[Pair]:
    """Write streets and predictions as PNGs in the layout of Cityscapes; return their train ids."""
    found = []
    for i in range(count):
        scene, name = street(i), f"{CITY}_{i:06}_000019"
        labels = LABEL_SPACE.encode(scene.label_ids)
        prediction = prediction_of(labels, seed=i)
        for file, pixels in (
            (f"leftImg8bit/val/{CITY}/{name}_leftImg8bit.png", scene.image[..., ::-1]),
            (f"gtFine/val/{CITY}/{name}_gtFine_labelIds.png", scene.label_ids),
            (f"gtFine/val/{CITY}/{name}_gtFine_instanceIds.png", scene.instance_ids),
            (f"predictions/{name}_labelIds.png", LABEL_SPACE.decode(prediction)),
        ):
            (root / file).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(root / file), pixels)
        found.append((labels, prediction))
    return found


def score_arrays(pairs: Sequence[Pair], rounds: int) -> dict[str, Any]:
    """Check that all count alike, then time them."""
    expected = sum_counts(count_by_bincount, pairs)
    for name, count in COUNTERS.items():
        found = sum_counts(count, pairs)
        require(np.array_equal(found, expected), f"{name} and np.bincount count differently")
    score = jaccard_index(pairs)
    require(abs(score - mean_iou(expected)) < 1e-6, f"torchmetrics finds the mean IoU {score}")
    calls: dict[str, Callable[[], object]] = {
        name: partial(lambda count: mean_iou(sum_counts(count, pairs)), count) for name, count in COUNTERS.items()
    }
    calls |= {
        "torchmetrics MulticlassConfusionMatrix": lambda: mean_iou(confusion_matrix(pairs, True)),
        "torchmetrics MulticlassConfusionMatrix, validate_args=False": lambda: mean_iou(confusion_matrix(pairs, False)),
        "torchmetrics MulticlassJaccardIndex": lambda: jaccard_index(pairs),
    }
    for validate in (True, False):
        require(np.array_equal(confusion_matrix(pairs, validate), expected), "torchmetrics counts differently")
    times = time_in_turns("scoring arrays", calls, rounds).per(len(pairs)).cpu_ms
    return {
        "mean_iou": round(mean_iou(expected), 4),
        "cpu_ms": times,
        "speedup": {name: round(ms / times["sceneseg"], 2) for name, ms in times.items()},
    }


def sum_counts(count: Callable[[LabelArray, LabelArray], Confusion], pairs: Sequence[Pair]) -> Confusion:
    return np.sum([count(*pair) for pair in pairs], axis=0)


def count_by_bincount(labels: LabelArray, prediction: LabelArray) -> Confusion:
    """Count as countless repositories do."""
    valid = labels != IGNORE_INDEX
    codes = CLASSES * labels[valid].astype(int) + prediction[valid]
    return np.bincount(codes, minlength=CLASSES**2).reshape(CLASSES, CLASSES)


def count_by_bincount_of_all(labels: LabelArray, prediction: LabelArray) -> Confusion:
    """Count void, too, and leave it out afterwards: no mask is needed."""
    return count_pairs_reference(labels.ravel(), prediction.ravel())[:CLASSES, :CLASSES]


def count_ours(labels: LabelArray, prediction: LabelArray) -> Confusion:
    return confusion_counts(labels, prediction, CLASSES)[:CLASSES, :CLASSES]


COUNTERS: dict[str, Callable[[LabelArray, LabelArray], Confusion]] = {
    "sceneseg": count_ours,
    "np.bincount": count_by_bincount,
    "np.bincount without a mask": count_by_bincount_of_all,
}


@cache
def torchmetrics() -> Any:
    """Import the package, which imports torchvision."""
    import_torchvision()  # this declares what torchvision misses beside a CPU build of torch
    import torchmetrics.classification

    return torchmetrics.classification


def confusion_matrix(pairs: Sequence[Pair], validate: bool) -> Confusion:
    metric = torchmetrics().MulticlassConfusionMatrix(CLASSES, ignore_index=IGNORE_INDEX, validate_args=validate)
    for labels, prediction in pairs:
        metric.update(torch.from_numpy(prediction), torch.from_numpy(labels))
    return metric.compute().numpy()


def jaccard_index(pairs: Sequence[Pair]) -> float:
    metric = torchmetrics().MulticlassJaccardIndex(CLASSES, ignore_index=IGNORE_INDEX)
    for labels, prediction in pairs:
        metric.update(torch.from_numpy(prediction), torch.from_numpy(labels))
    return float(metric.compute())


def mean_iou(confusion: Confusion) -> float:
    right = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - right
    return float((right[union > 0] / union[union > 0]).mean())


def score_all_files(root: Path, official: Official, rounds: int, threads: int) -> list[dict[str, Any]]:
    """Check that cityscapesScripts and ours find the same, then time them, with and without instances."""
    dataset = Cityscapes(root, "val")
    truths = root / "gtFine" / "val" / CITY
    names = [scene.name for scene in dataset.files]
    files = [(root / f"predictions/{n}_labelIds.png", truths / f"{n}_gtFine_labelIds.png") for n in names]

    def ours(instances: bool) -> Any:
        return count_files(root / "predictions", dataset, with_instances=instances)

    official.compare(ours(True), files)
    results = []
    for instances in (True, False):
        calls: dict[str, Callable[[], object]] = {
            "sceneseg": lambda i=instances: semantic_scores(ours(i)),
            "cityscapesScripts": lambda i=instances: official.score(files, i, helper=False),
        }
        if official.has_helper:
            calls["cityscapesScripts with its C helper"] = lambda i=instances: official.score(files, i, helper=True)
        one = time_in_turns("scoring files", calls, rounds).per(len(files))
        speedup = {name: round(ms / one.cpu_ms["sceneseg"], 2) for name, ms in one.cpu_ms.items()}
        on_clock = dict(one.wall_ms)
        if threads > 1:
            torch.set_num_threads(threads)
            many = time_in_turns("scoring files on all cores", {"sceneseg": calls["sceneseg"]}, rounds).per(len(files))
            torch.set_num_threads(1)
            on_clock[f"sceneseg, {threads} threads"] = many.wall_ms["sceneseg"]
        results.append({"instances": instances, "cpu_ms": one.cpu_ms, "speedup": speedup, "wall_ms": on_clock})
    return results


if __name__ == "__main__":
    cyclopts.run(main)
