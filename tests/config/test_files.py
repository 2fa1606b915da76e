"""Configuration files: what is written is read again, and what doesn't fit is one sentence."""

import pytest
import yaml

from sceneseg.config import files as config_files
from sceneseg.config.conversion import from_dict
from sceneseg.config.reading import read_yaml
from sceneseg.config.schema import AugmentConfig, Config, OptimConfig
from sceneseg.errors import ConfigError


def test_dump_and_load_round_trip(tmp_path):
    config = Config(
        model={"name": "unet", "width": 16},
        augment=AugmentConfig(crop_size=(96, 128)),
        optim=OptimConfig(lr=0.05),
    )
    file = tmp_path / "config.yaml"
    file.write_text(config_files.dump(config))
    assert config_files.load(file) == config


def test_every_shipped_recipe_is_a_configuration():
    from pathlib import Path

    recipes = sorted((Path(__file__).parents[2] / "recipes").rglob("*.yaml"))
    assert recipes
    for recipe in recipes:
        config_files.load(recipe)
        assert len(recipe.read_text().splitlines()) <= 40, recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optim: {lrr: 1}", 'unknown key "optim.lrr".*Did you mean "lr"'),
        ("train: {epochs: many}", "train.epochs must be a whole number, found 'many'"),
        ("train: {epochs: true}", "train.epochs must be a whole number"),
        ("augment: {crop_size: [1, 2, 3]}", "augment.crop_size must be a list of"),
        ("train: {precision: fp8}", "must be one of auto, bf16-mixed"),
        ("optim: 3", "optim. must be a mapping"),
        ("- 1", "expected a mapping"),
        ("a: [", "not readable as YAML"),
        ("seed: 1\nname: x\nseed: 2", r'the key "seed" is given twice \(lines 1 and 3\)'),
        ("optim: {lr: 1, lr: 2}", 'the key "lr" is given twice'),
        ("optim: {1: a, 1.0: b}", 'the key "1.0" is given twice'),
    ],
)
def test_bad_files_get_one_sentence(tmp_path, text, message):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        config_files.load(file)


def test_merged_keys_may_be_overridden(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text("base: &b {k: 1}\na: {inner: &x {<<: *b, k: 2}}\nc: {<<: *x, k: 3}")
    assert read_yaml(file) == {"base": {"k": 1}, "a": {"inner": {"k": 2}}, "c": {"k": 3}}


def test_numbers_that_yaml_reads_as_words():
    assert from_dict(yaml.safe_load("optim: {lr: 1e-3}")).optim.lr == 0.001


def test_missing_file(tmp_path):
    with pytest.raises(ConfigError, match="no such configuration file"):
        config_files.load(tmp_path / "no.yaml")
