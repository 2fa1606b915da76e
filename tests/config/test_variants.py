"""What `compare` compares: models, files, and every combination of what is varied."""

import pytest

from sceneseg.config.schema import Config, OptimConfig
from sceneseg.config.variants import listed, make_variants, parse_vary
from sceneseg.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optim.name=sgd,adamw", ("optim.name", ["sgd", "adamw"])),
        ("data.target-size=256x512,[512, 1024]", ("data.target_size", [[256, 512], [512, 1024]])),
        ("loss={cross_entropy: 1},{ohem: 1, dice: 0.5}", ("loss", [{"cross_entropy": 1}, {"ohem": 1, "dice": 0.5}])),
        ("train.ema=0, 0.99", ("train.ema", [0, 0.99])),
        ("data.label_space=classes,categories", ("data.label_space", ["classes", "categories"])),
        ("train.class_weights=null,enet", ("train.class_weights", [None, "enet"])),
    ],
)
def test_vary_reads_yaml_values(text, expected):
    assert parse_vary(text) == expected


@pytest.mark.parametrize("text", ["optim.name", "optim.name=", "optim.name=sgd", "a b=1,2", "=1,2", "loss={a: 1", ""])
def test_vary_that_reads_otherwise_is_explained(text):
    with pytest.raises(ConfigError, match="must be a key of the configuration with two or more values"):
        parse_vary(text)


def test_models_times_everything_that_varies():
    variants = make_variants(Config(), ["unet", "erfnet"], ["optim.name=sgd,adamw", "data.target_size=64x128,128x256"])
    assert [v.name for v in variants][:3] == ["unet-sgd-64x128", "unet-sgd-128x256", "unet-adamw-64x128"]
    assert len({v.name for v in variants}) == 8
    last = variants[-1]
    assert (last.config.model_name, last.config.optim.name, last.config.data.target_size) == (
        "erfnet",
        "adamw",
        (128, 256),
    )
    assert last.changes == {"model": "erfnet", "optim.name": "adamw", "data.target_size": [128, 256]}


def test_one_model_needs_no_mention_in_the_names():
    variants = make_variants(Config(), ["unet"], ["optim.lr=1e-3,0.01", "loss={ohem: 1},{dice: 0.5, focal: 1}"])
    assert [v.name for v in variants] == [
        *("lr-1e-3-ohem", "lr-1e-3-dice-0.5+focal"),
        *("lr-0.01-ohem", "lr-0.01-dice-0.5+focal"),
    ]
    assert [v.config.optim.lr for v in variants] == [0.001, 0.001, 0.01, 0.01]
    assert variants[0].config.loss == {"ohem": 1}, "the default loss must not stay beside it"
    assert make_variants(Config(), [])[0].name == "fast_scnn"


def test_arguments_belong_to_the_model_they_were_given_for():
    base = Config(model={"name": "fast_scnn", "width": 0.5})
    variants = make_variants(base, ["fast_scnn", "unet"])
    assert [v.config.model for v in variants] == [{"name": "fast_scnn", "width": 0.5}, {"name": "unet"}]


def test_a_file_is_a_candidate_with_values_of_its_own(tmp_path):
    file = tmp_path / "narrow.yaml"
    file.write_text("model: {name: unet, width: 8}\nloss: {ohem: 1}\noptim: {lr: 0.5}\n")
    base = Config(optim=OptimConfig(momentum=0.7))
    own = make_variants(base, ["erfnet", str(file)])[1]
    assert own.name == "narrow"
    assert own.config.model == {"name": "unet", "width": 8}
    assert own.config.loss == {"ohem": 1}
    assert (own.config.optim.lr, own.config.optim.momentum) == (0.5, 0.7)


@pytest.mark.parametrize(
    ("models", "vary", "message"),
    [
        ([], ["optim.nam=sgd,adamw"], 'Did you mean "name"'),
        ([], ["optim.lr=high,low"], "optim.lr must be a number"),
        ([], ["optim.lr=1,2", "optim.lr=3,4"], "optim.lr is varied twice"),
        (["unet", "unet"], [], 'Two candidates are called "unet"'),
        ([], ["seed.x=1,2"], "seed must be a whole number"),
        (["none.yaml"], [], "there is no such configuration file"),
    ],
)
def test_mistakes(models, vary, message):
    with pytest.raises(ConfigError, match=message):
        make_variants(Config(), models, vary)


def test_names_are_folders():
    assert make_variants(Config(), [], ["data.root=/a/b,../c d"])[1].name == "c_d"
    assert listed(["unet, erfnet", "segnet"]) == ["unet", "erfnet", "segnet"]
    assert listed(None) == []


def test_a_recipe_is_a_candidate_by_its_name():
    (variant,) = make_variants(Config(), ["toy/ddrnet"], [])
    assert variant.name == "ddrnet"
    assert variant.config.model_name == "ddrnet"
