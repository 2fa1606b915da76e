"""Costs that grow with the number of images, and with nothing else."""

import time
import tracemalloc

import numpy as np

from sceneseg import Scenes
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.datasets.statistics import measure
from sceneseg.labels import LabelClass, LabelSpace
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.counts_file import AT_ONCE
from sceneseg.packing import pack as packing
from sceneseg.packing.pack import pack


def test_counting_takes_the_same_for_each_image():
    labels = np.zeros((2, 2), np.uint8)

    def seconds(images: int) -> float:
        counts = SemanticCounts(LABEL_SPACE)
        start = time.process_time()
        for i in range(images):
            counts.add(str(i), labels, labels)
        return time.process_time() - start

    seconds(100)  # compiles
    assert seconds(16_000) < 24 * min(seconds(2_000) for _ in range(3)), "8 times as many; quadratic would be 64"


def test_the_index_of_a_pack_is_written_once(tmp_path, monkeypatch):
    written: list[int] = []
    monkeypatch.setattr(packing, "SHARD_SCENES", 1)
    monkeypatch.setattr(packing, "save_index", lambda path, index: written.append(len(index.shards)))
    (tmp_path / "train").mkdir()
    scenes = [(np.full((2, 2, 3), i, np.uint8), np.array([[0, 1], [1, 0]], np.uint8)) for i in range(9)]
    pack(Scenes(scenes, ["road", "car"]), tmp_path)
    assert written == [0, 9], "an empty one at the beginning, the whole at the end"


def test_statistics_keep_a_row_for_each_scene_and_no_more():
    scenes = [(np.full((1, 2, 3), i % 256, np.uint8), np.array([[0, 1]], np.uint8)) for i in range(1_500)]
    dataset = Scenes(scenes, ["road", "car"])
    tracemalloc.start()
    try:
        found = measure(dataset, workers=1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.sizes == {(1, 2): 1_500}
    assert np.allclose(found.mean_rgb, np.mean([i % 256 for i in range(1_500)]))
    assert peak / 1_500 < 6_000, "bytes a scene; three histograms are 6,144"


def test_counts_of_many_classes_are_kept_and_written_as_their_few_cells(tmp_path):
    """Of 150 classes a matrix of an image takes 180 kB; a twentieth of its cells are filled at most."""
    space = LabelSpace("many", tuple(LabelClass(f"class{i}", (i, i, i), (i,)) for i in range(150)))
    labels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    counts, again = SemanticCounts(space), SemanticCounts(space)
    again.add("compiles", labels, labels)
    tracemalloc.start()
    try:
        for i in range(300):
            counts.add(str(i), labels, labels[::-1])
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        counts.save(tmp_path / "confusion.npz")
        loaded = SemanticCounts.load(tmp_path / "confusion.npz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept / 300 < 2_500, "bytes an image"
    assert peak < kept + 3 * AT_ONCE, "all matrices are 54 MB"
    assert np.array_equal(loaded.images["7"].confusion, counts.images["7"].confusion)
    assert np.array_equal(np.load(tmp_path / "confusion.npz")["confusion"][0], counts.images["0"].confusion)
