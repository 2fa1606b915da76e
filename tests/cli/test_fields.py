"""From the field of an error to the option that a user types."""

import pytest

from sceneseg.cli.app import app
from sceneseg.cli.fields import option_of


@pytest.mark.parametrize(
    ("verb", "field", "option"),
    [
        ("train", "data.root", "-p, --data.root"),
        ("train", "data", "-d, --data.name"),
        ("train", "model", "-m"),
        ("train", "model.name", "-m"),
        ("train", "config", "--config"),
        ("train", "train.batch_size", "-b, --batch-size"),
        ("train", "data.coarse", "-c, --coarse"),
        ("train", "augment.crop_size", "--augment.crop-size"),
        ("evaluate", "data.root", "-p, --root"),
        ("evaluate", "root", "-p, --root"),
        ("evaluate", "data.name", "-d, --data"),
        ("evaluate", "size_bands", "--size-bands"),
        ("compare", "finished", None),
        ("compare", "loss", "--loss"),
        ("data", "root", None),
        ("evaluate", "train.epochs", None),
        ("export", "nothing", None),
    ],
)
def test_the_option_of_a_field(verb, field, option):
    assert option_of(app, [verb, "--json", "x"], field) == option


def test_an_error_ends_with_the_option_of_its_field(capsys, tmp_path):
    from sceneseg.cli.app import main

    with pytest.raises(SystemExit) as stop:
        main(["export", "-w", str(tmp_path), "--calibration", "8"])
    assert stop.value.code == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said.startswith("Error: calibration: ")
    assert said.endswith("(option: --calibration)")
