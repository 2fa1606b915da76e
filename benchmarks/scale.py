"""Costs that grow with the number of images: time and memory of data sets of 1,000 to 200,000 tiny images.

Writes results/scale.json. Each figure is of a process of its own: CPU time of all threads, and how far its peak memory
rises above what it had when everything was imported. Images have 24x48 pixels, so that what is kept for each image
shows, and not the pixels. Files are hard links to a few pictures, made before the clock starts.

- open: the list of a data set of the layout "folder".
- statistics: what `data stats` counts.
- evaluate: `evaluate --predictions`, from files to counts.
- pack: `data pack`, safetensors.
- counts: the counts of 150 classes in memory, saved and read again.

Run: python benchmarks/scale.py
"""

import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cyclopts
import numpy as np
import yaml
from _measure import write
from PIL import Image
from rich.progress import Progress

SIZES = (1_000, 10_000, 50_000, 200_000)
LARGEST = {"open": 200_000, "statistics": 50_000, "evaluate": 50_000, "pack": 50_000, "counts": 50_000}
"""Images up to which each is measured; more would take long and show nothing new."""
SHAPE, CLASSES, DRAWN = (24, 48), 20, 16
LINKS = 10_000  # to one file; file systems allow at least 32,000
UNIT = 2**20 if sys.platform == "darwin" else 2**10  # of the system's figure in a MiB


def main(*, quick: bool = False, json: Path | None = None, folder: Path | None = None) -> None:
    """Measure how costs grow.

    Args:
        quick: A trial: 100 and 400 images; printed, and written only where --json says.
        json: File to write, instead of results/scale.json.
        folder: Where data sets are made for a while; the system's folder for temporaries when absent.
    """
    sizes = (100, 400) if quick else SIZES
    results = []
    with tempfile.TemporaryDirectory(dir=folder) as name, Progress(transient=True) as progress:
        task = progress.add_task("", total=len(sizes) * len(LARGEST))
        for images in sizes:
            progress.update(task, description=f"making {images:,} images")
            root = make_set(Path(name) / str(images), images)
            for what in LARGEST:
                progress.update(task, description=f"{what}, {images:,} images", advance=1)
                if images <= LARGEST[what]:
                    results.append({"what": what, "images": images, **in_a_process(what, root, images)})
            shutil.rmtree(root)
    write("scale", {"image": list(SHAPE), "classes": CLASSES}, results, json, quick)


def make_set(root: Path, images: int) -> Path:
    """Make a data set of the layout "folder" out of hard links to a few pictures."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (root / kind / "train").mkdir(parents=True)
        (root / "drawn" / kind).mkdir(parents=True)
    for start in range(0, images, LINKS * DRAWN):
        for i in range(DRAWN):
            pixels = rng.integers(0, 256, (*SHAPE, 3), np.uint8)
            labels = rng.integers(0, CLASSES, 4, np.uint8).repeat(SHAPE[0] * SHAPE[1] // 4).reshape(SHAPE)
            for kind, content in (("images", pixels), ("masks", labels)):
                Image.fromarray(content).save(root / "drawn" / kind / f"{start + i}.png")
        for number in range(start, min(images, start + LINKS * DRAWN)):
            for kind in ("images", "masks"):
                drawn = root / "drawn" / kind / f"{start + number % DRAWN}.png"
                os.link(drawn, root / kind / "train" / f"s{number:06}.png")
    (root / "data.yaml").write_text(yaml.safe_dump({"names": [f"class{i}" for i in range(CLASSES)]}))
    return root


def in_a_process(what: str, root: Path, images: int) -> dict[str, float]:
    """Measure in a process of its own, whose memory is that of this measurement alone."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, (what, root, images))


def measure(what: str, root: Path, images: int) -> dict[str, float]:
    """Do something once, after doing it once with little, so that nothing is compiled or imported any more."""
    small = root.with_name("small")
    if not small.exists():
        make_set(small, 4)
    call = CALLS[what]
    call(small, 4)
    before, start = peak_mib(), time.process_time()
    call(root, images)
    return {"cpu_s": round(time.process_time() - start, 3), "peak_mib": round(peak_mib() - before, 1)}


def peak_mib() -> float:
    """Return the most memory that this process has had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT


def open_set(root: Path, images: int) -> Any:
    """Open the data set."""
    from sceneseg.datasets import create

    dataset = create("folder", root=root, split="train")
    assert len(dataset) == images
    return dataset


def statistics(root: Path, images: int) -> None:
    """Count classes, sizes and colors."""
    from sceneseg.datasets.statistics import measure

    assert len(measure(open_set(root, images), workers=1).table) == images


def evaluate(root: Path, images: int) -> None:
    """Count predictions, which are the masks themselves."""
    from sceneseg.evaluation.counting import count_files

    assert len(count_files(root / "masks", open_set(root, images))) == images


def pack(root: Path, images: int) -> None:
    """Pack into safetensors."""
    from sceneseg.packing.pack import pack

    out = root / "packed"
    assert pack(open_set(root, images), out) == images
    shutil.rmtree(out)


def counts(root: Path, images: int) -> None:
    """Count images of 150 classes, save the counts and read them."""
    from sceneseg.labels import LabelClass, LabelSpace
    from sceneseg.metrics.confusion import SemanticCounts

    space = LabelSpace("many", tuple(LabelClass(f"class{i}", (i, i, i), (i,)) for i in range(150)))
    rng = np.random.default_rng(0)
    drawn = [rng.choice(rng.integers(0, 150, 10), (32, 32)).astype(np.uint8) for _ in range(DRAWN)]
    found = SemanticCounts(space)
    for i in range(images):
        found.add(str(i), drawn[i % DRAWN], drawn[(i + 1) % DRAWN])
    found.save(root / "confusion.npz")
    assert len(SemanticCounts.load(root / "confusion.npz")) == images


CALLS = {"open": open_set, "statistics": statistics, "evaluate": evaluate, "pack": pack, "counts": counts}


if __name__ == "__main__":
    cyclopts.run(main)
