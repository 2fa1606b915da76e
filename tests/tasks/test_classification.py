"""Classification as a user meets it: one run from training to report, on drawn images of three colors."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import sceneseg
from sceneseg import tasks
from sceneseg.cli.app import app
from sceneseg.config.conversion import from_dict
from sceneseg.config.layering import layer
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError, DataError, ScenesegError
from sceneseg.inference.classifier import ClassificationModel
from sceneseg.records import run_directory
from sceneseg.records.header import ModelSpec
from sceneseg.records.run_directory import RunDirectory
from sceneseg.task_facts import builtin_facts
from sceneseg.tasks.classification import Classification, ClassificationStep, count_images
from sceneseg.training.interrupt import Interrupt

COLORS = ("red", "green", "blue")


def command(*arguments):
    """Run a command in this process; return what it raises for the user."""
    try:
        app([str(a) for a in arguments], result_action="return_value")
    except ScenesegError as error:
        return str(error)
    return ""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Images of three colors, the second of which val doesn't have."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 4)):
        for channel, name in enumerate(COLORS):
            if (split, name) == ("val", "green"):
                continue
            (folder / split / name).mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, 80, (40 + 4 * i, 56, 3)).astype(np.uint8)
                image[..., channel] += 150
                Image.fromarray(image).save(folder / split / name / f"{i}.{('png', 'JPG')[i % 2]}")
    (folder / "train" / "red" / "notes.heic").write_bytes(b"GIF89a")
    return folder


@pytest.fixture(scope="module")
def run(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    file = folder / "given.yaml"
    file.write_text(
        "task: classification\nmodel: {encoder: test_resnet}\nloss: {cross_entropy: {label_smoothing: 0.1}}\n"
        "train: {device: cpu, precision: 32-true, class_weights: inverse}\naugment: {hue: 0, area: [0.3, 1]}\n"
    )
    trained = ("train", "--config", file, "-p", root, "-t", 32, 32, "-b", 6, "-e", 4, "-l", 0.01)
    assert command(*trained, "--runs", folder, "--name", "tiny") == ""
    return RunDirectory(folder / "tiny")


def test_a_run_learns_and_leaves_everything(run, root):
    metrics = json.loads(run.metrics.read_text())
    assert metrics.keys() == {"protocol", "top1", "top5", "class_accuracy", "classes"}
    assert metrics["top1"] >= 0.75
    assert metrics["top5"] is None
    assert metrics["classes"]["green"]["accuracy"] is None
    assert metrics["protocol"]["input_size"] == [32, 32]
    assert metrics["protocol"]["images"] == 8
    assert json.loads(run.labels.read_text()) == {"name": "image_folder", "classes": sorted(COLORS)}
    config = run.load_config()
    assert (config.task, config.model["name"], config.data.name) == ("classification", "classifier", "image_folder")
    history = run_directory.read_history(run.history)
    assert [row["epoch"] for row in history] == ["1", "2", "3", "4"]
    assert max(float(row["top1"]) for row in history) == metrics["top1"]
    assert min(float(row["loss"]) for row in history) < 0.9 < float(history[0]["loss"])
    answers = run_directory.read_history(run.path / "answers.csv")
    assert np.mean([row["rank"] == "1" for row in answers]) == metrics["top1"]
    model = json.loads(run.model.read_text())
    assert model["parameters"] == sum(p.numel() for p in sceneseg.load(run.path).network.parameters())


def test_the_report_shows_what_there_is(run):
    page = run.report.read_text()
    for expected in ("top-1 accuracy", "Top-1 accuracy", "Accuracy by class", "counted in images"):
        assert expected in page
    for unexpected in ("This report is incomplete", "mean IoU", "Mean IoU", "pixels"):
        assert unexpected not in page


def test_evaluate_repeats_the_scores_of_training(run, tmp_path, capsys):
    assert command("evaluate", "-w", run.path, "--json", tmp_path / "scores.json", "--device", "cpu") == ""
    assert json.loads((tmp_path / "scores.json").read_text()) == json.loads(run.metrics.read_text())
    assert "Top-1" in capsys.readouterr().out
    kept = run.evaluation("image_folder-val")
    assert (kept.path / "answers.csv").read_text() == (run.path / "answers.csv").read_text()
    page = _report(run)
    assert "Further evaluations" in page
    assert "Top-5 accuracy" not in page, "three classes have none"


def _report(run):
    assert command("report", run.path) == ""
    return run.report.read_text()


def test_predict_writes_the_most_probable_classes(run, root, tmp_path, capsys):
    photos = root / "val" / "red"
    assert command("predict", "-w", run.best, photos, "-r", tmp_path, "--device", "cpu") == ""
    answers = json.loads((tmp_path / "classes.json").read_text())
    assert sorted(answers) == sorted(str(p) for p in photos.iterdir())
    printed = capsys.readouterr().out
    model = sceneseg.load(run.best, "cpu")
    assert isinstance(model, ClassificationModel)
    for file, classes in answers.items():
        assert list(classes.values()) == sorted(classes.values(), reverse=True)
        assert sum(classes.values()) == pytest.approx(1, abs=1e-5)
        assert model.predict(file).top() == pytest.approx(classes)
        assert f"{file}: {next(iter(classes))}" in printed


def test_the_weights_say_what_they_are(run):
    header = run_directory.read_header(run.best)
    assert header.model == ModelSpec("classifier", {"encoder": "test_resnet"})
    assert header.classes == sorted(COLORS)
    assert header.score.means["top1"] == json.loads(run.metrics.read_text())["top1"]
    state = run_directory.load_weights(run.best)
    assert all(key.startswith("network.") or key in {"mean", "std"} for key in state)


def test_a_trained_classifier_starts_an_encoder(run):
    network = sceneseg.create_model("fpn", num_classes=4, encoder="test_resnet", pyramid_channels=8)
    from sceneseg.models._transfer import start_encoder_from

    state = run_directory.load_weights(run.best)
    transfer = start_encoder_from(network, state)
    assert len(transfer.kept) > 20
    assert not [key for key in transfer.new if "head" not in key]


def test_an_interrupted_run_ends_with_the_same_bits(run, tmp_path, monkeypatch):
    steps = iter(range(100))
    monkeypatch.setattr(Interrupt, "requested", property(lambda self: next(steps) > 6, lambda self, _: None), False)
    with pytest.raises(SystemExit):
        command("train", "--config", run.config, "--runs", tmp_path, "--name", "broken")
    monkeypatch.undo()
    broken = RunDirectory(tmp_path / "broken")
    assert 0 < torch.load(broken.state, weights_only=True)["progress"]["step"] < 12
    assert command("train", "-r", broken.path) == ""
    assert broken.last.read_bytes() == run.last.read_bytes()
    assert (broken.path / "answers.csv").read_bytes() == (run.path / "answers.csv").read_bytes()


def make(root, **changes):
    given = {"task": "classification", "data": {"root": str(root)}, "model": {"encoder": "test_resnet"}}
    return tasks.create(from_dict(layer(given, changes)))


def test_every_task_has_its_file_and_its_defaults():
    assert tasks.tasks.names() == sorted(facts.name for facts in builtin_facts())
    assert from_dict({}) == Config()
    assert from_dict({"task": "classification"}).data.name == "image_folder"


def test_the_default_size_and_that_of_a_network_of_one_size(root):
    task = make(root)
    assert task.config.data.target_size == (224, 224)
    assert task.cost().size == (224, 224)
    with pytest.raises(ScenesegError, match="384 x 384 pixels.*target_size"):
        make(root, model={"encoder": "vit_tiny_patch16_384"}).cost()


def test_class_weights_count_images(root):
    task = make(root)
    assert isinstance(task, Classification)
    assert count_images(task.train).pixels.tolist() == [6, 6, 6, 0]


def test_the_loss_is_smoothed_weighted_cross_entropy():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())  # the colors are the logits
    image = torch.randint(0, 256, (4, 3, 5, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2, 2])
    step = ClassificationStep(network, {"ce": {"weight": 2, "label_smoothing": 0.3}}, [1.0, 2.0, 3.0])
    logs = network(image.float() / 255).log_softmax(1)
    weights = torch.tensor([1.0, 2.0, 3.0])
    hard = -(weights[labels] * logs[range(4), labels]).sum()
    soft = -(weights * logs).sum() / 3
    expected = 2 * (0.7 * hard + 0.3 * soft) / weights[labels].sum()
    torch.testing.assert_close(step(image, {}, labels), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"dice": 1.0}, "with the loss cross_entropy alone, found dice"),
        ({"cross_entropy": {"label_smothing": 0.1}}, 'Did you mean "label_smoothing"'),
    ],
)
def test_other_losses_are_refused(loss, message):
    with pytest.raises(ConfigError, match=message):
        ClassificationStep(nn.Identity(), loss, None)


def test_what_belongs_to_segmentation_is_refused(root, run, toy_root):
    with pytest.raises(ConfigError, match="fast_scnn segments.*Choose the model classifier"):
        tasks.create(
            from_dict({"task": "classification", "data": {"root": str(root)}, "model": {"name": "fast_scnn"}})
        ).cost()
    with pytest.raises(ConfigError, match="leave augment.crop_size out"):
        make(root, augment={"crop_size": [32, 32]})
    with pytest.raises(ConfigError, match="train.validation_steps is for segmentation"):
        make(root, train={"validation_steps": 2})
    with pytest.raises(ConfigError, match="train.freeze is for segmentation"):
        make(root, train={"freeze": ["network"]})
    with pytest.raises(DataError, match="cityscapes has labels for pixels.*image_folder"):
        make(toy_root, data={"name": "cityscapes"})
    assert "Leave them out" in command("evaluate", "-w", run.path, "--void", "false_positive")
    semantic = from_dict({"data": {"root": str(toy_root)}, "model": {"name": "classifier"}})
    with pytest.raises(ConfigError, match="classifier gives an image one class and can't segment"):
        tasks.create(semantic).cost()


@pytest.mark.slow
def test_ants_and_bees(shared_data, tmp_path):
    """Real photographs, gray and large and with a file that is no image, from training to prediction."""
    root = shared_data / "imagefolder_hymenoptera"
    options = ("--model.encoder", "resnet18", "-t", 64, 64, "-b", 8, "-e", 3, "--train.device", "cpu")
    assert command("train", "--task", "classification", "-p", root, *options, "--runs", tmp_path, "--name", "a") == ""
    run = RunDirectory(tmp_path / "a")
    metrics = json.loads(run.metrics.read_text())
    assert metrics["protocol"]["images"] == 8
    assert set(metrics["classes"]) == {"ants", "bees"}
    losses = [float(row["loss"]) for row in run_directory.read_history(run.history)]
    assert np.isfinite(losses).all()
    assert command("evaluate", "-w", run.path, "--json", tmp_path / "again.json", "--device", "cpu") == ""
    assert json.loads((tmp_path / "again.json").read_text()) == metrics
    assert command("predict", "-w", run.path, root / "val" / "ants", "-r", tmp_path, "--device", "cpu") == ""
    assert len(json.loads((tmp_path / "classes.json").read_text())) == 4
