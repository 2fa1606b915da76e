"""What is typed for a free mapping, however deep, becomes the same as in a YAML file."""

from typing import Annotated

import pytest
from cyclopts import App, Parameter

from sceneseg.config import command_line
from sceneseg.config.conversion import from_dict, to_dict
from sceneseg.config.options import Options
from sceneseg.config.schema import Config


def parse(line, file=None):
    app = App(config=(command_line.check_options,))
    found = []

    @app.default
    def verb(*, typed: Annotated[Options, Parameter(name="*")] = Options(), options: dict[str, str] | None = None):  # noqa: B008
        found.append((command_line.configuration(typed, file), command_line.nested(options)))

    app(line.split(), result_action="return_value", exit_on_error=False)
    return found[0]


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ("--loss.cross_entropy.label_smoothing 0.1", "loss", {"cross_entropy": {"label_smoothing": 0.1}}),
        ("--loss.cross-entropy.label-smoothing 1e-3", "loss", {"cross_entropy": {"label_smoothing": 0.001}}),
        ("--loss.dice 0.5 --loss.dice.smooth 2", "loss", {"dice": {"weight": 0.5, "smooth": 2}}),
        ("--loss.dice.smooth 2 --loss.dice 0.5", "loss", {"dice": {"smooth": 2, "weight": 0.5}}),
        ("--loss.ohem.class_weights [1,2.5]", "loss", {"ohem": {"class_weights": [1, 2.5]}}),
        ("--model.width 0.5", "model", {"name": "fast_scnn", "width": 0.5}),
        ("--model.x.y true --model.x.z a", "model", {"name": "fast_scnn", "x": {"y": True, "z": "a"}}),
        ("--model.dropout 1e-1", "model", {"name": "fast_scnn", "dropout": 0.1}),
    ],
)
def test_a_free_mapping_takes_mappings(line, key, value):
    assert getattr(parse(line)[0], key) == value


def test_names_with_dots_stay_names_where_numbers_are_expected():
    config, _ = parse("--optim.lr-scale.encoder.layer1 0.1 --augment.weather.light-beam 0.2")
    assert config.optim.lr_scale == {"encoder.layer1": 0.1}
    assert config.augment.weather == {"light_beam": 0.2}


def test_a_loss_in_the_file_keeps_its_weight(tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text("loss: {cross_entropy: 0.5, dice: {weight: 2, smooth: 1}}")
    config, _ = parse("--loss.cross_entropy.label_smoothing 0.1 --loss.dice 3", file)
    assert config.loss == {
        "cross_entropy": {"weight": 0.5, "label_smoothing": 0.1},
        "dice": {"weight": 3, "smooth": 1},
    }
    assert from_dict(to_dict(config)) == config


def test_a_mapping_of_the_verb_itself():
    assert parse("--options.a.b 1 --options.c [x]")[1] == {"a": {"b": 1}, "c": ["x"]}


def test_two_command_lines_know_nothing_of_each_other():
    """What was typed lies in what was parsed, and nowhere else."""
    app, seen = App(config=(command_line.check_options,)), []

    @app.default
    def verb(*, options: Annotated[Options, Parameter(name="*")] = Options()):  # noqa: B008
        seen.append(options)

    for line in ("-e 3 --loss.dice 1", "-b 2 -t 32 64", ""):
        app(line.split(), result_action="return_value", exit_on_error=False)
    assert [command_line.typed(options) for options in seen] == [
        {"loss": {"dice": 1}, "train": {"epochs": 3}},
        {"data": {"target_size": [32, 64]}, "train": {"batch_size": 2}},
        {},
    ]


def test_a_default_that_is_typed_counts_as_typed():
    assert parse("-e 100")[0] == Config()
    app, seen = App(config=(command_line.check_options,)), []

    @app.default
    def verb(*, options: Annotated[Options, Parameter(name="*")] = Options()):  # noqa: B008
        seen.extend(command_line.asked(options, None))

    app(["-e", "100"], result_action="return_value", exit_on_error=False)
    assert set(seen[0].keys) == {"train.epochs"}
