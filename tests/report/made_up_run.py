"""A run directory as training leaves it, made up from drawn or real scenes."""

import csv
import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from PIL import Image

from sceneseg.arrays import LabelArray
from sceneseg.config.schema import ScheduleConfig
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.optim.schedules import learning_rate

EPOCHS = 30
PROTOCOL: dict[str, Any] = {
    "dataset": "cityscapes",
    "split": "val",
    "images": 500,
    "split_hash": "3fa9c17be0d2",
    "label_space": "cityscapes",
    "size": [1024, 2048],
    "void": "ignore",
    "tta": None,
    "scorer": "sceneseg 0.1.0",
}
CONFIG: dict[str, Any] = {
    "model": {"name": "fast_scnn", "width": 1.0},
    "data": {"name": "cityscapes", "root": "data/cityscapes", "train_split": "train", "val_split": "val"},
    "augment": {"crop_size": [768, 1536], "scale": [0.5, 2.0], "flip": 0.5, "brightness": 0.25},
    "loss": {"cross_entropy": 1.0, "lovasz": 0.5},
    "optim": {"name": "sgd", "lr": 0.045, "weight_decay": 4e-5, "momentum": 0.9},
    "schedule": {"name": "poly", "power": 0.9, "warmup_steps": 500},
    "train": {"epochs": EPOCHS, "batch_size": 12, "precision": "bf16-mixed", "device": "cuda"},
    "seed": 0,
    "name": "cityscapes-fast_scnn",
}
ENVIRONMENT: dict[str, Any] = {
    "created": "2026-05-12T14:03:21+02:00",
    "command": "sceneseg train --config recipes/cityscapes/fast_scnn.yaml -e 30 --name cityscapes-fast_scnn",
    "sceneseg": "0.1.0",
    "python": "3.11.7",
    "platform": "Linux-6.1-x86_64",
    "cpu": "AMD EPYC 9354",
    "cores": 16,
    "threads": 16,
    "memory_gb": 128.0,
    "gpu": "NVIDIA H100 80GB HBM3",
    "packages": {"torch": "2.13.0", "timm": "1.0.20", "numpy": "2.4.6", "opencv": "5.0.0"},
}
MODEL = {
    "name": "fast_scnn",
    "parameters": 1138051,
    "parameters_training": 1157174,
    "gmacs": 6.72,
    "size": [1024, 2048],
}
COLUMNS = (
    *("epoch", "step", "samples", "seconds", "lr", "loss"),
    *("images_per_second", "data_wait", "mean_iou", "pixel_accuracy"),
)
ACCURACY = (98, 86, 95, 52, 58, 61, 68, 77, 96, 70, 97, 84, 62, 96, 66, 78, 65, 58, 80)
FREQUENCY = (326, 54, 202, 6, 8, 11, 2, 5, 141, 10, 35, 11, 1, 62, 2.4, 2.1, 2.1, 0.9, 3.7)


def make_run(path: Path, *, scenes: Path | None = None, size: tuple[int, int] = (128, 256), samples: int = 6) -> Path:
    """Write a run directory as training leaves it: 19 Cityscapes classes, 30 epochs, a validation every third.

    Args:
        path: The run directory, made here.
        scenes: A Cityscapes folder whose images are the samples; without it they are drawn.
        size: Height and width of the samples.
        samples: How many.
    """
    rng = np.random.default_rng(0)
    confusion = np.stack([one_confusion(rng) for _ in range(4)])
    metrics = {"protocol": PROTOCOL, **scores(confusion.sum(0))}
    elsewhere = PROTOCOL | {"dataset": "camvid", "split": "test", "images": 233, "size": [360, 480]}
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump(CONFIG, sort_keys=False))
    write_json(path / "environment.json", ENVIRONMENT)
    write_json(path / "labels.json", LABEL_SPACE.to_dict())
    write_json(path / "model.json", MODEL)
    write_json(path / "metrics.json", metrics)
    write_json(path / "evaluations/camvid-test/metrics.json", metrics | {"mean_iou": 0.512, "protocol": elsewhere})
    np.savez_compressed(path / "confusion.npz", names=np.array(list("abcd")), confusion=confusion)
    write_history(path / "history.csv", metrics["mean_iou"], rng)
    write_pictures(path, [scene(i, size, scenes, rng) for i in range(samples)], rng)
    return path


def one_confusion(rng: np.random.Generator) -> np.ndarray:
    """Draw counts (20, 20): errors go to classes of the same category, and to frequent ones."""
    pixels, right = np.array(FREQUENCY) * 2000, np.array(ACCURACY) / 100
    category = np.array([c.category for c in LABEL_SPACE.classes])
    wrong = np.sqrt(pixels)[None] * np.where(category[:, None] == category[None], 8, 1)
    wrong = wrong * rng.gamma(0.5, size=wrong.shape) * (1 - np.eye(19))
    shares = wrong / wrong.sum(1, keepdims=True) * (1 - right[:, None]) + np.diag(right)
    confusion = np.zeros((20, 20), np.int64)
    confusion[:19, :19] = shares * pixels[:, None]
    confusion[19, :19] = pixels / 10
    return confusion


def scores(confusion: np.ndarray) -> dict[str, Any]:
    """Return scores in the form of metrics.json; iIoU is made up, a little below IoU, for classes with instances."""
    counts = confusion[:-1, :-1]
    hit, truth, said = np.diag(counts), counts.sum(1), counts.sum(0)
    iou = hit / (truth + said - hit)
    classes = {
        c.name: {"iou": iou[i], "iiou": iou[i] - 0.13 if c.has_instances else None}
        | {"dice": 2 * hit[i] / (truth[i] + said[i]), "accuracy": hit[i] / truth[i]}
        for i, c in enumerate(LABEL_SPACE.classes)
    }
    categories = {}
    for name in LABEL_SPACE.categories:
        members = [c.category == name for c in LABEL_SPACE.classes]
        both = counts[np.ix_(members, members)].sum()
        value = both / (truth[members].sum() + said[members].sum() - both)
        categories[name] = {"iou": value, "iiou": value - 0.09 if name in ("human", "vehicle") else None}

    def mean(group: dict[str, Any], key: str) -> float:
        return float(np.mean([row[key] for row in group.values() if row[key] is not None]))

    return {
        "mean_iou": mean(classes, "iou"),
        "mean_iiou": mean(classes, "iiou"),
        "mean_category_iou": mean(categories, "iou"),
        "mean_category_iiou": mean(categories, "iiou"),
        "mean_dice": mean(classes, "dice"),
        "pixel_accuracy": float(hit.sum() / truth.sum()),
        "class_accuracy": mean(classes, "accuracy"),
        "classes": classes,
        "categories": categories,
    }


def write_history(path: Path, final: float, rng: np.random.Generator) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for epoch in range(1, EPOCHS + 1):
            progress = epoch / EPOCHS
            learnt = final * (1 - math.exp(-5 * progress)) / (1 - math.exp(-5)) - 0.02 * rng.random() * (1 - progress)
            validated = [f"{learnt:.6f}", f"{0.6 + 0.5 * learnt:.6f}"] if epoch % 3 == 0 else ["", ""]
            rate = learning_rate(248 * epoch - 1, 248 * EPOCHS, 0.045, ScheduleConfig(**CONFIG["schedule"]))
            loss = 0.28 + 1.9 * math.exp(-4.5 * progress) + 0.04 * rng.normal()
            speed = 310 + 10 * rng.normal()
            writer.writerow([epoch, 248 * epoch, 2975 * epoch, 9.6 * epoch, rate, loss, speed, 0.02, *validated])


def write_pictures(path: Path, pictures: list[tuple[np.ndarray, LabelArray]], rng: np.random.Generator) -> None:
    """Write samples with predictions that improve over the previews: the labels, bent."""
    (path / "samples").mkdir()
    (path / "previews").mkdir()
    listed = []
    for i, (image, labels) in enumerate(pictures):
        stem = path / "samples" / f"frankfurt_000000_{i:06d}"
        cv2.imwrite(f"{stem}_image.jpg", image[..., ::-1])
        write_palette(Path(f"{stem}_truth.png"), labels)
        write_palette(Path(f"{stem}_prediction.png"), bend(labels, 0.012, rng))
        listed.append({"name": stem.name, "mean_iou": 0.7 - 0.03 * i})
    write_json(path / "samples" / "samples.json", listed)
    for epoch in range(3, EPOCHS + 1, 3):
        image, labels = pictures[0]
        halves = np.hstack([image, LABEL_SPACE.palette[bend(labels, 0.12 / epoch, rng)]])
        cv2.imwrite(str(path / "previews" / f"epoch_{epoch:04d}.png"), halves[..., ::-1])


def scene(
    i: int, size: tuple[int, int], scenes: Path | None, rng: np.random.Generator
) -> tuple[np.ndarray, LabelArray]:
    """Return an image (H, W, 3) RGB and its labels (H, W)."""
    found = sorted(scenes.glob("leftImg8bit/*/*/*.png")) if scenes else []
    if found:
        image = found[i % len(found)]
        labels = str(image).replace("leftImg8bit/", "gtFine/").replace("_leftImg8bit", "_gtFine_labelIds")
        ids = cv2.resize(cv2.imread(labels, -1), size[::-1], interpolation=cv2.INTER_NEAREST)
        return cv2.resize(cv2.imread(str(image)), size[::-1])[..., ::-1], LABEL_SPACE.encode(ids)
    drawn = np.full(size, 10, np.uint8)  # sky
    height, width = size
    drawn[height // 3 :] = 2
    drawn[height * 2 // 3 :] = 0
    for _ in range(12):
        x, y, label = (int(rng.integers(n)) for n in (width, height, 19))
        cv2.rectangle(drawn, (x, y), (x + width // 8, y + height // 6), label, -1)
    drawn[-height // 12 :] = 255
    return cv2.add(LABEL_SPACE.palette[drawn], rng.integers(0, 60, (*size, 3), np.uint8)), drawn


def bend(labels: LabelArray, strength: float, rng: np.random.Generator) -> LabelArray:
    """Shift borders smoothly by about `strength` of the width, and give void the class beside it."""
    height, width = labels.shape
    shift = [cv2.resize(rng.normal(size=(9, 18)).astype(np.float32), (width, height)) for _ in range(2)]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    amount = strength * width
    bent = cv2.remap(labels, x + amount * shift[0], y + amount * shift[1], cv2.INTER_NEAREST, None, cv2.BORDER_REFLECT)
    return np.where(bent == 255, np.uint8(0), bent)


def write_palette(path: Path, labels: LabelArray) -> None:
    picture = Image.fromarray(labels, "P")
    picture.putpalette(LABEL_SPACE.palette.tobytes())
    picture.save(path)


def write_json(path: Path, data: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))
