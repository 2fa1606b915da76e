"""What evaluation servers take: the right files, complete, of the right size, with label ids."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sceneseg import datasets, models
from sceneseg.cli.app import app
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, DataError
from sceneseg.evaluation.submission import check_submission, doubts, rules_of, write_submission, write_zip
from sceneseg.inference.predictor import Preprocessing, SemanticModel


def model_for(space):
    torch.manual_seed(0)
    network = models.create("separable_unet", num_classes=len(space), width=4)
    return SemanticModel(network.eval(), space, {"name": "separable_unet", "width": 4}, Preprocessing((32, 64)))


@pytest.fixture(scope="module")
def written(toy_root, tmp_path_factory):
    """A submission for the test split of the toy scenes, which has no labels."""
    folder = tmp_path_factory.mktemp("submission") / "berlin"
    dataset = datasets.create("cityscapes", root=toy_root, split="test")
    assert not dataset.has_labels
    write_submission(model_for(LABEL_SPACE), dataset, folder)
    return dataset, folder


@pytest.fixture
def copied(written, tmp_path):
    dataset, folder = written
    return dataset, Path(shutil.copytree(folder, tmp_path / "berlin"))


def test_one_file_of_label_ids_for_each_image(written):
    dataset, folder = written
    files = check_submission(dataset, folder)
    assert [file.name for file in files] == [f"{scene.name}_labelIds.png" for scene in dataset.files]
    with Image.open(files[0]) as picture:
        assert picture.mode == "L"
        assert picture.size == (128, 64)
        assert set(np.unique(picture)) <= {c.label_ids[0] for c in LABEL_SPACE.classes}
    assert "64 x 128 pixels, the server's 1024 x 2048" in doubts(dataset)


def test_the_official_script_finds_each_file(written, monkeypatch):
    monkeypatch.setattr("sys.argv", ["evaluate"])
    script = pytest.importorskip("cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling")
    dataset, folder = written
    arguments = script.CArgs()
    arguments.predictionPath, arguments.predictionWalk = str(folder), None
    for scene in dataset.files:
        found = script.getPrediction(arguments, f"{scene.name}_gtFine_labelIds.png")
        assert Path(found) == folder / f"{scene.name}_labelIds.png"


def test_the_zip_holds_the_files_in_its_root(copied):
    dataset, folder = copied
    archive = folder.with_suffix(".zip")
    write_zip(dataset, check_submission(dataset, folder), archive)
    with zipfile.ZipFile(archive) as opened:
        assert opened.namelist() == [f"{scene.name}_labelIds.png" for scene in dataset.files]
        assert opened.testzip() is None


def resave(change):
    def damage(file):
        pixels = change(np.array(Image.open(file)))
        Image.fromarray(pixels).save(file)

    return damage


TRAIN_IDS = np.full(256, 255, np.uint8)
for train_id, label in enumerate(LABEL_SPACE.classes):
    TRAIN_IDS[label.label_ids[0]] = train_id


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda file: file.unlink(), "has no file"),
        (resave(lambda ids: ids[::2, ::2]), "has 32 x 64 pixels of 1 bytes, expected 64 x 128"),
        (resave(lambda ids: np.stack([ids] * 3, 2)), "found 3 channels"),
        (resave(lambda ids: ids.astype(np.uint16)), "of 2 bytes, expected 64 x 128 of 1"),
        (resave(lambda ids: np.where(ids == ids[0, 0], 99, ids).astype(np.uint8)), "found label id 99"),
        (
            lambda file: shutil.copy(file, file.with_name(file.name.replace("_labelIds", "_pred"))),
            "but one is expected",
        ),
        (
            lambda file: shutil.copy(file, file.with_name("ulm_000000_000000_labelIds.png")),
            "belongs to no image of the",
        ),
        (lambda file: shutil.copy(file, file.with_name("legend.png")), "legend.png belongs to no image"),
        (lambda file: file.write_bytes(b"x"), "can't be decoded"),
    ],
)
def test_what_the_server_would_refuse(copied, damage, message):
    dataset, folder = copied
    damage(sorted(folder.iterdir())[0])
    with pytest.raises(DataError, match=f"not what https.* takes.*{message}"):
        check_submission(dataset, folder)


def test_two_files_of_one_name_are_both_named(copied):
    dataset, folder = copied
    file = sorted(folder.iterdir())[0]
    shutil.copytree(folder, folder.with_name("elsewhere"))
    (folder / "old").symlink_to(folder.with_name("elsewhere"))
    with pytest.raises(DataError, match=f"has {file.name} and old/{file.name}, but one is expected"):
        check_submission(dataset, folder)


def test_train_ids_are_recognized(copied):
    dataset, folder = copied
    for file in folder.iterdir():
        resave(lambda ids: TRAIN_IDS[ids] % 7)(file)  # 0..6, all of them void as label ids
    with pytest.raises(DataError, match="100% of the pixels have void ids: are these train ids"):
        check_submission(dataset, folder)


def test_other_classes_than_the_server_scores(toy_root, tmp_path):
    grouped = datasets.create("cityscapes", root=toy_root, split="test", label_space="categories")
    with pytest.raises(ConfigError, match="scores the classes road, sidewalk.*these predictions have flat"):
        rules_of(grouped)
    plain = datasets.create("cityscapes", root=toy_root, split="test")
    with pytest.raises(ConfigError, match="the model has those of cityscapes:categories"):
        write_submission(model_for(grouped.label_space), plain, tmp_path)


def test_a_data_set_without_a_server(tmp_path):
    for folder, shape in (("test", (4, 4, 3)), ("testannot", (4, 4))):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / folder / "a.png")
    with pytest.raises(ConfigError, match="camvid has no evaluation server.*cityscapes, kitti_semantic, kitti_road"):
        rules_of(datasets.create("camvid", root=tmp_path, split="test"))


def kitti(tmp_path, names):
    for name in names:
        image = tmp_path / "testing" / "image_2" / f"{name}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (38, 124, 3), np.uint8)).save(image)
    return tmp_path


def test_kitti_semantic_keeps_the_names_of_the_images(tmp_path):
    dataset = datasets.create("kitti_semantic", root=kitti(tmp_path, ["000000_10", "000001_10"]), split="test")
    folder = tmp_path / "out"
    write_submission(model_for(LABEL_SPACE), dataset, folder)
    files = check_submission(dataset, folder)
    write_zip(dataset, files, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as opened:
        assert opened.namelist() == ["semantic/000000_10.png", "semantic/000001_10.png"]


@pytest.mark.parametrize("target", ["road", "lane"])
def test_kitti_road_is_seen_from_above(tmp_path, target):
    root = kitti(tmp_path, ["um_000000"])
    dataset = datasets.create("kitti_road", root=root, split="test", target=target)
    model = model_for(dataset.label_space)
    with pytest.raises(DataError, match=r"calib/um_000000.txt: there is no such file"):
        write_submission(model, dataset, tmp_path / "out")
    (root / "testing" / "calib").mkdir()
    (root / "testing" / "calib" / "um_000000.txt").write_text(
        "P2: 70 0 62 0 0 70 18 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\nTr_cam_to_road: 1 0 0 0 0 1 0 -1.65 0 0 1 0\n"
    )
    write_submission(model, dataset, tmp_path / "out")
    (file,) = check_submission(dataset, tmp_path / "out")
    assert file.name == f"um_{target}_000000.png"
    pixels = np.array(Image.open(file))
    assert pixels.shape == (800, 400)
    assert 0 < pixels.mean() < 255


def test_on_the_command_line(toy_root, tmp_path, capsys):
    model = model_for(LABEL_SPACE)
    weights = tmp_path / "w.safetensors"
    model.save(weights, model.network.state_dict())
    where = ["-d", "cityscapes", "-p", str(toy_root), "--split", "test", "--submission", str(tmp_path / "out")]
    with pytest.raises(SystemExit):
        app(["evaluate", "-w", str(weights), *where, "--zip"])
    out = capsys.readouterr().out
    assert "one for each image of cityscapes test" in out
    assert (tmp_path / "out.zip").is_file()
    with pytest.raises(SystemExit):
        app(["evaluate", *where])  # checks alone
    assert "upload at https://www.cityscapes-dataset.com/submit/" in capsys.readouterr().out
