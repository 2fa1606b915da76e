"""Runs with counts whose scores are known, and a comparison of them as `sceneseg compare` leaves it."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from made_up_run import CONFIG, ENVIRONMENT, PROTOCOL, make_run, one_confusion, write_json

from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.metrics.confusion import ImageCounts, SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.records.run_directory import ComparisonDirectory

IMAGES = 24


def make_counts(quality: float) -> SemanticCounts:
    """Make counts of the same images for every quality; 0 keeps the errors that were drawn, 1 has none."""
    counts = SemanticCounts(LABEL_SPACE)
    for i in range(IMAGES):
        drawn = one_confusion(np.random.default_rng(i)) // 8
        right = np.diag(drawn.sum(1))
        right[-1] = drawn[-1]
        mixed = np.rint((1 - quality) * drawn + quality * right).astype(np.int64)
        counts.images[f"frankfurt_{i:06}"] = ImageCounts(mixed)
    return counts


def make_scored_run(path: Path, model: str, quality: float, template: Path, **protocol: Any) -> Path:
    """Copy a made-up run and give it counts of that quality, with the scores that follow from them."""
    shutil.copytree(template, path)
    counts = make_counts(quality)
    counts.save(path / "confusion.npz")
    asked = PROTOCOL | {"images": IMAGES, "tta": "none"} | protocol
    scores = semantic_scores(counts, LABEL_SPACE, asked["void"]).to_dict()
    write_json(path / "metrics.json", scores | {"protocol": asked})
    write_json(path / "model.json", {"name": model, "parameters": round(2e6 * (1 + quality)), "gmacs": 5 + quality})
    config = CONFIG | {"model": {"name": model}, "name": path.name}
    (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    return path


def make_comparison(folder: Path, qualities: dict[str, float], **protocol: dict[str, Any]) -> ComparisonDirectory:
    """Make a comparison with a run of each quality inside, timed: the better, the slower.

    Args:
        folder: Of the comparison, made here.
        qualities: By name of the candidate.
        protocol: What a candidate's protocol has that differs from the others'.
    """
    comparison = ComparisonDirectory(folder)
    template = make_run(folder / "template", size=(32, 64), samples=3)
    for name, quality in qualities.items():
        make_scored_run(folder / name, name, quality, template, **protocol.get(name, {}))
    shutil.rmtree(template)
    candidates = [{"name": n, "changes": {"model": n}, "runs": [{"folder": n, "config": {}}]} for n in qualities]
    budget = {"kind": "time", "amount": 600.0}
    plan = {"format": 1, "command": "sceneseg compare -m a,b", "budget": budget, "split": None}
    write_json(comparison.plan, plan | {"candidates": candidates})
    times = {
        n: {"p50_ms": 10 + 100 * q, "p95_ms": 12 + 100 * q, "peak_mib": 5.0, "repetitions": 9}
        for n, q in qualities.items()
    }
    facts = {"size": [1024, 2048], "repetitions": 9, "device": "cpu", "failed": {}, "environment": ENVIRONMENT}
    write_json(comparison.latency, facts | {"models": times})
    return comparison


def change(file: Path, **changes: Any) -> None:
    """Change values of a JSON file."""
    write_json(file, json.loads(file.read_text()) | changes)
