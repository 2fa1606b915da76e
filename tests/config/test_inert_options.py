"""An option that nothing reads is refused where it was typed; what a file says all the same stays possible."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import sceneseg
from sceneseg.cli.app import app
from sceneseg.config import files as config_files
from sceneseg.config.asked import Asked, asked_by, asked_by_file
from sceneseg.config.conversion import from_dict
from sceneseg.config.schema import Config
from sceneseg.errors import ConfigError
from sceneseg.optim import optimizers, schedules
from sceneseg.optim.schedules import KEYS, learning_rate, reads
from sceneseg.training.inert import refuse_contradictions, refuse_inert

NAMES = schedules.schedules.names()
INERT = [
    ("-f adamw --momentum 0.9", "optim.momentum has no effect here.*muon, rmsprop, sgd, sgd_nesterov read it"),
    ("--schedule cosine --power 0.9", "schedule.power has no effect here.*poly reads it"),
    ("--schedule poly --cycle 3", "schedule.cycle has no effect.*cyclic reads it"),
    ("--schedule poly --schedule.patience 3", "schedule.patience has no effect.*reduce_on_plateau reads it"),
    ("--schedule polynomial --schedule.milestones 0.2", "schedule.milestones has no effect.*step reads it"),
    ("--schedule constant --min-lr 1e-4", "schedule.min_lr has no effect.*cosine, cyclic, one_cycle, poly"),
    ("--schedule one_cycle --schedule.factor 0.2", "schedule.factor has no effect.*reduce_on_plateau, step read it"),
    ("--augment.weather-strength 0.2", "augment.weather_strength has no effect.*augment.weather.any = 0.2"),
    ("--augment.weather-strength 0.2 --augment.weather.fog 0", "augment.weather_strength has no effect"),
    ("--augment.area 0.2 1", "augment.area has no effect.*task classification"),
    ("--model.name unet --aux-loss.dice 1", "aux_loss.dice has no effect.*no auxiliary heads"),
    ("--model.name unet --train.aux-weight 0.4", "train.aux_weight has no effect"),
    ("--model.aux false --train.aux-weight 3", "train.aux_weight has no effect"),
    ("--train.memory 1GB --train.micro-batch 1", "train.memory has no effect"),
    ("--loss.cross_entropy.class-weights [1,2] --train.class-weights enet", "train.class_weights has no effect"),
]


@pytest.mark.parametrize(("line", "said"), INERT)
def test_what_nothing_reads_is_refused_when_typed(line, said, toy_root, tmp_path):
    with pytest.raises(ConfigError, match=f"^the options: {said}"):
        app(["train", "-p", str(toy_root), "--runs", str(tmp_path), *line.split()], exit_on_error=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "plain",
    [
        {"optim": {"name": "sgd", "momentum": 0.9}},
        {"optim": {"name": "muon", "momentum": 0.9}},
        {"schedule": {"name": "polynomial", "power": 2, "min_lr": 1e-5, "warmup_steps": 3}},
        {"schedule": {"name": "reduce_on_plateau", "factor": 0.5, "patience": 3, "min_lr": 1e-5}},
        {"augment": {"weather": {"fog": 0.1}, "weather_strength": 0.7}},
        {"model": {"name": "fast_scnn"}, "aux_loss": {"dice": 1}, "train": {"aux_weight": 0.4, "freeze_norm": True}},
        {"model": {"name": "ocrnet", "width": 4}, "train": {"aux_weight": 1, "class_weights": "enet"}},
        {"task": "classification", "augment": {"area": [0.2, 1]}},
    ],
)
def test_what_is_read_is_taken(plain):
    refuse_inert([asked_by("here", plain)], [from_dict(plain)])


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", NAMES)
def test_a_schedule_declares_what_it_reads(name, key):
    """A key changes the rates of a schedule exactly where the schedule says that it reads it."""
    other = {"power": 2.0, "min_lr": 0.05, "cycle": 7, "milestones": [0.3], "factor": 0.4, "patience": 1}[key]
    scores = [0.5, 0.4, 0.4, 0.3, 0.3]

    def rates(config):
        return [learning_rate(step, 50, 1.0, config, scores) for step in range(50)]

    base = {"name": name, "patience": 2}
    usual, changed = (from_dict({"schedule": {**base, **extra}}).schedule for extra in ({}, {key: other}))
    if name == "reduce_on_plateau" and key == "min_lr":  # a floor, reached after many plateaus
        usual, changed = (replace(schedule, factor=0.01) for schedule in (usual, changed))
    assert (rates(usual) != rates(changed)) == (key in reads(name))


@pytest.mark.parametrize("name", optimizers.optimizers.names())
def test_an_optimizer_declares_what_it_reads(name):
    from torch import nn

    made = optimizers.create(nn.Linear(2, 2), from_dict({"optim": {"name": name, "momentum": 0.3}}).optim)
    assert (made.defaults.get("momentum") == 0.3) == ("momentum" in optimizers.reads(name))


def test_a_file_may_say_what_its_own_choices_read(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("optim: {name: sgd, momentum: 0.9}\n")
    asked = asked_by_file(str(recipe), config_files.load(recipe))
    adamw = from_dict({"optim": {"name": "adamw", "momentum": 0.9}})
    refuse_inert([asked], [adamw])
    recipe.write_text("optim: {momentum: 0.9}\n")
    wrong = asked_by_file(str(recipe), config_files.load(recipe))
    with pytest.raises(ConfigError, match="recipe.yaml: optim.momentum has no effect"):
        refuse_inert([wrong], [adamw])
    refuse_inert([wrong], [from_dict({"optim": {"name": "sgd"}})])


def test_a_file_with_every_key_asks_for_none_of_the_defaults():
    config = from_dict({"model": {"name": "unet"}, "optim": {"name": "adam"}, "schedule": {"name": "constant"}})
    again = from_dict(yaml.safe_load(config_files.dump(config)))
    refuse_inert([asked_by_file("config.yaml", again)], [again])


def test_python_is_refused_like_the_command_line(toy_root, tmp_path):
    with pytest.raises(ConfigError, match="the options: optim.momentum has no effect"):
        sceneseg.train("fast_scnn", root=toy_root, runs=tmp_path, momentum=0.9, optimizer="adam")
    config = from_dict({"schedule": {"name": "cosine", "power": 2}})
    with pytest.raises(ConfigError, match="config: schedule.power has no effect"):
        sceneseg.train("fast_scnn", root=toy_root, runs=tmp_path, config=config)
    assert not list(tmp_path.iterdir())


def test_one_candidate_that_reads_an_option_is_enough(toy_root, tmp_path):
    line = ["compare", "-p", str(toy_root), "--runs", str(tmp_path), "--vary"]
    with pytest.raises(ConfigError, match="vary: optim.momentum has no effect"):
        app([*line, "optim.momentum=0.5,0.9"], exit_on_error=False)
    with pytest.raises(ConfigError, match="the options: optim.momentum has no effect"):
        app([*line, "optim.name=adam,adamw", "--momentum", "0.9"], exit_on_error=False)
    file = tmp_path.parent / "candidate.yaml"
    file.write_text("optim: {name: adam, momentum: 0.9}")
    with pytest.raises(ConfigError, match="candidate.yaml: optim.momentum has no effect"):
        app([*line[:-1], "-m", f"unet,{file}"], exit_on_error=False)
    both = [from_dict({"optim": {"name": name}}) for name in ("sgd", "adam")]
    refuse_inert([Asked("the command line", ["optim.momentum"])], both)
    assert not list(tmp_path.iterdir())


def test_the_range_test_chooses_its_rates(toy_root, tmp_path):
    line = ["find-lr", "-p", str(toy_root), "--runs", str(tmp_path)]
    with pytest.raises(ConfigError, match="optim.lr, schedule.name: the test itself chooses"):
        app([*line, "-l", "0.1", "--schedule", "poly"], exit_on_error=False)
    with pytest.raises(ConfigError, match="optim.momentum has no effect"):
        app([*line, "-f", "adam,adamw", "--momentum", "0.1"], exit_on_error=False)


def test_the_lowest_rate_lies_below_the_peak():
    with pytest.raises(ConfigError, match=r"schedule.min_lr 0.1, is above the peak, optim.lr 0.001"):
        refuse_contradictions(from_dict({"optim": {"lr": 0.001}, "schedule": {"min_lr": 0.1}}))
    with pytest.raises(ConfigError, match="above the peak, optim.lr 0.01"):
        refuse_contradictions(from_dict({"optim": {"name": "sgd"}, "schedule": {"min_lr": 0.1}}))
    refuse_contradictions(Config())


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("train -m unet --model.name erfnet", "-m unet and --model.name erfnet both name the model"),
        ("compare -m unet --steps 5 -e 3", "train.epochs: budget and steps decide it"),
        ("compare -m unet --budget 5m --train.validate-every 3", "train.validate_every: budget and steps"),
        ("export -w r --calibration 5", "calibration: only the precision int8"),
        ("export -w r --images 0 --tolerance 1", "tolerance: with 0 images nothing is compared"),
        ("data stats -d camvid --examples 3", "examples: .* shown in an image"),
        ("data view -d camvid --config c.yaml", "config: .* holds transforms"),
        ("data view -d camvid --augment --count 3", "count: augment shows one scene"),
    ],
)
def test_options_of_other_verbs(line, said):
    with pytest.raises(ConfigError, match=said):
        app(line.split(), exit_on_error=False)


def test_the_shipped_recipes_ask_for_nothing_in_vain():
    recipes = sorted((Path(__file__).parents[2] / "recipes").rglob("*.yaml"))
    assert len(recipes) > 20
    for recipe in recipes:
        config = config_files.load(recipe)
        refuse_contradictions(config)
        refuse_inert([asked_by_file(str(recipe), config)], [config])
