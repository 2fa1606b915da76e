"""Every kind of trouble is found, nothing else is, and the repaired copy is healthy."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from corpus import ERRORS, TRAIN, VAL, WARNINGS, healthy, load, save, write_names
from PIL import Image as PillowImage

from sceneseg import datasets
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.doctor import diagnose, quick_check, repair
from sceneseg.doctor import diagnosis as examination
from sceneseg.doctor.facts import look_at
from sceneseg.doctor.ids import understand
from sceneseg.doctor.repair import MARKER
from sceneseg.errors import DataError
from sceneseg.records.locks import alone


@pytest.fixture(scope="module")
def original(toy_root, tmp_path_factory):
    root = tmp_path_factory.mktemp("doctor") / "street"
    healthy(toy_root, root)
    return root


@pytest.fixture
def root(original, tmp_path):
    return shutil.copytree(original, tmp_path / "street")


def splits(root):
    return [datasets.create("folder", root=root, split=split) for split in ("train", "val")]


def test_a_healthy_set_has_nothing(root, toy_root):
    diagnosis = diagnose("folder", root)
    assert diagnosis.findings == []
    assert "test" in diagnosis.left_out
    assert quick_check(*splits(root)) == []
    assert diagnose("cityscapes", toy_root).findings == []
    assert diagnose("cityscapes", toy_root, options={"label_space": "categories"}).findings == []


@pytest.mark.parametrize("case", [*ERRORS, *WARNINGS])
def test_every_kind_is_found_and_nothing_else(root, case):
    kind, spoil = (ERRORS | WARNINGS)[case]
    spoil(root)
    findings = diagnose("folder", root).findings
    assert [(f.kind, f.severity) for f in findings] == [(kind, "error" if case in ERRORS else "warning")]
    text = str(findings[0])
    assert findings[0].where[0] in text
    assert text.count(". ") >= 2, "what, why and cure"


@pytest.mark.parametrize("case", ERRORS)
def test_training_is_refused(root, case):
    kind, spoil = ERRORS[case]
    spoil(root)
    with pytest.raises(DataError, match=kind if kind != "missing-masks" else "labels of .* are missing"):
        quick_check(*splits(root))


@pytest.mark.parametrize("case", ["one class only", "masks are 0/255", "masks are JPEG", "an image is cut off"])
def test_a_large_set_gets_the_same_verdict(root, case, monkeypatch):
    kind, spoil = ERRORS[case]
    spoil(root)
    monkeypatch.setattr(examination, "SMALL", 0)
    monkeypatch.setattr(examination, "SAMPLED", 1)
    with pytest.raises(DataError, match=kind):
        quick_check(*splits(root))


def test_a_sample_of_one_class_is_no_verdict(root, monkeypatch):
    for split in ("train", "val"):
        first = root / f"masks/{split}/s0.png"
        save(first, np.zeros_like(load(first)))
    monkeypatch.setattr(examination, "SMALL", 0)
    monkeypatch.setattr(examination, "SAMPLED", 1)
    assert [f.severity for f in quick_check(*splits(root)) if f.severity == "error"] == []


def test_void_that_never_meets_the_second_class(root):
    """One of six may be chance, three of six hardly."""
    for n, path in enumerate(sorted((root / "masks").rglob("*.png"))):
        save(path, np.where(load(path) == 0, 255 if n == 0 else 1, 0).astype(np.uint8))
    write_names(root, ["other", "road"])
    assert [(f.kind, f.severity) for f in diagnose("folder", root).findings] == [("mixed-255", "warning")]
    for n, path in enumerate(sorted((root / "masks").rglob("*.png"))):
        save(path, np.where(load(path) > 0, 255 if n % 2 == 0 else 1, 0).astype(np.uint8))
    assert [(f.kind, f.severity) for f in diagnose("folder", root).findings] == [("mixed-255", "error")]
    with pytest.raises(DataError, match="3 masks hold 255 exactly where 3 others hold"):
        quick_check(*splits(root))
    save(path, np.maximum(load(path), (np.arange(load(path).size) % 7 == 0).reshape(load(path).shape) * np.uint8(255)))
    assert diagnose("folder", root).findings == [], "they meet, so void is void"


def test_the_same_file_in_both_splits_is_seen_at_a_glance(root):
    for kind in ("images", "masks"):
        shutil.copy(root / kind / "val/s0.png", root / kind / "train/copy.png")
    with pytest.raises(
        DataError,
        match=r"(?s)shared-images: 1 image is in more than one of train, val.*data doctor.*the data set is folder",
    ):
        quick_check(*splits(root))


@pytest.mark.parametrize("case", [*ERRORS, *WARNINGS])
def test_the_repaired_copy_is_healthy(root, case, tmp_path):
    kind, spoil = (ERRORS | WARNINGS)[case]
    before = {path: load(path) for path in (root / "masks").rglob("*.png")}
    spoil(root)
    diagnosis = diagnose("folder", root)
    repaired = repair(diagnosis, tmp_path / "out")
    again = diagnose("folder", tmp_path / "out")
    lasting = {"single-class", "empty-classes", "only-in-val", "repeated-images", "gray-images"}
    expected = {kind} & lasting | ({"empty-classes"} if kind == "label-ids" else set())  # few scenes, 19 classes
    assert {f.kind for f in again.findings} == expected
    assert repaired.pairs + len(repaired.left_out) == len(diagnosis.patient.pairs)
    if kind in {"shifted-ids", "swapped"}:
        for path, mask in before.items():
            assert np.array_equal(load(tmp_path / "out" / path.relative_to(root)), mask)


def test_what_repairs_do(root, tmp_path):
    _, spoil = ERRORS["masks are 0/255"]
    sky = load(root / "masks/val/s1.png") == 4
    spoil(root)
    repaired = repair(diagnose("folder", root), tmp_path / "out")
    assert (repaired.pairs, repaired.left_out) == (TRAIN + VAL, {})
    labels = datasets.create("folder", root=tmp_path / "out", split="val").read(1).labels
    assert np.array_equal(labels, sky.astype(np.uint8))
    with pytest.raises(DataError, match="expected a new or empty folder"):
        repair(diagnose("folder", root), tmp_path / "out")


def test_colors_become_classes_to_be_named(root, tmp_path):
    kinds = {len(np.unique(load(path))) for path in (root / "masks").rglob("*.png")}
    ERRORS["masks are colors"][1](root)
    repaired = repair(diagnose("folder", root), tmp_path / "out")
    assert repaired.names_to_fill_in
    names = datasets.create("folder", root=tmp_path / "out").label_space.names
    assert len(names) >= max(kinds)
    assert all(name.startswith("color_") for name in names)


def test_a_shared_image_stays_in_val(root, tmp_path):
    ERRORS["an image is in both splits"][1](root)
    repaired = repair(diagnose("folder", root), tmp_path / "out")
    assert {path.rpartition("/")[2] for path in repaired.left_out} == {"again.webp"}


def test_a_turned_image_is_saved_as_its_mask_lies(root, tmp_path):
    expected = load(root / "images/train/s0.png").astype(int)
    ERRORS["EXIF turns an image by 90 degrees"][1](root)
    repair(diagnose("folder", root), tmp_path / "out")
    found = load(tmp_path / "out/images/train/s0.png")
    assert np.abs(found - expected).mean() < 4, "only what JPEG changed"


def test_colors_of_the_data_set_are_read_without_asking(toy_root, tmp_path):
    root = shutil.copytree(toy_root, tmp_path / "toy")
    expected = datasets.create("cityscapes", root=root).read(0).labels
    for path in (root / "gtFine").rglob("*_labelIds.png"):
        shutil.copy(path.with_name(path.name.replace("labelIds", "color")), path)
    diagnosis = diagnose("cityscapes", root)
    assert [f.kind for f in diagnosis.findings] == ["colored-masks"]
    repair(diagnosis, tmp_path / "out")
    labels = datasets.create("folder", root=tmp_path / "out").read(0).labels
    assert (labels == expected)[expected != 255].mean() > 0.999


def test_train_ids_where_label_ids_are_due(toy_root, tmp_path):
    root = shutil.copytree(toy_root, tmp_path / "toy")
    truth = datasets.create("cityscapes", root=root).read(0).labels
    for path in (root / "gtFine").rglob("*_labelIds.png"):
        save(path, LABEL_SPACE.encode(load(path)))
    diagnosis = diagnose("cityscapes", root)
    assert [f.kind for f in diagnosis.findings] == ["train-ids"]
    repair(diagnosis, tmp_path / "out")
    assert np.array_equal(datasets.create("folder", root=tmp_path / "out").read(0).labels, truth)


def test_missing_images_of_a_list(root):
    (root / "train.txt").write_text("images/train/s0.png masks/train/s0.png\nimages/train/s9.png masks/train/s1.png\n")
    write_names(root, datasets.create("folder", root=root).label_space.names, "train: train.txt")
    assert [f.kind for f in diagnose("folder", root, ["train"]).findings] == ["missing-images"]


def test_order_doesnt_depend_on_threads(root):
    for case in ("a mask is cut off", "a gray image"):
        (ERRORS | WARNINGS)[case][1](root)
    seen = []
    one, four = (diagnose("folder", root, progress=lambda *at: seen.append(at), workers=n) for n in (1, 4))
    assert one.findings == four.findings
    assert seen[-1] == (TRAIN + VAL, TRAIN + VAL)
    assert [f.severity for f in one.findings] == ["error", "warning"]


def test_nothing_to_open(tmp_path):
    with pytest.raises(DataError, match="there is no YAML file"):
        diagnose("folder", tmp_path)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({0, 7, 26, 255}, None),
        ({*range(19), 255}, "train-ids"),
        ({0, 1, 34}, None),
    ],
)
def test_what_ids_tell(values, kind):
    reading = understand(values, LABEL_SPACE)
    assert (reading.kind if reading else None) == kind


def test_bytes_behind_the_end_are_no_damage(root, tmp_path):
    save(tmp_path / "a.jpg", load(root / "images/train/s0.png"))
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(b"camera notes" * 20)
    assert look_at(tmp_path / "a.jpg").problem is None


@pytest.mark.parametrize(
    ("name", "folder", "options"),
    [
        ("cityscapes", "cityscapes", {}),
        ("kitti_road", "kitti_road", {}),
        ("ade20k", "ADEChallengeData2016", {}),
        ("drone", "semantic_drone_small_derived", {}),
    ],
)
def test_no_false_alarm_on_healthy_samples(shared_data, name, folder, options):
    splits = {"cityscapes": ["train"], "kitti_road": ["trainval"], "ade20k": ["val"], "drone": ["trainval"]}[name]
    findings = diagnose(name, shared_data / folder, splits, options).findings
    assert {f.kind for f in findings} <= {"empty-classes"}, "few images can't have all classes"


@pytest.mark.slow
def test_no_false_alarm_on_camvid(shared_data):
    assert diagnose("camvid", shared_data / "camvid").findings == []


KILLED = """
import os, sys
from sceneseg.doctor import diagnose, repair
diagnosis = diagnose("folder", sys.argv[1])
repair(diagnosis, __import__("pathlib").Path(sys.argv[2]), lambda done, of: done == 2 and os.kill(os.getpid(), 9))
"""


def test_a_killed_repair_is_given_again(root, tmp_path):
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, "-c", KILLED, str(root), str(out)], capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    assert (out / MARKER).is_file()
    assert not (out / "data.yaml").exists()
    (out / "images" / "train" / "of_before.png").write_bytes(b"")  # of an image that isn't there any more
    diagnosis = diagnose("folder", root)
    repair(diagnosis, tmp_path / "whole")
    assert repair(diagnosis, out).pairs == TRAIN + VAL
    assert tree(out) == tree(tmp_path / "whole")
    with pytest.raises(DataError, match="expected a new or empty folder"):
        repair(diagnosis, out)  # a finished one, in which somebody may have filled in names


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_only_the_folder_of_an_unfinished_repair_is_written_to(root, tmp_path):
    diagnosis = diagnose("folder", root)
    out = tmp_path / "out"
    out.mkdir()
    for name in ("thesis.txt", "images"):  # a foreign file, a link out of the folder
        (out / MARKER).touch()
        if name == "images":
            (out / name).symlink_to(root / "images")
        else:
            (out / name).touch()
        before = sorted(root.rglob("*"))
        with pytest.raises(DataError, match=f"expected a new or empty folder.*found .*{name}"):
            repair(diagnosis, out)
        assert sorted(root.rglob("*")) == before
        (out / name).unlink()
    (root / MARKER).touch()
    with pytest.raises(DataError, match="expected a new or empty folder"):
        repair(diagnosis, root)  # itself
    assert diagnose("folder", root).findings == []


def test_two_repairs_of_one_folder(root, tmp_path):
    diagnosis = diagnose("folder", root)
    (tmp_path / "out").mkdir()
    with alone(tmp_path / "out"), pytest.raises(DataError, match="is being repaired by"):
        repair(diagnosis, tmp_path / "out")


def test_a_full_disk_leaves_a_repair_to_go_on_with(root, tmp_path, monkeypatch):
    diagnosis = diagnose("folder", root)
    save = PillowImage.Image.save

    def fail(picture, file, *args, **kwargs):
        Path(file).write_bytes(b"")
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(PillowImage.Image, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        repair(diagnosis, tmp_path / "out")
    monkeypatch.setattr(PillowImage.Image, "save", save)
    assert all(data for name, data in tree(tmp_path / "out").items() if name.endswith(".png"))
    assert repair(diagnosis, tmp_path / "out").pairs == TRAIN + VAL
