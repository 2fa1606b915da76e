"""The options of the command line that stand for keys of the configuration: their names, in a table next to the schema.

`Options` has the fields of `Config`, each with no value as long as nobody types it.
"""

from dataclasses import MISSING, Field, field, fields, is_dataclass, make_dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from cyclopts import Parameter

from sceneseg.config import panels
from sceneseg.config.limits import explain
from sceneseg.config.schema import Config

PARAMETERS = {
    "task": Parameter(alias="--task"),
    "data.name": Parameter(alias="-d"),
    "data.root": Parameter(alias="-p"),
    "data.target_size": Parameter(alias="-t", negative=""),
    "data.coarse": Parameter(alias=("-c", "--coarse"), negative="--no-coarse"),
    "data.label_space": Parameter(alias="--label-space"),
    "augment.crop_size": Parameter(negative=""),
    "augment.scale": Parameter(negative=""),
    "augment.area": Parameter(negative=""),
    "augment.progressive": Parameter(negative="", consume_multiple=True),
    "augment.transforms": Parameter(parse=False),
    "optim.name": Parameter(alias=("--optimizer", "-f")),
    "optim.lr": Parameter(alias=("-l", "--max-lr")),
    "optim.momentum": Parameter(alias="--momentum"),
    "schedule": Parameter(name="--learning-rate-schedule"),  # which nobody types, else it takes --schedule
    "schedule.name": Parameter(name=("--schedule.name", "--schedule")),
    "schedule.power": Parameter(name=("--schedule.power", "--power")),
    "schedule.min_lr": Parameter(name=("--schedule.min-lr", "--min-lr")),
    "schedule.warmup_steps": Parameter(name="--schedule.warmup-steps"),
    "schedule.cycle": Parameter(name=("--schedule.cycle", "--cycle")),
    "schedule.milestones": Parameter(name="--schedule.milestones", negative="", consume_multiple=True),
    "schedule.factor": Parameter(name="--schedule.factor"),
    "schedule.patience": Parameter(name="--schedule.patience"),
    "train.epochs": Parameter(alias=("--epochs", "-e")),
    "train.batch_size": Parameter(alias=("--batch-size", "-b")),
    "train.devices": Parameter(alias="--devices"),
    "train.compile": Parameter(alias="--compile"),
    "train.weights": Parameter(alias=("--weights", "-w")),
    "train.encoder_weights": Parameter(alias="--encoder-weights"),
    "train.freeze": Parameter(alias="--freeze", negative=""),
    "train.log": Parameter(alias="--log", negative=""),
    "seed": Parameter(alias="--seed"),
    "name": Parameter(alias="--name"),
}
"""Key of the configuration -> name of its option in addition to --SECTION.KEY, and what it takes."""

PANELS = {
    "task": panels.MODEL,
    "model": panels.MODEL,
    "data": panels.DATA,
    "data.target_size": panels.TRANSFORMS,
    "data.workers": panels.RUNTIME,
    "data.cache": panels.RUNTIME,
    "augment": panels.TRANSFORMS,
    "loss": panels.OPTIMIZATION,
    "aux_loss": panels.OPTIMIZATION,
    "optim": panels.OPTIMIZATION,
    "schedule": panels.OPTIMIZATION,
    "train": panels.OPTIMIZATION,
    **dict.fromkeys(("train.weights", "train.encoder_weights", "train.freeze"), panels.MODEL),
    **dict.fromkeys(("train.checkpoint_minutes", "train.precision", "train.channels_last"), panels.RUNTIME),
    **dict.fromkeys(("train.device", "train.devices", "train.strategy", "train.micro_batch"), panels.RUNTIME),
    **dict.fromkeys(("train.memory", "train.checkpoint_activations", "train.compile"), panels.RUNTIME),
    "train.log": panels.OUTPUT,
    "seed": panels.RUNTIME,
    "name": panels.OUTPUT,
}
"""Key of the configuration -> the panel of the help page in which its option stands; else that of its section."""

UNTYPED: Any = type("Untyped", (), {"__repr__": lambda self: "not typed"})()
"""Value of an option that nobody typed."""


def option_type(kind: type, prefix: str = "") -> type:
    """Return a dataclass with the fields of a section, whose values are `UNTYPED` unless they are given.

    Args:
        kind: A dataclass of the schema.
        prefix: The section's key with a dot; empty for the whole configuration.
    """
    hints = get_type_hints(kind, include_extras=True)
    made = make_dataclass(
        f"{kind.__name__}Options",
        [(one.name, *_option(kind, one, hints[one.name], f"{prefix}{one.name}")) for one in fields(kind)],
        frozen=True,
    )
    made.__module__ = __name__  # cyclopts takes a class of no module of ours for one of Python's own
    return made


def _option(kind: type, one: "Field[Any]", hint: Any, key: str) -> tuple[Any, Any]:
    """Return the type of an option, with its names, and its default."""
    parameter = PARAMETERS.get(key, Parameter())
    if is_dataclass(hint):
        section = option_type(hint, f"{key}.")  # type: ignore[arg-type]
        return Annotated[section, parameter], field(default_factory=section)
    default = one.default if one.default_factory is MISSING else one.default_factory()
    shown = Parameter(help=explain(kind, (one.name,)), show_default=False if default is None else str(default))
    panel = Parameter(group=PANELS[key] if key in PANELS else PANELS[key.partition(".")[0]])
    return Annotated[hint, parameter, shown, panel], field(default=UNTYPED)


if TYPE_CHECKING:

    class Options:
        """Configuration options typed on the command line; see `sceneseg.config.command_line.typed`."""

else:
    Options = option_type(Config)
