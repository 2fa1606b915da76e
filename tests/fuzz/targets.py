"""Everything that the project reads: how a healthy file of each kind is made, and what reads it."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from forms import ARRAYS, HEADER, JSON, ONNX, OPENVINO, RECORDS, TABLE, TORCH, TORCHSCRIPT, YAML, Form
from ingredients import COLORS, IDS, Ingredients, archive, encoded, picture, video
from readers import (
    compare,
    examine_folder,
    import_foreign,
    paint,
    read_bench,
    read_calibration,
    read_companion,
    read_config,
    read_counts,
    read_data_record,
    read_evaluation,
    read_exported,
    read_folder,
    read_history,
    read_label_map,
    read_manifest,
    read_pack,
    read_records,
    read_source,
    read_space,
    read_space_file,
    read_state,
    read_table,
    read_variants,
    read_varied,
    read_weights,
    report,
    resume_pack,
    run_exported,
    state_parts,
    unpack,
    verify_weights,
    write_card,
)

from layouts import CALIBRATION
from sceneseg import standalone
from sceneseg.config import files as config_files
from sceneseg.config.schema import Config
from sceneseg.datasets.base import read_ids, read_image
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.datasets.folder import read_mask

Make = Callable[[Ingredients, Path], Path]


@dataclass(frozen=True)
class Target:
    """A kind of file.

    Args:
        name: Of the target.
        make: Writes the healthy file and what it needs beside it into an empty folder, and returns the file.
        read: Reads the file as the project does.
        form: The document in it; None where there is none that a program can read.
        text: Whether it is a text.
        packages: Optional packages that it needs.
        slow: Takes over 30 ms; fewer of its inputs are tried.
        accepted: Whether the healthy file is accepted.
    """

    name: str
    make: Make
    read: Callable[[Path], Any]
    form: Form | None = None
    text: bool = False
    packages: tuple[str, ...] = ()
    slow: bool = False
    accepted: bool = True


def written(name: str, data: bytes | str | Callable[[], bytes]) -> Make:
    """Return a maker of a file that stands alone."""

    def make(_: Ingredients, folder: Path) -> Path:
        content = data() if callable(data) else data
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return folder / name

    return make


def copied(of: Callable[[Ingredients], Path], name: str) -> Make:
    """Return a maker of a file in a copy of one of the ingredients."""

    def make(ingredients: Ingredients, folder: Path) -> Path:
        shutil.copytree(of(ingredients), folder, dirs_exist_ok=True)
        return folder / name

    return make


def with_file(of: Callable[[Ingredients], Path], name: str, content: Any) -> Make:
    """Return a maker of a JSON file that is put into a copy of one of the ingredients."""

    def make(ingredients: Ingredients, folder: Path) -> Path:
        shutil.copytree(of(ingredients), folder, dirs_exist_ok=True)
        (folder / name).write_text(json.dumps(content))
        return folder / name

    return make


def make_table(_: Ingredients, folder: Path) -> Path:
    from sceneseg.records.predictions import FILE, Predictions, Row

    with Predictions(folder) as table:
        for name in "ab":
            table.add(Row(f"../{name}.jpg", 10, "0" * 64, f"{name}_labelIds.png"))
    return folder / FILE


def make_state(_: Ingredients, folder: Path) -> Path:
    from sceneseg.training.checkpoint import save_state
    from sceneseg.training.state import TrainState

    save_state(folder / "state.ckpt", TrainState(1, history=[{"epoch": 1, "loss": 0.5}]), state_parts())
    return folder / "state.ckpt"


def make_foreign(_: Ingredients, folder: Path) -> Path:
    import torch

    shapes = {
        "classifier.weight": (20, 20, 2, 2),
        "encoder.level1.conv.weight": (16, 3, 3, 3),
        "conv.conv.weight": (20, 39, 3, 3),
        "module.level3_C.conv.weight": (20, 20, 1, 1),
    }
    state = {key: torch.zeros(shape) for key, shape in shapes.items()}
    torch.save(state, folder / "weights.pth")
    return folder / "weights.pth"


BENCH: dict[str, Any] = {
    "schema": "sceneseg-bench-1",
    "environment": {"cpu": "x", "packages": {"torch": "2.13.0"}},
    "settings": {"repetitions": 5, "warmup": 1, "seconds": 3.0, "images": "toy"},
    "results": [
        {
            **{"name": "fast_scnn", "engine": "eager", "weights": None, "size": [64, 128], "batch": 1, "device": "cpu"},
            **{"threads": 1, "start_s": 1.5, "load_s": 0.1, "first_s": 0.2, "equal_pixels": None, "calibration": None},
            "memory": {"libraries_mib": 200.0, "loaded_mib": 210.0, "peak_mib": 250.0, "gpu_peak_mib": None},
            "whole": {"p50_ms": 10.0, "p95_ms": 12.0, "images_per_s": 90.0, "repetitions": 5},
            "network": {"p50_ms": 8.0, "p95_ms": 9.0, "images_per_s": 110.0, "repetitions": 5},
            **{"neighbors": 0, "error": None},
        }
    ],
}


def make_video(_: Ingredients, folder: Path) -> Path:
    video(folder / "in.mp4")
    return folder / "in.mp4"


def _lines(pixels: np.ndarray) -> bytes:
    return b"P6\n64 32\n255\n" + pixels.tobytes()


def _array() -> bytes:
    import io

    file = io.BytesIO()
    np.save(file, picture())
    return file.getvalue()


MANIFEST = {
    "format": 1,
    "weights": [
        {"name": "a", "address": "https://x.org/a.safetensors", "sha256": "0" * 64, "size": 1, "licence": "MIT"}
        | {"model": "unet", "label_space": "camvid", "score": {"mean_iou": 0.5}, "protocol": {"split": "val"}}
    ],
}
GROUPS = {
    "name": "flat",
    "classes": {"flat": ["road", 8], "other": ["rest"], "none": ["void"]},
    "colors": {"flat": [1, 2, 3]},
}
PROGRESS = {"runs": {name: {"state": "finished", "reason": "", "steps": 10} for name in "ab"}}
TOGETHER = {"label_space": "cityscapes", "evaluations": {}, "apart": {}}
DATA = {
    "format": 1,
    "accepted": [{"step": 3, "changes": "train: 1 image more"}],
    "splits": {
        "train": {"meaning": "ids 0 road", "scenes": {"a": {"image": [10, 123, "ab"], "labels": [10, 5, "cd"]}}}
    },
}
PICTURES = (".png", ".jpg", ".tif", ".webp", ".bmp", ".ppm")
PACKS = {"safetensors": ".safetensors", "tfrecord": ".tfrecord", "webdataset": ".tar"}
REPORTED: dict[str, tuple[Form | None, bool]] = {
    "config.yaml": (YAML, True),
    "environment.json": (JSON, True),
    "history.csv": (TABLE, True),
    "metrics.json": (JSON, True),
    "labels.json": (JSON, True),
    "model.json": (JSON, True),
    "confusion.npz": (ARRAYS, False),
    "samples/samples.json": (JSON, True),
    "samples/frankfurt_000000_000000_prediction.png": (None, False),
    "samples/frankfurt_000000_000000_image.jpg": (None, False),
    "previews/epoch_0003.png": (None, False),
    "evaluations/camvid-test/metrics.json": (JSON, True),
}
"""Files of a run: the document in it, and whether it is a text."""
EXPORT = ("onnx", "onnxscript", "onnxruntime")

TARGETS = (
    *(Target(f"image{ending}", written(f"x{ending}", lambda e=ending: encoded(e)), read_image) for ending in PICTURES),
    *(
        Target(f"runner{ending}", written(f"x{ending}", lambda e=ending: encoded(e)), standalone.read_picture)
        for ending in PICTURES[:4]
    ),
    Target("runner.ppm", written("x.ppm", _lines(picture())), standalone.read_picture),
    Target("runner.npy", written("x.npy", _array), standalone.read_picture),
    *(
        Target(f"mask{ending}", written(f"x{ending}", lambda e=ending: encoded(e, IDS)), read_mask)
        for ending in (".png", ".tif", ".bmp", ".gif")
    ),
    Target("mask palette", written("x.png", lambda: encoded(".png", IDS, COLORS)), read_mask),
    Target("mask 16 bit", written("x.png", lambda: encoded(".png", IDS.astype(np.uint16) * 257)), read_mask),
    Target("ids.png", written("x.png", lambda: encoded(".png", IDS)), read_ids),
    Target("config", written("x.yaml", lambda: config_files.dump(Config()).encode()), read_config, YAML, True),
    Target(
        "candidate", written("x.yaml", "model: {name: unet, width: 0.5}\nloss: {dice: 1}\n"), read_variants, YAML, True
    ),
    Target("--vary", written("x.txt", "optim.lr=0.1,1e-3,[a],{b: 2},256x512"), read_varied, None, True, accepted=False),
    Target("label space", written("x.json", json.dumps(LABEL_SPACE.to_dict())), read_space, JSON, True),
    Target("label space file", written("x.json", json.dumps(LABEL_SPACE.to_dict())), read_space_file, JSON, True),
    Target("groups", written("x.yaml", json.dumps(GROUPS)), read_space_file, YAML, True),
    Target("data.yaml", copied(lambda i: i.folder, "data.yaml"), read_folder, YAML, True),
    Target("list", copied(lambda i: i.folder, "train.txt"), read_folder, None, True),
    Target("doctor", copied(lambda i: i.folder, "images/train/train.png"), examine_folder),
    Target("doctor mask", copied(lambda i: i.folder, "masks/train/train.png"), examine_folder),
    Target("label map", written("x.yaml", json.dumps({n: n for n in LABEL_SPACE.names})), read_label_map, YAML, True),
    Target("manifest", written("x.yaml", json.dumps(MANIFEST)), read_manifest, YAML, True),
    *(
        Target(f"pack {name}", copied(lambda i, n=name: i.pack(n), f"train/00000{ending}"), read_pack)
        for name, ending in PACKS.items()
    ),
    *(
        Target(f"pack.json {name}", copied(lambda i, n=name: i.pack(n), "train/pack.json"), read_pack, JSON, True)
        for name in PACKS
    ),
    Target("pack.unfinished", copied(lambda i: i.pack("tfrecord"), "train/pack.json"), resume_pack, JSON, True),
    Target("tfrecord", copied(lambda i: i.pack("tfrecord"), "train/00000.tfrecord"), read_records, RECORDS),
    Target("counts", copied(lambda i: i.small_run, "confusion.npz"), read_counts, ARRAYS),
    Target("weights", copied(lambda i: i.small_run, "weights/best.safetensors"), read_weights, HEADER, slow=True),
    Target(
        "weights verify", copied(lambda i: i.small_run, "weights/best.safetensors"), verify_weights, HEADER, slow=True
    ),
    Target("pth", make_foreign, import_foreign, TORCH, accepted=False),
    Target("state", make_state, read_state, TORCH),
    Target("onnx", copied(lambda i: i.exported("onnx"), "model.onnx"), read_exported, ONNX, packages=EXPORT, slow=True),
    Target(
        "runner onnx",
        copied(lambda i: i.exported("onnx"), "model.onnx"),
        run_exported,
        ONNX,
        packages=EXPORT,
        slow=True,
    ),
    Target(
        *("openvino", copied(lambda i: i.exported("openvino"), "model.xml"), read_exported, OPENVINO),
        packages=(*EXPORT, "openvino"),
        slow=True,
    ),
    Target(
        *("openvino bin", copied(lambda i: i.exported("openvino"), "model.bin"), read_companion),
        packages=(*EXPORT, "openvino"),
        slow=True,
    ),
    Target(
        *("torchscript", copied(lambda i: i.exported("torchscript"), "model.torchscript"), read_exported, TORCHSCRIPT),
        packages=EXPORT,
        slow=True,
    ),
    *(
        Target(
            f"report {Path(name).name if name[0] != 'e' else name}",
            copied(lambda i: i.run, name),
            report(name.count("/")),
            form,
            text,
            slow=True,
        )
        for name, (form, text) in REPORTED.items()
    ),
    Target("card metrics", copied(lambda i: i.small_run, "metrics.json"), write_card, JSON, True, slow=True),
    Target("evaluation", copied(lambda i: i.small_run, "metrics.json"), read_evaluation, JSON, True),
    Target("history", copied(lambda i: i.run, "history.csv"), read_history, TABLE, True),
    *(
        Target(f"compare {name}", copied(lambda i: i.comparison, name), compare(name.count("/")), form, text, slow=True)
        for name, form, text in (
            ("plan.json", JSON, True),
            ("latency.json", JSON, True),
            ("a/metrics.json", JSON, True),
            ("a/confusion.npz", ARRAYS, False),
            ("a/config.yaml", YAML, True),
            ("a/history.csv", TABLE, True),
        )
    ),
    Target(
        *(
            "compare progress.json",
            with_file(lambda i: i.comparison, "progress.json", PROGRESS),
            compare(0),
            JSON,
            True,
        ),
        slow=True,
    ),
    Target(
        *("compare label_space.json", with_file(lambda i: i.comparison, "label_space.json", TOGETHER), compare(0)),
        *(JSON, True),
        slow=True,
    ),
    Target("predictions.csv", make_table, read_table, TABLE, True),
    Target("data.json", written("data.json", json.dumps(DATA)), read_data_record, JSON, True),
    Target("bench", written("x.json", json.dumps(BENCH)), read_bench, JSON, True),
    Target("source.json", written("source.json", '{"name": "camvid", "files": {}}'), read_source, JSON, True),
    *(
        Target(f"archive{ending}", written(f"x{ending}", lambda e=ending: archive(e)), unpack)
        for ending in (".zip", ".tar", ".tgz")
    ),
    Target("video", make_video, paint, packages=("av",), slow=True),
    Target("calibration", written("calib.txt", CALIBRATION), read_calibration, None, True),
)
