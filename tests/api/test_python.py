"""`sceneseg.train` from Python: names, modules, scenes and functions of one's own."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import sceneseg
from sceneseg.datasets.cityscapes import Cityscapes
from sceneseg.errors import ConfigError, DataError, ModelError, ScenesegError, UnknownNameError
from sceneseg.records.run_directory import RunDirectory
from sceneseg.training import start

SMALL = {"name": "fast_scnn", "width": 0.25, "aux": False}
SHORT = {
    "epochs": 2,
    "steps_per_epoch": 3,
    "batch_size": 2,
    "crop_size": (32, 64),
    "precision": "32-true",
    "workers": 0,
}
CLASSES = ["dark", "light"]


class Pixelwise(nn.Module):
    """Two convolutions at a quarter of the size."""

    def __init__(self, classes=2):
        super().__init__()
        self.body = nn.Conv2d(3, 8, 5, stride=4, padding=2)
        self.norm = nn.BatchNorm2d(8)
        self.head = nn.Conv2d(8, classes, 1)

    def forward(self, pixels):
        return self.head(torch.relu(self.norm(self.body(pixels))))


class AsTorchvision(Pixelwise):
    def forward(self, pixels):
        logits = super().forward(pixels)
        return {"out": logits, "aux": logits}


def scenes(count, split, classes=CLASSES):
    """Images whose left half is dark and whose right half is light, with noise."""
    rng = np.random.default_rng(0)
    labels = np.zeros((64, 64), np.uint8)
    labels[:, 32:] = 1
    pairs = [((60 + 120 * labels[..., None] + rng.integers(0, 40, (64, 64, 3))).astype(np.uint8), labels)] * count
    return sceneseg.Scenes(pairs, classes, "halves", split)


@pytest.fixture
def both():
    return scenes(8, "train"), scenes(3, "val")


def test_data_can_be_given_as_a_section(toy_root, tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(start, "start", lambda config, *rest: started.append(config) or (RunDirectory(tmp_path), False))
    section = {"name": "camvid", "root": toy_root, "workers": 0, "target_size": (32, 64)}
    sceneseg.train(SMALL, section)
    sceneseg.train(SMALL, data={"workers": 2}, root=toy_root, cache=False)
    first, second = (config.data for config in started)
    assert (first.name, first.root, first.workers, first.target_size) == ("camvid", str(toy_root), 0, (32, 64))
    assert (second.name, second.root, second.workers, second.cache) == ("cityscapes", str(toy_root), 2, False)
    with pytest.raises(ConfigError, match="data: expected a name, a mapping or a pair"):
        sceneseg.train(SMALL, 5)
    with pytest.raises(ConfigError, match='unknown key "data.wokers".*Did you mean "workers"'):
        sceneseg.train(SMALL, {"wokers": 2})


def test_names_and_options_are_those_of_the_command_line(toy_root, tmp_path):
    result = sceneseg.train(
        SMALL, "cityscapes", toy_root, runs=tmp_path, lr=0.01, schedule="cosine", loss="dice", **SHORT
    )
    config = result.run.load_config()
    assert (config.optim.lr, config.schedule.name, config.loss) == (0.01, "cosine", {"dice": 1.0})
    assert config.augment.crop_size == (32, 64)
    assert result.finished
    assert result.path.parent == tmp_path
    assert result.run.report.is_file()
    assert [row["epoch"] for row in result.history] == [1, 2]
    assert result.scores["mean_iou"] == max(row["mean_iou"] for row in result.history)
    image = np.zeros((50, 70, 3), np.uint8)
    assert result.model("cpu").predict(image).labels.shape == (50, 70)
    assert sceneseg.load(result, "cpu").network.name == "fast_scnn"


def test_items_may_be_scenes(both):
    own = [both[0].read(i) for i in range(3)]
    again = sceneseg.Scenes(own, CLASSES)
    for i, scene in enumerate(own):
        found = again.read(i)
        assert (found.image == scene.image).all()
        assert (found.labels == scene.labels).all()
        assert found.name == f"scenes_{i:05d}"


@pytest.mark.parametrize("module", [Pixelwise(), AsTorchvision()])
def test_any_module_learns_from_any_scenes(both, tmp_path, module):
    before = {key: value.clone() for key, value in module.state_dict().items()}
    options = {**SHORT, "epochs": 4, "steps_per_epoch": 10, "lr": 0.03}
    result = sceneseg.train(module, both, runs=tmp_path, brightness=0.0, contrast=0.0, flip=0.0, **options)
    assert result.scores["mean_iou"] > 0.9
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())
    model = result.model("cpu")
    assert model.label_space.names == CLASSES
    assert (model.predict(both[1].read(0).image).labels == both[1].read(0).labels).mean() > 0.9


def test_a_model_with_heads_of_its_own_brings_them(both, tmp_path):
    module = sceneseg.create_model("pidnet", num_classes=2, width=8, boundary=True)
    loss = {"cross_entropy": 1, "boundary_bce": 20}
    result = sceneseg.train(module, both, runs=tmp_path, loss=loss, **{**SHORT, "crop_size": (64, 64)})
    assert result.model("cpu").predict(both[1].read(0).image).labels.shape == (64, 64)


def test_weights_of_a_module_need_the_module_again(both, tmp_path):
    result = sceneseg.train(Pixelwise(), both, runs=tmp_path, **SHORT)
    with pytest.raises(UnknownNameError, match=r"Pixelwise.*Python"):
        sceneseg.load(result.path, "cpu")
    again = sceneseg.load(result.path, "cpu", Pixelwise())
    image = both[1].read(0).image
    assert np.array_equal(again.predict(image).labels, result.model("cpu").predict(image).labels)


def test_hooks_see_the_run_as_it_goes(both, tmp_path):
    seen = []
    note = {
        "on_start": lambda t: seen.append(("start", t.step)),
        "on_step_end": lambda t: seen.append(("step", t.step, round(t.loss, 4) > 0)),
        "on_validation_end": lambda t: seen.append(("validation", t.epoch, "mean_iou" in t.scores.means)),
        "on_epoch_end": lambda t: seen.append(("epoch", t.epoch, t.row["step"])),
        "on_end": lambda t: seen.append(("end", t.run.best.is_file())),
    }
    sceneseg.train(Pixelwise(), both, runs=tmp_path, validate_every=2, **SHORT, **note)
    steps = [("step", n, True) for n in range(1, 7)]
    validated = ("validation", 2, True)
    assert seen == [
        ("start", 0), *steps[:3], ("epoch", 1, 3), *steps[3:], validated, ("epoch", 2, 6), ("end", True)
    ]  # fmt: skip


def test_a_hook_can_change_the_weights_and_stop_the_run(both, tmp_path):
    def stop_at_four(training):
        if training.step == 4:
            nn.init.zeros_(training.network.module.head.weight)
            training.stop()

    result = sceneseg.train(Pixelwise(), both, runs=tmp_path, on_step_end=stop_at_four, **SHORT)
    assert result.finished
    assert [(row["epoch"], row["step"]) for row in result.history] == [(1, 3), (2, 4)]
    assert "mean_iou" in result.history[-1]
    with (result.path / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2
    assert not sceneseg.load(result.run.last, "cpu", Pixelwise()).network.module.head.weight.any()


def test_what_a_hook_raises_ends_the_run(both, tmp_path):
    def fail(training):
        raise RuntimeError("my own")

    with pytest.raises(RuntimeError, match="my own"):
        sceneseg.train(Pixelwise(), both, runs=tmp_path, on_epoch_end=fail, **SHORT)


def test_an_interrupted_run_goes_on_and_ends_with_the_same_weights(both, tmp_path):
    torch.manual_seed(3)
    module = Pixelwise()
    whole = sceneseg.train(module, both, runs=tmp_path, name="whole", **SHORT)

    def interrupt(training):
        if training.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sceneseg.train(module, both, runs=tmp_path, name="parts", on_epoch_end=interrupt, checkpoint_minutes=0, **SHORT)
    parts = sceneseg.train(module, both, runs=tmp_path, resume=tmp_path / "parts")
    ours, theirs = (sceneseg.load(run.last, "cpu", module).network.state_dict() for run in (whole.run, parts.run))
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert [row["loss"] for row in parts.history] == [row["loss"] for row in whole.history]


def test_a_data_set_class_of_ones_own(toy_root, tmp_path):
    class Half(Cityscapes):
        def find(self):
            return super().find()[::2]

    parts = (Half(toy_root, "train"), Half(toy_root, "val"))
    result = sceneseg.train(SMALL, parts, runs=tmp_path, **SHORT)
    assert result.scores.protocol.images == len(parts[1])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"epohcs": 3}, 'There is no option "epohcs".*epochs'),
        ({"patience": 3}, r'in several sections.*schedule=\{"patience": ...\} or train='),
        ({"epochs": "many"}, "train.epochs must be a whole number"),
    ],
)
def test_options_that_do_not_fit(both, tmp_path, options, problem):
    with pytest.raises(ConfigError, match=problem):
        sceneseg.train(Pixelwise(), both, runs=tmp_path, **options)
    assert not list(tmp_path.iterdir())


def test_scenes_and_modules_that_do_not_fit(both, tmp_path):
    with pytest.raises(ModelError, match=r"\(batch, 2, height, width\).*returned \(1, 5, "):
        sceneseg.train(Pixelwise(5), both, runs=tmp_path, **SHORT)
    with pytest.raises(ConfigError, match="Give both the same"):
        sceneseg.train(Pixelwise(), (both[0], scenes(2, "val", ["a", "b"])), runs=tmp_path, **SHORT)
    with pytest.raises(ConfigError, match=r"sceneseg\.Scenes"):
        sceneseg.train(Pixelwise(), ([], []), runs=tmp_path, **SHORT)
    picture = np.zeros((8, 8, 3), np.uint8)
    for pairs, problem in [
        ([], "has no scenes"),
        ([picture], "expected a pair"),
        ([(picture[..., 0], picture[..., 0])], "expected an image"),
        ([(picture, np.zeros((4, 8), np.uint8))], "as large as the image"),
        ([(picture, np.full((8, 8), 7, np.uint8))], "7"),
    ]:
        with pytest.raises(DataError, match=problem):
            sceneseg.Scenes(pairs, CLASSES)
    assert not list(Path(tmp_path).iterdir())


@pytest.mark.parametrize("part", ["train", "val"])
def test_scenes_without_a_labeled_pixel_are_refused(both, tmp_path, part):
    void = sceneseg.Scenes([(np.zeros((8, 8, 3), np.uint8), np.full((8, 8), 255, np.uint8))] * 2, CLASSES, split=part)
    data = (void, both[1]) if part == "train" else (both[0], void)
    with pytest.raises(DataError, match=f"no pixel .*{part}"):
        sceneseg.train(Pixelwise(), data, runs=tmp_path, **SHORT)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        (["pole", "road", "pole"], 'two classes would be called "pole"'),
        (["road", None], "expected the name of a class, found None"),
        ([True, "road"], "found True.*quotes"),
        ("road", "a list of class names"),
        ([], "expected 1 to 254 classes"),
    ],
)
def test_names_of_classes_are_text_and_different(classes, message):
    with pytest.raises(ScenesegError, match=message):
        scenes(1, "train", classes)


@pytest.mark.parametrize(
    ("classes", "labels", "message"),
    [
        (
            ["a", "b"],
            [0, 255],
            r"the masks hold 0/255.*Change them before you give the scenes: 0 to 0 \(a\), 255 to 1 \(b\)",
        ),
        (["a"], [0, 255], r"give names \[background, a\], and labels 0 and 1"),
        (["a"], [0, 0], r"Give a second one, for example \[background, a\]"),
        (["a", "b"], [0, 0], "only 1 of the 2 classes"),
        (["a", "b"], [255, 255], "no class of"),
        (["a", "b"], [1, 2], "they start at 1"),
        (["a", "b"], [1, 7], r"doesn't know: 7 .*halves_00001"),
    ],
)
def test_labels_that_would_spoil_the_training_are_refused(classes, labels, message, tmp_path):
    def part(count, split):
        (image, mask), *others = scenes(count, split).pairs
        changed = [(pixels, np.array(labels, np.uint8)[half]) for pixels, half in others]
        return sceneseg.Scenes([(image, np.full_like(mask, labels[0])), *changed], classes, "halves", split)

    both = part(4, "train"), part(2, "val")
    with pytest.raises(DataError, match=f"(?s){message}") as caught:
        sceneseg.train(Pixelwise(len(classes)), both, runs=tmp_path, **SHORT)
    assert "sceneseg data doctor" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_train_ids_of_scenes_are_checked(both):
    wrong = replace(both[0].read(0), labels=np.full((64, 64), 2, np.uint8))
    with pytest.raises(DataError, match=r"found the train id 2 \(4096 pixels\); there are 2 classes, 0 to 1"):
        sceneseg.Scenes([wrong], CLASSES)


@pytest.mark.parametrize(
    "pairs", [(pair for pair in [1]), {"a": 1}, None, 5, {1}], ids=lambda pairs: type(pairs).__name__
)
def test_scenes_that_are_no_sequence(pairs):
    with pytest.raises(DataError, match=f"length and numbered items, found {type(pairs).__name__}.*give a list"):
        sceneseg.Scenes(pairs, CLASSES)


@pytest.mark.parametrize("module", [nn.Conv2d(4, 2, 1), nn.Linear(5, 2)], ids=["channels", "features"])
def test_a_module_that_cannot_compute_pixels(both, tmp_path, module):
    with pytest.raises(ModelError, match=r"can't compute pixels of shape \(1, 3, .*from RGB pixels to logits"):
        sceneseg.train(module, both, runs=tmp_path, **SHORT)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*mean of empty slice.*")
def test_the_page_is_true(toy_root, tmp_path, monkeypatch):
    root = Path(__file__).parents[2]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "toy").symlink_to(toy_root)
    (tmp_path / "recipes").symlink_to(root / "recipes")
    Image.fromarray(np.zeros((60, 90, 3), np.uint8)).save(tmp_path / "street.jpg")
    monkeypatch.chdir(tmp_path)
    names = {}
    blocks = re.findall(r"^```python\n(.*?)^```", (root / "docs" / "python.md").read_text(), re.MULTILINE | re.DOTALL)
    for block in blocks:
        exec(block, names)
    assert len(blocks) >= 7
    assert names["result"].finished
