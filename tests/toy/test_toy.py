import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from sceneseg import datasets
from sceneseg.datasets.cityscapes import LABELS
from sceneseg.errors import DataError
from sceneseg.toy import draw_scene, write_toy_scenes
from sceneseg.toy.writing import coarse_polygons

SIZE = (96, 192)
ID = {row.name: row.label_id for row in LABELS}
TRAIN_IDS = {row.label_id for row in LABELS if row.train_id != 255}


@pytest.fixture(scope="module")
def scenes():
    return [draw_scene(SIZE, 0, i) for i in range(12)]


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    out = tmp_path_factory.mktemp("toy") / "scenes"
    write_toy_scenes(out, 10, SIZE)
    return out


def rasterise(objects, size):
    label_ids = np.zeros(size, np.uint8)
    for label, polygon in objects:
        cv2.fillPoly(
            label_ids, [np.array(polygon, np.int32)], ID[label if label in ID else label.removesuffix("group")]
        )
    return label_ids


@pytest.mark.parametrize("size", [(97, 211), (128, 128), (256, 512), (200, 90), (32, 32)])
def test_a_scene_has_the_size_and_types_that_were_asked_for(size):
    scene = draw_scene(size, seed=3, index=5)
    assert scene.image.shape == (*size, 3)
    assert scene.image.dtype == scene.label_ids.dtype == np.uint8
    assert scene.label_ids.shape == scene.instance_ids.shape == size
    assert scene.instance_ids.dtype == np.uint16
    assert scene.image.std() > 20, "a picture, not a plain area"


def test_full_size_scenes_keep_their_classes():
    scene = draw_scene((1024, 2048), index=1)
    assert {ID["bus"], ID["rider"], ID["motorcycle"]} <= set(np.unique(scene.label_ids))
    assert np.array_equal(scene.label_ids, rasterise(((p.label, p.points) for p in scene.polygons), (1024, 2048)))


def test_equal_arguments_draw_equal_scenes():
    one, other = draw_scene(SIZE, 7, 4), draw_scene(SIZE, 7, 4)
    assert np.array_equal(one.image, other.image)
    assert np.array_equal(one.instance_ids, other.instance_ids)
    assert not np.array_equal(one.image, draw_scene(SIZE, 8, 4).image)
    assert not np.array_equal(one.label_ids, draw_scene(SIZE, 7, 5).label_ids)


def assert_all_classes(scenes):
    seen = [set(np.unique(scene.label_ids)) for scene in scenes]
    for i in range(len(seen) - 7):
        missing = TRAIN_IDS - set().union(*seen[i : i + 8])
        assert not missing, f"scenes {i} to {i + 7} lack the label ids {missing}"


def test_any_eight_scenes_in_a_row_show_all_classes(scenes):
    assert_all_classes(scenes)


@pytest.mark.slow
def test_any_eight_scenes_of_a_long_series_show_all_classes():
    assert_all_classes([draw_scene(SIZE, 1, i) for i in range(150)])


def test_no_class_is_too_rare_to_be_learnt(scenes):
    counts = sum(np.bincount(scene.label_ids.ravel(), minlength=34) for scene in scenes)
    shares = {i: counts[i] / counts.sum() for i in TRAIN_IDS}
    assert min(shares.values()) > 0.002, shares


@pytest.mark.parametrize("index", range(6))
def test_polygons_drawn_in_order_give_the_label_ids(scenes, index):
    scene = scenes[index]
    assert np.array_equal(scene.label_ids, rasterise(((p.label, p.points) for p in scene.polygons), SIZE))
    assert scene.label_ids.all(), "sky and ground leave no pixel without a label"
    for polygon in scene.polygons:
        assert len(polygon.points) >= 3
        assert (polygon.points >= 0).all()
        assert (polygon.points < SIZE[::-1]).all()


@pytest.mark.parametrize("index", range(6))
def test_instance_ids_name_the_label_and_number_the_objects(scenes, index):
    scene = scenes[index]
    ids = scene.instance_ids.astype(int)
    assert np.array_equal(np.where(ids < 1000, ids, ids // 1000), scene.label_ids)
    countable = {row.label_id for row in LABELS if row.has_instances}
    assert {v // 1000 for v in np.unique(ids) if v >= 1000} <= countable
    cars = sum(p.label == "car" for p in scene.polygons)
    numbers = np.unique(ids[ids // 1000 == ID["car"]]) % 1000
    assert cars >= len(numbers) > 0
    assert numbers.max() < cars


def test_the_image_shows_what_the_labels_say(scenes):
    """Sky is brighter than road, and vegetation greener than anything built, or labels and image don't match."""
    brightness, green = {"sky": [], "road": []}, {"vegetation": [], "building": []}
    for scene in scenes:
        for name, values in (brightness | green).items():
            r, g, b = scene.image[scene.label_ids == ID[name]].mean(axis=0)
            values.append(g - (r + b) / 2 if name in green else r + g + b)
    assert np.mean(brightness["sky"]) > 1.3 * np.mean(brightness["road"])
    assert np.mean(green["vegetation"]) > np.mean(green["building"]) + 5


@pytest.mark.parametrize("index", range(6))
def test_coarse_labels_are_fewer_and_right(scenes, index):
    scene = scenes[index]
    polygons = coarse_polygons(scene)
    coarse = rasterise(((p.label, p.points) for p in polygons), SIZE)
    labeled = coarse > 0
    assert 0.4 < labeled.mean() < 0.95
    assert np.array_equal(coarse[labeled], scene.label_ids[labeled])
    assert sum(len(p.points) for p in polygons) < 0.6 * sum(len(p.points) for p in scene.polygons)


@pytest.mark.parametrize(("split", "count"), [("train", 7), ("val", 2), ("test", 1)])
def test_the_written_tree_reads_as_cityscapes(toy, scenes, split, count):
    written = datasets.create("cityscapes", root=toy, split=split)
    assert len(written) == count
    assert written.has_labels == (split != "test")
    first = {"train": 0, "val": 7, "test": 9}[split]
    for i in range(count):
        scene, drawn = written.read(i, with_instances=True), scenes[first + i]
        assert np.array_equal(scene.image, drawn.image), "the series doesn't depend on how many are written"
        if split != "test":
            assert np.array_equal(scene.labels, written.label_space.encode(drawn.label_ids))
            assert np.array_equal(scene.instances, np.where(drawn.instance_ids < 1000, 0, drawn.instance_ids))


def test_every_annotation_has_its_four_files(toy):
    for kind, splits in (("gtFine", {"train", "val", "test"}), ("gtCoarse", {"train", "val"})):
        assert {p.name for p in (toy / kind).iterdir()} == splits
        for file in (toy / kind).rglob("*_polygons.json"):
            stem = file.name.removesuffix("_polygons.json")
            content = json.loads(file.read_text())
            size = (content["imgHeight"], content["imgWidth"])
            assert size == SIZE
            ids, instances, color = (
                cv2.imread(str(file.with_name(f"{stem}_{suffix}.png")), cv2.IMREAD_UNCHANGED)
                for suffix in ("labelIds", "instanceIds", "color")
            )
            assert np.array_equal(ids, rasterise(((o["label"], o["polygon"]) for o in content["objects"]), size))
            assert instances.dtype == np.uint16
            assert np.array_equal(np.where(instances < 1000, instances, instances // 1000), ids)
            colors = np.array([LABELS[i].color for i in range(34)], np.uint8)
            assert np.array_equal(color[..., 2::-1], colors[ids])
            assert (color[..., 3] == 255).all()


def test_test_labels_are_dummies(toy):
    for file in (toy / "gtFine" / "test").rglob("*_labelIds.png"):
        assert set(np.unique(cv2.imread(str(file), cv2.IMREAD_UNCHANGED))) <= {ID["unlabeled"], ID["ego vehicle"]}


def test_splits_have_cities_of_their_own(toy):
    cities = {s: {p.name for p in (toy / "leftImg8bit" / s).iterdir()} for s in ("train", "val", "test")}
    assert len(cities["train"]) == 2
    assert not cities["train"] & cities["val"] | cities["val"] & cities["test"] | cities["train"] & cities["test"]


@pytest.mark.parametrize(("count", "splits"), [(1, ["train"]), (2, ["train", "val"]), (3, ["train", "val", "test"])])
def test_few_scenes_still_fill_the_splits(tmp_path, count, splits):
    seen = []
    write_toy_scenes(tmp_path / "few", count, (48, 96), progress=seen.append)
    assert seen == list(range(1, count + 1))
    assert sorted(p.name for p in (tmp_path / "few" / "leftImg8bit").iterdir()) == sorted(splits)


def test_an_earlier_toy_set_is_replaced_and_nothing_is_left_behind(tmp_path):
    out = tmp_path / "scenes"
    out.mkdir()
    write_toy_scenes(out, 3, (48, 96))
    write_toy_scenes(out, 1, (32, 64), seed=1)
    assert len(list(out.rglob("*_leftImg8bit.png"))) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["scenes"]


@pytest.mark.parametrize("intruder", ["photo.jpg", "leftImg8bit/train/aachen/x.png"])
def test_foreign_data_is_left_alone(tmp_path, intruder):
    (tmp_path / "out" / intruder).parent.mkdir(parents=True)
    (tmp_path / "out" / intruder).touch()
    with pytest.raises(DataError, match="expected a new or empty folder, or an earlier toy set"):
        write_toy_scenes(tmp_path / "out", 1, (32, 64))
    assert (tmp_path / "out" / intruder).exists()


def test_what_was_put_into_a_toy_set_is_not_deleted(tmp_path):
    write_toy_scenes(tmp_path / "out", 1, (32, 64))
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt"):
        write_toy_scenes(tmp_path / "out", 1, (32, 64))


def test_an_interrupted_run_leaves_nothing(tmp_path):
    def interrupt(done):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_toy_scenes(tmp_path / "out", 2, (32, 64), progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_senseless_wishes_are_refused(tmp_path):
    with pytest.raises(DataError, match="at least 32 x 32"):
        draw_scene((16, 64))
    with pytest.raises(DataError, match="must be 0 or more"):
        draw_scene((32, 64), seed=-1)
    with pytest.raises(DataError, match="at least 1 scene"):
        write_toy_scenes(tmp_path / "out", 0)
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="a file called file"):
        write_toy_scenes(tmp_path / "file", 1, (32, 64))


def test_drawing_needs_no_torch():
    code = "import sys, sceneseg.toy as toy; toy.draw_scene((32, 64)); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_official_scripts_draw_the_same_labels(toy):
    """cityscapesScripts rasterises with another library, which differs by single pixels along slanted edges."""
    json2label = pytest.importorskip("cityscapesscripts.preparation.json2labelImg")
    annotation = pytest.importorskip("cityscapesscripts.helpers.annotation")
    for file in sorted((toy / "gtFine" / "val").rglob("*_polygons.json")):
        content = annotation.Annotation()
        content.fromJsonFile(str(file))
        official = np.asarray(json2label.createLabelImage(content, "ids"))
        ours = cv2.imread(str(file).replace("_polygons.json", "_labelIds.png"), cv2.IMREAD_UNCHANGED)
        assert (official == ours).mean() > 0.98
