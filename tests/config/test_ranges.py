"""Every number that can be typed has a range; out of it, the run doesn't begin."""

import dataclasses
import math
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest

import sceneseg
from sceneseg.cli.app import app
from sceneseg.config.conversion import from_dict
from sceneseg.config.schema import Config
from sceneseg.config.variants import make_variants
from sceneseg.errors import ConfigError, ModelError
from sceneseg.models import models
from sceneseg.ranges import range_of
from sceneseg.records.run_directory import RunDirectory, write_text

FREE = {"model", "loss", "aux_loss", "data.options"}
"""Mappings whose arguments depend on the names in them."""


def mentions_number(hint):
    return hint in (int, float) or any(mentions_number(part) for part in get_args(hint))


def numbers(kind=Config, prefix=""):
    """Yield every number of the configuration: key, type and range."""
    for name, hint in get_type_hints(kind, include_extras=True).items():
        key = prefix + name
        plain = get_args(hint)[0] if get_origin(hint) is Annotated else hint
        if dataclasses.is_dataclass(plain):
            yield from numbers(plain, f"{key}.")
        elif mentions_number(plain) and key not in FREE:
            yield key, hint, range_of(hint)


NUMBERS = list(numbers())


def wrong(limits, whole):
    """Return numbers just outside of a range."""
    step = 1 if whole else 1e-9
    ends = [(limits.least, -step), (limits.most, step), (limits.above, 0), (limits.below, 0)]
    found = [end + past for end, past in ends if end is not None]
    return found if whole else [*found, math.nan, math.inf, -math.inf]


def shaped(hint, number):
    """Put a number where the type has one: into a pair, a list or a mapping."""
    text = str(hint)
    if "dict[" in text:
        return {"fog": number}
    return [number, number] if "tuple[" in text else [number] if "list[" in text else number


def test_every_number_of_the_configuration_declares_a_range():
    assert [key for key, _, limits in NUMBERS if limits is None] == []
    assert len(NUMBERS) > 35


@pytest.mark.parametrize(("key", "hint", "limits"), NUMBERS, ids=[key for key, _, _ in NUMBERS])
def test_out_of_its_range_it_is_refused_everywhere(key, hint, limits, tmp_path):
    section, _, name = key.rpartition(".")
    for number in wrong(limits, not any(float is part for part in flatten(hint))):
        value = shaped(hint, number)
        plain = {section: {name: value}} if section else {name: value}
        with pytest.raises(ConfigError, match=rf"{name} must be a (whole )?number (from|above|of at least) .*, found"):
            from_dict(plain)
        with pytest.raises(ConfigError, match=f"{name} must be"):
            sceneseg.train("fast_scnn", root=tmp_path, **plain)
        with pytest.raises(ConfigError, match=f"{name} must be"):
            make_variants(Config(), [], [f"{key}={yaml_text(value)},{yaml_text(value)}"])
        words = [f"--{key.replace('_', '-')}" + (".fog" if isinstance(value, dict) else "")]
        values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [value]
        with pytest.raises(ConfigError, match="must be"):
            app(["train", *words, *map(str, values)], exit_on_error=False)


def flatten(hint):
    parts = get_args(hint)
    return [hint] if not parts else [inner for part in parts for inner in flatten(part)]


def yaml_text(value):
    if isinstance(value, dict):
        return "{fog: " + yaml_text(value["fog"]) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(yaml_text, value)) + "]"
    return {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}.get(str(value), str(value))


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"augment": {"scale": [2, 0.5]}}, r"augment.scale must be in rising order, found \[2.0, 0.5\]. Smallest and"),
        ({"augment": {"progressive": [1, 0.5]}}, "progressive must be in rising order"),
        ({"schedule": {"milestones": [0.6, 0.3]}}, "milestones must be in rising order"),
        ({"schedule": {"milestones": ["a", "b"]}}, "milestones must be a list, each a number"),
        ({"train": {"clip_grad": -1}}, "a number above 0, found -1.0. Largest norm of the gradient"),
        ({"loss": {"cross_entropy": 0}}, "weight of loss.cross_entropy must be a number above 0, found 0"),
        ({"loss": {"dice": {"weight": -1}}}, "weight of loss.dice must be a number above 0"),
        ({"loss": {"dice": [1]}}, r"weight of loss.dice must be a number above 0, found \[1\]"),
        ({"loss": {"dice": None}}, "weight of loss.dice must be a number above 0, found None"),
        ({"aux_loss": {"dice": "much"}}, "weight of aux_loss.dice must be a number above 0, found 'much'"),
        ({"model": {"name": "unet", "num_classes": 3}}, "model.num_classes comes from the data set"),
        ({"data": {"options": {"split": "test"}}}, "data.options.split comes from the data set"),
        ({"model": {1: 2}}, "model must be a mapping of names to values"),
        ({"optim": {"lr": 10**400}}, "optim.lr must be a number"),
    ],
)
def test_other_values_that_cannot_be_meant(plain, said):
    with pytest.raises(ConfigError, match=said):
        from_dict(plain)


def test_the_ends_of_a_range_belong_to_it():
    from_dict(
        {
            "augment": {"flip": 1, "scale": [1, 1], "hue": 0.5, "progressive": [0.5, 0.5, 1], "crop_size": [1, 1]},
            "optim": {"weight_decay": 0, "momentum": 0, "lr_scale": {"encoder": 0}},
            "schedule": {"milestones": [], "factor": 1, "min_lr": 0},
            "train": {"epochs": 1, "ema": 0, "checkpoint_minutes": 0, "aux_weight": 0, "patience": 1},
            "data": {"workers": 0},
            "seed": 2**63 - 1,
        }
    )


def test_a_run_of_earlier_days_stays_readable(tmp_path):
    run = RunDirectory(tmp_path)
    write_text(run.config, "train: {epochs: 3, ema: 2.0}\n")
    assert run.load_config().train.ema == 2.0
    with pytest.raises(ConfigError, match="train.ema must be"):
        sceneseg.train(resume=tmp_path)


@pytest.mark.parametrize("name", models.names())
def test_the_numbers_of_a_model_have_ranges(name):
    import inspect

    maker = models.get(name)
    hints = {
        key: p.annotation for key, p in inspect.signature(maker).parameters.items() if mentions_number(p.annotation)
    }
    chosen = {"num_classes", "output_stride", "variant"}  # given by the data; one of a few; a name, as 23
    for key, hint in hints.items():
        if key in chosen:
            continue
        limits = range_of(hint)
        assert limits is not None, key
        for number in wrong(limits, float not in flatten(hint)):
            with pytest.raises(ConfigError, match=f"{key} must be"):
                models.create(name, num_classes=2, **{key: number})
        with pytest.raises(ConfigError, match=f"{key} must be a"):
            models.create(name, num_classes=2, **{key: "wide"})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"heads": 7, "variant": "tiny"}, "its heads must divide embed_dim"),
        ({"patch_size": 7, "image_size": 5}, "image_size 5 holds no patch of 7"),
    ],
)
def test_numbers_that_do_not_go_together(arguments, said):
    with pytest.raises(ModelError, match=said):
        models.create("segmenter", num_classes=2, **arguments)


def test_a_word_is_no_switch():
    for word in ("none", 5, None, "false"):
        with pytest.raises(ConfigError, match="aux must be true or false"):
            models.create("fast_scnn", num_classes=2, width=0.25, aux=word)
    with pytest.raises(ConfigError, match="variant must be a name or a list, not a number, found 5"):
        models.create("hrnet", num_classes=2, variant=5)


@pytest.mark.parametrize(
    "line",
    [
        *("bench -m unet --size 64 0", "bench -m unet --batch 1 0", "bench -m unet --threads 0"),
        *("bench -m unet --repetitions 0", "bench -m unet --warmup -1", "bench -m unet --seconds nan"),
        *(
            "compare a --repetitions 0",
            "compare -m unet --seeds 0",
            "compare -m unet --steps -1",
            "compare a --size 0 1",
        ),
        *("evaluate -w r -t 0 0", "evaluate -w r --size-bands 0 5", "predict -w r a.png -t -64 64"),
        *(
            "export -w r --images -5",
            "export -w r --calibration 0",
            "export -w r --size 0 128",
            "export -w r -t 32 -64",
        ),
        *("export -w r --tolerance -1", "export -w r --tolerance inf"),
        *("find-lr --steps 9", "find-lr --lowest 0", "find-lr --highest inf", "plan --classes 0"),
        *("summary --size 0 0", "summary --classes 0", "summary --batch 0", "verify-resume --steps 0"),
        *("data toy --out o --count 0", "data toy --out o --seed -1", "data toy --out o --size 0 9"),
        *(
            "data view -d camvid --count 0",
            "data stats -d camvid --examples 0",
            "data pack -d camvid --out o --workers -1",
        ),
    ],
)
def test_numbers_of_the_verbs(line):
    with pytest.raises(ConfigError, match=r"^-[-\w]+ must be a (whole )?number .*, found"):
        app(line.split(), exit_on_error=False)
