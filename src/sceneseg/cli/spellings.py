"""Spellings of options: the names that other programs give them, and sizes as 1024,2048 or 1024x2048."""

import re
from collections.abc import Mapping, Sequence
from typing import get_args, get_origin

from cyclopts import App, Argument, ArgumentCollection

from sceneseg.ranges import range_of

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("--model", "--models", "--arch", "--architecture", "--network"), ("-m",)),
    **dict.fromkeys(("--dataset", "--data-set"), ("-d",)),
    **dict.fromkeys(("--path", "--data-path", "--data-root", "--data-dir", "--dataset-path", "--root"), ("-p",)),
    **dict.fromkeys(("--batch", "--bs"), ("-b",)),
    **dict.fromkeys(("--epoch", "--num-epochs"), ("-e",)),
    **dict.fromkeys(("--lr", "--learning-rate"), ("-l",)),
    **dict.fromkeys(("--optimizer", "--opt"), ("-f",)),
    **dict.fromkeys(("--scheduler", "--lr-schedule", "--lr-scheduler"), ("--schedule",)),
    **dict.fromkeys(("--num-workers", "--n-workers"), ("--data.workers",)),
    **dict.fromkeys(("--wd", "--weight-decay"), ("--optim.weight-decay",)),
    **dict.fromkeys(("--output", "--out", "--output-dir", "--out-dir", "--save-dir"), ("--results", "--out")),
    **dict.fromkeys(("--result", "--pred-dir"), ("--results",)),
    **dict.fromkeys(("--format", "--target"), ("--to",)),
    "--licence": ("--license",),
}
"""Names that people type -> options with the same meaning and values; the first that a verb has is taken."""

PRECISION = "Choose it with --train.precision bf16-mixed or 16-mixed"
SIZE = "The size that the network sees is -t HEIGHT WIDTH"
START = "Weights to start from are given with -w or --encoder-weights; an interrupted run is resumed with -r"
HINTS: Sequence[tuple[str, Mapping[str, str]]] = (
    ("mixed-precision amp fp16 half bf16", {"--train.precision": PRECISION}),
    (
        "size image-size img-size imgsz input-size resize",
        {
            "--augment.crop-size": f"{SIZE}, that of crops is --augment.crop-size HEIGHT WIDTH",
            "-t": SIZE,
            "--size": "Did you mean --size HEIGHT WIDTH?",
        },
    ),
    (
        "gpu gpus cuda cpu",
        {"--train.device": "Choose with --train.device cuda or cpu", "--device": "Choose with --device cuda or cpu"},
    ),
    (
        "output out output-dir out-dir save-dir project results exp logdir",
        {
            "--runs": "A run is the folder --name NAME in --runs FOLDER",
            "--json": "Figures are written with --json FILE",
        },
    ),
    ("checkpoint ckpt load pretrained", {"--encoder-weights": START, "-w": "Did you mean -w RUN_OR_WEIGHTS?"}),
    (
        "augment.transforms transforms transform",
        {"--config": "A file lists them, augment.transforms: [{rain: {p: 0.1}}]; give it with --config FILE"},
    ),
    ("continue", {"-r": "An interrupted run is resumed with -r RUN"}),
    (
        "image images img input inputs source",
        {"--skip-existing": "Images, videos and folders are given without an option: predict -w RUN photo.jpg"},
    ),
)
"""Names that people type, an option that a verb has, and what to say; where no option has quite the same meaning."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")


def respell(app: App, arguments: Sequence[str]) -> list[str]:
    """Return the arguments of the command line with the options' own names, and pairs of numbers as two numbers.

    Args:
        app: The command line.
        arguments: As they were typed.
    """
    words = list(arguments)
    chain, apps, _ = app.parse_commands(words)
    verb = getattr(apps[-1].default_command, "__module__", "")
    if not verb.startswith("sceneseg.") or not any(word.startswith("-") for word in words):
        return words
    options = apps[-1].assemble_argument_collection(parse_docstring=False)
    known = {name: option for option in options for name in option.names}
    found, rest = words[: len(chain)], words[len(chain) :]
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*found, word, *rest]
        name, equals, value = word.partition("=")
        name = own_name(name, known)
        option = known.get(name)
        if option is None or not _takes_several_numbers(option):
            found.append(name + equals + value)
            continue
        if equals:
            rest.insert(0, value)
        found += [name, *_numbers(rest, option)]
    return found


def own_name(name: str, known: Mapping[str, Argument]) -> str:
    """Return the verb's own name of an option: for --lr, -l; for --crop-size, --augment.crop-size.

    Args:
        name: As it was typed.
        known: The verb's options by their names.
    """
    if not name.startswith("--") or (name in known and not is_mapping(known[name])):
        return name
    plain = name.lower().replace("_", "-")
    for other in SPELLINGS.get(plain, ()):
        if other in known:
            return other
    inside = [other for other in known if other.startswith("--") and other.endswith(f".{plain[2:]}")]
    return inside[0] if name not in known and len(inside) == 1 else name


def hint(name: str, options: ArgumentCollection) -> str | None:
    """Return which option of a verb may be meant by an unknown one; None where nothing is known."""
    known = {other for option in options for other in option.names}
    plain = name.lower().replace("_", "-").removeprefix("--")
    return next(
        (said for names, sayings in HINTS if plain in names.split() for o, said in sayings.items() if o in known), None
    )


def is_mapping(option: Argument) -> bool:
    """Return whether an option is a free mapping, whose parts are options of their own: --loss.dice 1."""
    return any(dict in (hint, get_origin(hint)) for hint in (option.hint, *get_args(option.hint)))


def _takes_several_numbers(option: Argument) -> bool:
    count, everything = option.token_count()
    return (count > 1 or everything) and range_of(option.field_info.annotation) is not None and not is_mapping(option)


def _numbers(rest: list[str], option: Argument) -> list[str]:
    """Remove the option's numbers from the beginning of what was typed after it, and return them one by one."""
    count, everything = option.token_count()
    found: list[str] = []
    while rest and (everything or len(found) < count):
        parts = [part for part in re.split(r"[,x×]", rest[0]) if part]
        if not parts or not all(NUMBER.fullmatch(part) for part in parts):
            break
        found += parts
        del rest[0]
    return found
