"""A score says which truth it was measured against, whatever form that was read in."""

import itertools
import shutil

import cv2
import numpy as np

from sceneseg import datasets
from sceneseg.config.conversion import changed
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.evaluation.counting import count_files
from sceneseg.evaluation.protocol import evaluation_protocol
from sceneseg.evaluation.regrouping import regroup
from sceneseg.evaluation.request import Request
from sceneseg.evaluation.scoring import score_run, score_weights
from sceneseg.labels import LabelClass, LabelSpace, choose_space
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.packing.pack import pack
from sceneseg.records.run_directory import read_json
from sceneseg.tasks.semantic import Semantic
from small_run import make_small_run

SPACE = LabelSpace("street", tuple(LabelClass(name, (i, i, i), (i,)) for i, name in enumerate(["road", "sky", "car"])))


def truth(names="abcd", change=None):
    rng = np.random.default_rng(0)
    labels = {name: rng.integers(0, 3, (6, 8)).astype(np.uint8) for name in names}
    if change:
        labels[change][2, 3] = 255
    return labels


def counted(labels, space=SPACE):
    counts = SemanticCounts(space)
    for name, one in labels.items():
        counts.add(name, one, np.zeros_like(one))
    return counts


def test_any_order_and_any_split_gives_the_same_hash():
    expected = counted(truth()).labels_hash
    for order in itertools.permutations("abcd"):
        whole = counted({name: truth()[name] for name in order[:2]})
        whole.merge(counted({name: truth()[name] for name in order[2:]}))
        assert whole.labels_hash == expected


def test_another_truth_another_hash():
    usual = counted(truth())
    others = [truth(change="c"), truth("abc"), {**truth(), "a": truth()["b"], "b": truth()["a"]}]
    others.append({name: one.reshape(8, 6) for name, one in truth().items()})
    assert len({usual.labels_hash, *(counted(other).labels_hash for other in others)}) == 5


def test_files_keep_it_and_older_ones_have_none(tmp_path):
    counts = counted(truth())
    counts.save(tmp_path / "c.npz")
    assert SemanticCounts.load(tmp_path / "c.npz").labels_hash == counts.labels_hash
    with np.load(tmp_path / "c.npz") as file:
        np.savez(tmp_path / "old.npz", **{key: file[key] for key in file.files if key != "truth"})
    assert SemanticCounts.load(tmp_path / "old.npz").labels_hash is None


def test_every_way_to_a_score_carries_it(toy_root, tmp_path):
    """Validation, evaluation, predictions in files, another label space, and the same labels in a pack."""
    run = make_small_run(tmp_path / "run", toy_root)
    expected = read_json(run.metrics)["protocol"]["labels_hash"]
    dataset = datasets.create("cityscapes", root=toy_root, split="val")
    score_weights(run.path, Request(None, None, "val"))
    assert read_json(run.evaluation("cityscapes-val").metrics)["protocol"]["labels_hash"] == expected
    for space in (None, "categories"):
        scores, _ = score_run(run.path, Request(None, None, "val", label_space=space))
        assert scores.protocol.labels_hash == expected

    for i, files in enumerate(dataset.files):
        ids = dataset.label_space.decode(dataset.read_labels(i))
        (tmp_path / "out").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "out" / f"{files.name}_labelIds.png"), ids)
    assert evaluation_protocol(dataset, count_files(tmp_path / "out", dataset), None).labels_hash == expected

    for split in ("train", "val"):
        pack(datasets.create("cityscapes", root=toy_root, split=split), tmp_path / "pack")
    config = changed(run.load_config(), {"data": {"name": "packed", "root": str(tmp_path / "pack")}})
    task = Semantic(config)
    task.create_model("32-true")
    assert task.validate(0).scores.protocol.labels_hash == expected


def test_counts_in_another_space_keep_no_digest_of_their_own():
    """It would be that of the classes that they were counted in."""
    counts = counted(truth(), LABEL_SPACE)
    assert counts.labels_hash
    assert regroup(counts, choose_space(LABEL_SPACE, "categories")).labels_hash is None


def test_a_run_that_is_scored_on_other_labels_than_it_was_validated_on_says_so(toy_root, tmp_path):
    shutil.copytree(toy_root, tmp_path / "data")
    run = make_small_run(tmp_path / "run", tmp_path / "data")
    assert "validated on" not in score_weights(run.path, Request(None, None, "val"))[1]
    for kind in ("labelIds", "instanceIds"):
        files = sorted((tmp_path / "data" / "gtFine" / "val").rglob(f"*_{kind}.png"))
        shutil.copy(files[0], files[1])
    assert "aren't the images or labels that" in score_weights(run.path, Request(None, None, "val"))[1]
