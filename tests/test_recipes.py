"""Every shipped recipe is what it says: the name of a model, a configuration that fits it, and a step that learns."""

import inspect
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sceneseg import models, tasks
from sceneseg.config import files as config_files
from sceneseg.config.conversion import changed
from sceneseg.config.schema import Config
from sceneseg.datasets import datasets
from sceneseg.datasets.cityscapes import Cityscapes
from sceneseg.datasets.statistics import class_weights, count_classes
from sceneseg.loading.scene_samples import StepSampler, TrainingSamples, training_loader
from sceneseg.models import models as shelf
from sceneseg.models.base import SegmentationModel
from sceneseg.optim import optimizers
from sceneseg.optim.schedules import learning_rate, schedules
from sceneseg.registry import check_arguments
from sceneseg.tasks.training_step import TrainingStep

ROOT = Path(__file__).parents[1] / "recipes"
RECIPES = sorted(ROOT.rglob("*.yaml"))
IMAGES = {"cityscapes": 2975, "camvid": 367, "imagenet": 1_281_167}
SMALL = {
    "bayesian_segnet": {"width": 4},
    "bisenet_v1": {"decoder_channels": 16},
    "bisenet_v2": {"width": 0.25, "head_channels": 16},
    "ddrnet": {"width": 8, "pyramid_channels": 16},
    "deeplab_v3_plus": {"encoder": "mobilenetv2_035", "decoder_channels": 16, "low_level_channels": 8},
    "erfnet": {"width": 8},
    "espnet": {"width": 8, "p": 1, "q": 1},
    "espnet_v2": {"width": 0.5},
    "fast_fcn": {"encoder": "resnet18", "width": 16},
    "fast_scnn": {"width": 0.25},
    "fcn8s": {"encoder": "vgg11", "decoder_channels": 16},
    "fpn": {"encoder": "resnet18", "pyramid_channels": 16, "decoder_channels": 32},
    "hrnet": {"width": 4},
    "ocrnet": {"width": 4, "channels": 16, "key_channels": 8},
    "pidnet": {"width": 8},
    "pspnet": {"encoder": "resnet18", "decoder_channels": 16},
    "segformer": {"width": 8},
    "segmenter": {"embed_dim": 24, "depth": 2, "heads": 2, "image_size": 64},
    "segnet": {"width": 4},
    "separable_unet": {"width": 4},
    "setr": {"embed_dim": 24, "depth": 4, "heads": 2, "channels": 16, "image_size": 64},
    "u2net": {"width": 0.125},
    "u2netp": {"width": 8},
    "unet": {"width": 4},
}
"""What makes the default of a model, and nothing else about its recipe, small."""

each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda r: f"{r.parent.name}-{r.stem}")
SEGMENTING = [recipe for recipe in RECIPES if config_files.load(recipe).task == "semantic"]
each_segmenting = pytest.mark.parametrize("recipe", SEGMENTING, ids=lambda r: f"{r.parent.name}-{r.stem}")
each_classifying = pytest.mark.parametrize("recipe", sorted(set(RECIPES) - set(SEGMENTING)), ids=lambda r: r.stem)


def segmentation_models():
    makers = {name: shelf.get(name) for name in shelf.names()}
    return {name for name, m in makers.items() if inspect.isclass(m) and issubclass(m, SegmentationModel)}


def published(folder):
    return {r.stem for r in (ROOT / folder).glob("*.yaml")}


def test_every_model_has_a_cityscapes_recipe():
    assert published("cityscapes") == segmentation_models()


def test_the_light_ones_have_a_camvid_recipe():
    assert published("camvid") >= {"fast_scnn", "espnet", "erfnet", "segnet", "bisenet_v2", "ddrnet", "unet"}


@each
def test_names_and_header(recipe):
    config = config_files.load(recipe)
    lines = recipe.read_text().splitlines()
    header = " ".join(line for line in lines if line.startswith("#"))
    assert len(lines) <= 40
    assert recipe.stem in {config.model_name, config.model_arguments.get("encoder"), "record"}
    assert config.data.name in datasets.names()
    assert f"--config recipes/{recipe.parent.name}/{recipe.name}" in header
    assert re.search(r"[Pp]aper", header)
    if recipe.parent.name in IMAGES:
        assert config.data.name == {"imagenet": "image_folder"}.get(recipe.parent.name, recipe.parent.name)


@each
def test_what_it_asks_for_exists(recipe):
    """Model, losses, optimizer and schedule, as they are written, without building anything large."""
    config = config_files.load(recipe)
    name = config.model_name
    check_arguments(shelf.get(name), {**config.model_arguments, "num_classes": 2}, name)
    assert config.optim.name in optimizers.optimizers.names()
    assert config.schedule.name in schedules.names()
    steps = max(1, round(IMAGES.get(recipe.parent.name, 100) / config.train.batch_size)) * config.train.epochs
    assert config.schedule.warmup_steps < steps / 10
    assert config.optim.lr is not None, "what a score depends on is written out"
    assert config.train.epochs >= config.train.validate_every


@each
def test_epochs_are_the_iterations_that_the_header_states(recipe):
    if recipe.parent.name not in IMAGES:
        pytest.skip("its header states no iterations")
    config = config_files.load(recipe)
    header = recipe.read_text()
    steps = round(IMAGES[recipe.parent.name] / config.train.batch_size) * config.train.epochs
    stated = [int(n.replace(",", "")) for n in re.findall(r"([\d,]{5,}) iterations", header)]
    if not stated:
        pytest.skip("its header states no iterations")
    assert any(abs(steps - n) <= 0.003 * n for n in stated), (steps, stated)


def test_the_default_sizes_fit_the_recipes():
    """Large models are built as the recipe has them, on the meta device, where weights take no memory."""
    for name, parameters in {"setr": 319_064_927, "segmenter": 333_820_966, "ocrnet": 70_372_678}.items():
        arguments = config_files.load(ROOT / "cityscapes" / f"{name}.yaml").model_arguments
        with torch.device("meta"):
            network = models.create(name, num_classes=19, **{**arguments, "pretrained": False})
        assert sum(p.numel() for p in network.parameters()) == parameters


def shrink(recipe) -> Config:
    """Return the recipe with a small network, small crops and two images a step."""
    config = config_files.load(recipe)
    large = {"encoder", "pretrained", "variant"}
    kept = {k: v for k, v in config.model_arguments.items() if k not in large}
    small = replace(config, model={"name": config.model_name, **kept, **SMALL[config.model_name]})
    changes = {
        "augment": {"crop_size": [64, 128], "progressive": []},  # two samples are no run with stages
        "data": {"target_size": None},
        "train": {"batch_size": 2},
    }
    return changed(small, changes)


@each
def test_its_model_is_built_as_it_stands(recipe):
    """On the meta device, where weights take no memory."""
    config = config_files.load(recipe)
    arguments = {key: value for key, value in config.model_arguments.items() if key != "pretrained"}
    with torch.device("meta"):
        network = models.create(config.model_name, num_classes=19, **arguments)
    assert sum(p.numel() for p in network.parameters()) > 10_000


@each_segmenting
def test_a_step_of_it_learns(recipe, toy_root):
    torch.manual_seed(0)
    config = shrink(recipe)
    dataset = Cityscapes(toy_root)
    rule = config.train.class_weights
    network = models.create(config.model_name, num_classes=19, **config.model_arguments)
    step = TrainingStep(network, config, class_weights(count_classes(dataset), rule) if rule else None)
    optimizer = optimizers.create(step, config.optim)
    samples = TrainingSamples(dataset, config.augment, 0, None, cache=True)
    batch = next(iter(training_loader(samples, StepSampler(0, 1, 2), workers=0)))
    loss = step.train()(batch.image, batch.params, batch.labels)
    loss.backward()
    assert loss.isfinite()
    assert loss > 0
    before = [p.detach().clone() for p in network.parameters()]
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(config.schedule.warmup_steps, 10**6, group["lr"], config.schedule)
    optimizer.step()
    assert all(p.isfinite().all() for p in network.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))


@each_classifying
def test_a_step_of_a_classifier_learns(recipe, tmp_path):
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("ants", "bees"):
            (tmp_path / split / name).mkdir(parents=True)
            Image.fromarray(rng.integers(0, 255, (80, 96, 3), np.uint8)).save(tmp_path / split / name / "a.jpg")
    config = config_files.load(recipe)
    small = {"hrnet": {"encoder": "hrnet", "variant": "w18-small-v1"}, "resnet50": {"encoder": "resnet18"}}
    config = replace(config, model={"name": "classifier", **small[recipe.stem]})
    config = changed(config, {"data": {"root": str(tmp_path), "target_size": [64, 64]}, "train": {"batch_size": 2}})
    task = tasks.create(config)
    network = task.create_model("32-true").network
    step = task.training_step().train()
    optimizer = optimizers.create(step, config.optim)
    batch = next(iter(training_loader(task.training_samples(0), StepSampler(0, 1, 2), workers=0)))
    assert batch.params["color_jitter"].tolist() == [[1, 1, 1, 0]] * 2, "the paper changes no colors"
    loss = step(batch.image, batch.params, batch.labels)
    loss.backward()
    optimizer.step()
    assert loss.isfinite()
    assert all(p.grad is not None and p.isfinite().all() for p in network.parameters())
