"""Names and forms of options that people type, and what is said of those that can't be understood."""

import pytest

from sceneseg.cli.app import app, main
from sceneseg.cli.spellings import HINTS, SPELLINGS, respell
from sceneseg.devices import resolve_device
from sceneseg.errors import ConfigError


def test_other_programs_names_become_ours():
    typed = "train --model unet --dataset camvid --path /x --batch 4 --epoch 3 --learning-rate=1 --scheduler cosine"
    expected = "train -m unet -d camvid -p /x -b 4 -e 3 -l=1 --schedule cosine"
    assert respell(app, typed.split()) == expected.split()
    assert respell(app, ["predict", "--output", "out", "a.jpg"]) == ["predict", "--results", "out", "a.jpg"]
    assert respell(app, ["summary", "--model", "unet"]) == ["summary", "-m", "unet"]
    assert respell(app, ["export", "--format", "onnx"]) == ["export", "--to", "onnx"]


def test_a_verbs_own_names_stay():
    for typed in ("bench --batch 4 --size 64 128", "data toy --out x", "export --output labels", "train --optim sgd"):
        assert respell(app, typed.split()) == typed.split()
    assert respell(app, ["train", "--model.width", "0.5"]) == ["train", "--model.width", "0.5"]


def test_the_last_word_of_an_option_is_enough_where_only_one_has_it():
    typed = ["train", "--crop-size", "64", "64", "--device", "cpu"]
    assert respell(app, typed) == ["train", "--augment.crop-size", "64", "64", "--train.device", "cpu"]
    assert respell(app, ["train", "--dice", "1"]) == ["train", "--dice", "1"]


@pytest.mark.parametrize("size", ["-t 1024,2048", "-t=1024,2048", "-t 1024x2048", "-t 1024, 2048", "-t 1024 2048"])
def test_pairs_of_numbers(size):
    typed = ["predict", *size.split(), "10x20", "-w", "run"]
    assert respell(app, typed) == ["predict", "-t", "1024", "2048", "10x20", "-w", "run"]


def test_lists_of_numbers_and_what_follows():
    expected = "bench --size 64 128 32 64 -m a,b"
    assert respell(app, ["bench", "--size", "64x128,32x64", "-m", "a,b"]) == expected.split()
    assert respell(app, ["train", "--augment.scale", "0.5,2"]) == ["train", "--augment.scale", "0.5", "2"]
    assert respell(app, ["predict", "--", "--lr", "1,2"]) == ["predict", "--", "--lr", "1,2"]
    assert respell(app, ["predict", "1,2", "-t", "photo"]) == ["predict", "1,2", "-t", "photo"]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["data"], ["trian", "--lr", "1"], ["--lr", "1"]])
def test_without_a_verb_nothing_changes(arguments):
    assert respell(app, arguments) == arguments


def test_all_spellings_lead_to_options_that_exist():
    known = set()
    for verb in ("train", "evaluate", "predict", "compare", "export", "bench", "plan", "find-lr", "data toy"):
        options = app.parse_commands(verb.split())[1][-1].assemble_argument_collection(parse_docstring=False)
        known |= {name for option in options for name in option.names}
    assert not {other for others in SPELLINGS.values() for other in others} - known
    assert not {other for _, sayings in HINTS for other in sayings} - known


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("train --mixed-precision", "--train.precision bf16-mixed"),
        ("train --output x", "--runs FOLDER"),
        ("train --imgsz 64", "-t HEIGHT WIDTH"),
        ("train --gpu 0", "--train.device cuda"),
        ("predict --gpu 0", "--device cuda"),
        ("predict --source a.jpg", "without an option"),
        ("evaluate --output x", "--json FILE"),
        ("train --epochz 3", "Did you mean --epochs?"),
        ("train --augment.transforms rain", "has no option --augment.transforms. A file lists them"),
        ("train --xyzzy", "sceneseg train has no option --xyzzy. All options: sceneseg train --help"),
        ("train -t 64", "-t takes 2 values, found 1."),
        ("train -b", "-b takes 1 value, but nothing follows it."),
        ("train --loss dice", "--loss.dice VALUE"),
        ("predict a.jpg", "sceneseg predict needs --weights or -w."),
        ("models bogus", "sceneseg models doesn't know what to do with: bogus."),
        ("trian", 'Did you mean "train"?'),
        ("export -w a --to onnx --precision int3", 'Did you mean "int8"?'),
    ],
)
def test_what_is_not_understood_ends_in_a_sentence(typed, expected, capsys):
    with pytest.raises(SystemExit) as stop:
        main(typed.split())
    said = capsys.readouterr().err
    assert stop.value.code == 2
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert expected in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "-w", "", "a.jpg"],
        ["predict", "-w", "a", ""],
        ["predict", "-w", "a", "b", "-r", " "],
        ["compare", "a", "--name", ""],
        ["compare", "-m", ""],
        ["compare", "-m", ","],
        ["bench", "-m", "unet", "--engine", ""],
        ["train", "--config="],
    ],
)
def test_an_empty_value_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 1
    assert "is empty" in capsys.readouterr().err


def test_an_unknown_device_names_no_option_of_one_verb():
    with pytest.raises(ConfigError, match="Found: .*cpu") as error:
        resolve_device("xpu")
    assert "--" not in str(error.value)
