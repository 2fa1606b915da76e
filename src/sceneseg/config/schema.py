"""The configuration of a run: plain dataclasses, read from YAML and from the command line, written back resolved."""

import dataclasses
import types
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml
from cyclopts import Parameter

from sceneseg.config import limits, panels, recipes
from sceneseg.config.reading import parse_yaml
from sceneseg.errors import ConfigError, did_you_mean
from sceneseg.ranges import MANY, Count, NotNegative, Positive, Range, Seed, Share, Side, Workers
from sceneseg.user_files import absolute

T = TypeVar("T")

TASK_DEFAULTS: dict[str, dict[str, Any]] = {
    "semantic": {"model": {"name": "fast_scnn"}},
    "classification": {"model": {"name": "classifier"}, "data": {"name": "image_folder"}},
}
"""Task -> what it takes where nothing else is asked for."""


@Parameter(group=panels.DATA)
@dataclass
class DataConfig:
    """Which scenes, and at which size."""

    name: Annotated[str, Parameter(alias="-d")] = "cityscapes"
    """Data set: cityscapes, camvid, ...; image_folder for classification."""
    root: Annotated[str | None, Parameter(alias="-p")] = None
    """Its folder; without it the environment variable <NAME>_DATASET."""
    train_split: str = "train"
    """Split to learn from."""
    val_split: str = "val"
    """Split to validate on."""
    target_size: Annotated[tuple[Side, Side] | None, Parameter(group=panels.TRANSFORMS, alias="-t", negative="")] = None
    """Resize every image to HEIGHT WIDTH before anything else, in training and in prediction alike."""
    coarse: Annotated[bool | None, Parameter(alias=("-c", "--coarse"), negative="--no-coarse")] = None
    """Cityscapes: learn from the coarse labels; short for the option coarse."""
    label_space: Annotated[str | None, Parameter(alias="--label-space")] = None
    """classes, categories, road (and other), any of them +void, or a YAML file; short for the option label_space."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the data set, for example cities."""
    workers: Annotated[Workers | None, Parameter(group=panels.RUNTIME)] = None
    """Processes that read and augment; chosen by the number of cores when absent."""
    cache: Annotated[bool | None, Parameter(group=panels.RUNTIME)] = None
    """Keep decoded scenes in memory; chosen by the free memory when absent."""
    check: bool = True
    """Look at headers and some masks before training, and refuse to start on errors that would spoil it."""
    accept_changes: bool = False
    """Resume a run although its images or masks have changed since; the run notes what changed."""

    def __post_init__(self) -> None:
        if self.label_space and Path(self.label_space).is_file():
            self.label_space = str(Path(self.label_space).resolve())  # the run may be repeated from another folder
        short = {"coarse": self.coarse, "label_space": self.label_space}
        self.options = {**self.options, **{key: value for key, value in short.items() if value is not None}}


@Parameter(group=panels.TRANSFORMS)
@dataclass
class AugmentConfig:
    """Random changes of training scenes, drawn for each sample from (seed, sample number) alone."""

    crop_size: Annotated[tuple[Side, Side] | None, Parameter(negative="")] = None
    """HEIGHT WIDTH of training samples; the whole image when absent."""
    scale: Annotated[tuple[float, float], Range(0.01, 100, rising=True), Parameter(negative="")] = (0.5, 2.0)
    """Smallest and largest factor of the size."""
    flip: Share = 0.5
    """Probability of mirroring left and right."""
    area: Annotated[tuple[float, float], Range(above=0, most=1, rising=True), Parameter(negative="")] = (0.08, 1.0)
    """Classification, in place of scale: smallest and largest part of the image that a sample shows."""
    brightness: Share = 0.25
    """Factor drawn from 1 ± this."""
    contrast: Share = 0.25
    """Factor drawn from 1 ± this."""
    saturation: Share = 0.25
    """Factor drawn from 1 ± this."""
    hue: Annotated[float, Range(0, 0.5)] = 0.03
    """Shift drawn from ± this part of the color circle."""
    weather: dict[str, Share] = field(default_factory=dict)
    """Probability of rain, snow, fog, shadow, light_beam, darkness, or any: --augment.weather.fog 0.1"""
    weather_strength: Share = 0.7
    """Strongest weather, from 0 to 1."""
    class_uniform: Share = 0.0
    """Part of the samples that must show a class drawn first, each class as likely; for rare classes."""
    progressive: Annotated[
        list[float], Range(above=0, most=4, rising=True), Parameter(negative="", consume_multiple=True)
    ] = field(default_factory=list)
    """Sizes of the samples over the run, in stages of equal length: 0.5 1 begins at half the size."""
    transforms: Annotated[list[dict[str, Any]], Parameter(parse=False)] = field(default_factory=list)
    """Further transforms in order, each by its name with its arguments, as a YAML file says: [{rain: {p: 0.1}}]"""


@Parameter(group=panels.OPTIMIZATION)
@dataclass
class OptimConfig:
    """The optimizer; what is absent takes the optimizer's usual value."""

    name: Annotated[str, Parameter(alias=("--optimizer", "-f"))] = "adamw"
    """Optimizer: sgd, sgd_nesterov, adam, adamw, adamax, nadam, rmsprop, adagrad, adadelta, ftrl or muon."""
    lr: Annotated[Positive | None, Parameter(alias=("-l", "--max-lr"))] = None
    """Peak learning rate, the highest that the schedule reaches."""
    weight_decay: NotNegative | None = None
    """Weight decay of convolutions and linear layers; norms and biases have none."""
    momentum: Annotated[float | None, Range(0, below=1), Parameter(alias="--momentum")] = None
    """Momentum of sgd, sgd_nesterov, rmsprop and muon."""
    lr_scale: dict[str, NotNegative] = field(default_factory=dict)
    """Factors of the learning rate for parts of the model, --optim.lr-scale.encoder 0.1"""


# the name of the mapping, which nobody types, else it takes --schedule
@Parameter(name="--learning-rate-schedule", group=panels.OPTIMIZATION)
@dataclass
class ScheduleConfig:
    """The learning rate over the steps of the run."""

    name: Annotated[str, Parameter(name=("--schedule.name", "--schedule"))] = "poly"
    """Schedule: poly, cosine, one_cycle, cyclic, step, constant or reduce_on_plateau."""
    power: Annotated[NotNegative, Parameter(name=("--schedule.power", "--power"))] = 0.9
    """Exponent of poly."""
    min_lr: Annotated[NotNegative, Parameter(name=("--schedule.min-lr", "--min-lr"))] = 0.0
    """Learning rate at the end, and the lowest of cyclic and reduce_on_plateau."""
    warmup_steps: Annotated[int, Range(0, MANY), Parameter(name="--schedule.warmup-steps")] = 0
    """Steps of linear warm-up from zero."""
    cycle: Annotated[int, Range(2, MANY), Parameter(name=("--schedule.cycle", "--cycle"))] = 2000
    """Steps of one cycle of cyclic, from min_lr to the peak and back."""
    milestones: Annotated[
        list[float],
        Range(above=0, below=1, rising=True),
        Parameter(name="--schedule.milestones", negative="", consume_multiple=True),
    ] = field(default_factory=lambda: [0.5, 0.75])
    """When step lowers the rate, in parts of the run."""
    factor: Annotated[float, Range(above=0, most=1), Parameter(name="--schedule.factor")] = 0.1
    """By what step and reduce_on_plateau multiply the rate."""
    patience: Annotated[Count, Parameter(name="--schedule.patience")] = 10
    """Validations without a better score after which reduce_on_plateau lowers the rate."""


@Parameter(group=panels.OPTIMIZATION)
@dataclass
class TrainConfig:
    """How long, how large, how precise."""

    epochs: Annotated[Count, Parameter(alias=("--epochs", "-e"))] = 100
    """Passes over the training split."""
    batch_size: Annotated[Count, Parameter(alias=("--batch-size", "-b"))] = 8
    """Samples of one optimizer step."""
    steps_per_epoch: Count | None = None
    """Steps that count as an epoch; one pass over the split when absent."""
    validate_every: Count = 1
    """Epochs between validations; the last epoch is always validated."""
    validation_steps: Count | None = None
    """Images of a validation, taken at even distances; the whole split when absent. The scores' protocol says so."""
    checkpoint_minutes: Annotated[NotNegative, Parameter(group=panels.RUNTIME)] = 5.0
    """Minutes between saved states within an epoch."""
    precision: Annotated[Literal["auto", "bf16-mixed", "16-mixed", "32-true"], Parameter(group=panels.RUNTIME)] = "auto"
    """Arithmetic: auto is bf16-mixed where the device has it, else 16-mixed on a GPU and 32-true on a CPU."""
    channels_last: Annotated[bool, Parameter(group=panels.RUNTIME)] = True
    """Store images and weights with the channels last, which convolutions prefer."""
    device: Annotated[str, Parameter(group=panels.RUNTIME)] = "auto"
    """auto, cpu, cuda, ..."""
    devices: Annotated[int, Range(1, 1_024), Parameter(group=panels.RUNTIME, alias="--devices")] = 1
    """How many of them, a process for each; torchrun and SLURM decide it themselves."""
    strategy: Annotated[Literal["auto", "ddp", "fsdp"], Parameter(group=panels.RUNTIME)] = "auto"
    """What several processes keep: ddp the whole model in each, fsdp a part of every weight in each; auto is ddp."""
    micro_batch: Annotated[Count | None, Parameter(group=panels.RUNTIME)] = None
    """Samples computed at once in each process; as many as fit into the memory when absent."""
    memory: Annotated[str | None, Parameter(group=panels.RUNTIME)] = None
    """What a process may take, for example 8GB; what is free when absent."""
    checkpoint_activations: Annotated[bool, Parameter(group=panels.RUNTIME)] = False
    """Compute the network's blocks again on the way back, keeping less of them: less memory, a third more time."""
    compile: Annotated[bool, Parameter(group=panels.RUNTIME, alias="--compile")] = False
    """Let PyTorch compile what the network does in training: for GPUs; the first step takes a minute or so."""
    clip_grad: Positive | None = None
    """Largest norm of the gradient; longer ones are shortened to it."""
    best: str | None = None
    """Score that decides which weights are the best; mean_iou, or top1 for classification, when absent."""
    patience: Count | None = None
    """Stop after this many validations without a better score."""
    freeze_norm: bool = False
    """Keep the statistics of every BatchNorm, so that parts of a batch don't matter; to start from trained weights."""
    aux_weight: NotNegative = 0.4
    """Weight of each auxiliary head's loss."""
    class_weights: str | None = None
    """Weights of the classes in the loss: median, enet or inverse (from their pixels), or none."""
    weights: Annotated[str | None, Parameter(group=panels.MODEL, alias=("--weights", "-w"))] = None
    """Start from a run or weights file of the same model; rows of its heads are matched by class name."""
    encoder_weights: Annotated[str | None, Parameter(group=panels.MODEL, alias="--encoder-weights")] = None
    """Start the encoder (all but the heads, where there is none) from a run or weights file, as of a classifier."""
    freeze: Annotated[list[str], Parameter(group=panels.MODEL, alias="--freeze", negative="")] = field(
        default_factory=list
    )
    """Parts that stay as they are, weights and BatchNorm statistics, for example encoder."""
    ema: Annotated[float, Range(0, below=1)] = 0.0
    """Decay of the moving average of the weights that is validated and saved; 0 is off."""
    log: Annotated[list[str], Parameter(group=panels.OUTPUT, alias="--log", negative="")] = field(default_factory=list)
    """Further trackers: wandb, mlflow; offline unless WANDB_MODE or MLFLOW_TRACKING_URI say otherwise."""

    def __post_init__(self) -> None:
        self.log = [name for names in self.log for name in names.split(",") if name]

    def steps_in_epoch(self, scenes: int) -> int:
        """Return the steps of an epoch over so many scenes."""
        return self.steps_per_epoch or max(1, round(scenes / self.batch_size))


@dataclass
class Config:
    """Everything that decides a run; `config.yaml` in the run directory holds it resolved."""

    task: Annotated[str, Parameter(group=panels.MODEL, alias="--task")] = "semantic"
    """What is learned: semantic (segmentation), or classification (of whole images)."""
    model: Annotated[dict[str, Any], Parameter(group=panels.MODEL)] = field(
        default_factory=lambda: {"name": "fast_scnn"}
    )
    """Model name and arguments, --model.name fast_scnn --model.width 0.5"""
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: Annotated[dict[str, Any], Parameter(group=panels.OPTIMIZATION)] = field(
        default_factory=lambda: {"cross_entropy": 1.0}
    )
    """Losses with their weights, or with arguments: --loss.cross_entropy 1 --loss.cross_entropy.label-smoothing 0.1"""
    aux_loss: Annotated[dict[str, Any], Parameter(group=panels.OPTIMIZATION)] = field(default_factory=dict)
    """Losses of the auxiliary heads, where they are to be others: --aux-loss.cross_entropy 1"""
    optim: OptimConfig = field(default_factory=OptimConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    seed: Annotated[Seed, Parameter(group=panels.RUNTIME, alias="--seed")] = 0
    """Seed of the initial weights, the sample order and every augmentation."""
    name: Annotated[str | None, Parameter(group=panels.OUTPUT, alias="--name")] = None
    """Name of the run; <data>-<model> when absent."""

    def __post_init__(self) -> None:
        """Write the paths of Python files in full: the run may be resumed, or its weights loaded, in another folder."""
        self.task = absolute(self.task)
        if "name" in self.model:
            self.model = {**self.model, "name": absolute(self.model["name"])}
        self.loss = {absolute(name): value for name, value in self.loss.items()}
        self.aux_loss = {absolute(name): value for name, value in self.aux_loss.items()}
        self.train.log = [absolute(name) for name in self.train.log]
        for section in (self.data, self.optim, self.schedule):
            section.name = absolute(section.name)

    @property
    def model_name(self) -> str:
        """The model's name without its arguments."""
        return str(self.model["name"])

    @property
    def model_arguments(self) -> dict[str, Any]:
        """The model's arguments without its name."""
        return {k: v for k, v in self.model.items() if k != "name"}


def load(path: Path, ranges: bool = True) -> Config:
    """Read a configuration file.

    Args:
        path: The file, or the name of a recipe, see `sceneseg.config.recipes`.
        ranges: Whether numbers out of their ranges are refused; runs of earlier versions may have some.

    Raises:
        ConfigError: The file is missing, isn't YAML, or has a key or value that doesn't fit.
    """
    return from_dict(read_yaml(recipes.find(path)), str(path), ranges)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a mapping."""
    try:
        data = parse_yaml(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such configuration file.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not readable as YAML: expected UTF-8 text ({error}). Save it as UTF-8.") from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping of keys to values, found {type(data).__name__}.")
    return data


def dump(config: Config) -> str:
    """Write a configuration as YAML, every value resolved."""
    return yaml.safe_dump(to_dict(config), sort_keys=False, default_flow_style=None, width=100)


def to_dict(config: Config) -> dict[str, Any]:
    """Return plain data (tuples become lists)."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return [plain(v) for v in value] if isinstance(value, tuple | list) else value

    return {k: plain(v) for k, v in dataclasses.asdict(config).items()}


def from_dict(data: dict[str, Any], where: str = "the configuration", ranges: bool = True) -> Config:
    """Build a configuration from nested plain data; absent keys take their defaults.

    Args:
        data: Nested mappings.
        where: What they were read from, for messages.
        ranges: Whether numbers out of their ranges are refused.

    Raises:
        ConfigError: An unknown key (with the closest known one), a value of the wrong type, or a number out of its
            range.
    """
    defaults = TASK_DEFAULTS.get(str(data.get("task")), TASK_DEFAULTS["semantic"])
    config = _build(Config, merge(defaults, data), where, "")
    if ranges:
        limits.check(config, where)
    return config


def flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested plain data as one mapping with dotted keys."""
    found: dict[str, Any] = {}
    for name, value in data.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Return `base` with the values of `override`, mapping by mapping."""
    merged = dict(base)
    for key, value in override.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


def _build(cls: type[T], data: Any, where: str, prefix: str) -> T:
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: {prefix or 'the file'} must be a mapping, found {data!r}.")
    hints = get_type_hints(cls)
    for key in data:
        if key not in hints:
            hint = did_you_mean(str(key), hints)
            raise ConfigError(f'{where}: unknown key "{prefix}{key}".{hint} Known: {", ".join(hints)}.')
    values = {k: _value(hints[k], v, where, prefix + k) for k, v in data.items()}
    return cls(**values)


def _value(kind: Any, value: Any, where: str, key: str) -> Any:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _build(kind, value, where, key + ".")
    choices = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    for choice in choices:
        ok, converted = _convert(choice, value)
        if ok:
            return converted
    expected = " or ".join(_words(c) for c in choices)
    raise ConfigError(f"{where}: {key} must be {expected}, found {value!r}.")


def _convert(kind: Any, value: Any) -> tuple[bool, Any]:
    if kind is types.NoneType:
        return value is None, None
    if kind is float and isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            return True, float(value)  # also "1e-3", which YAML reads as a word
        except (ValueError, OverflowError):
            return False, None
    if get_origin(kind) is Literal:
        return value in get_args(kind), value
    if get_origin(kind) is tuple:
        parts = get_args(kind)
        if not isinstance(value, list | tuple) or len(value) != len(parts):
            return False, None
        pairs = [_convert(p, v) for p, v in zip(parts, value, strict=True)]
        return all(ok for ok, _ in pairs), tuple(v for _, v in pairs)
    if get_origin(kind) is list and isinstance(value, list | tuple):
        pairs = [_convert(get_args(kind)[0], v) for v in value]
        return all(ok for ok, _ in pairs), [v for _, v in pairs]
    if get_origin(kind) is dict and isinstance(value, dict):
        pairs = [_convert(get_args(kind)[1], v) for v in value.values()]
        named = all(isinstance(key, str) for key in value)
        return named and all(ok for ok, _ in pairs), dict(zip(value, (v for _, v in pairs), strict=True))
    if kind is Any:
        return True, value
    plain = get_origin(kind) or kind
    return isinstance(value, plain) and not (plain is int and isinstance(value, bool)), value


def _words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(str(a) for a in get_args(kind))
    if get_origin(kind) is tuple:
        return "a list of " + ", ".join(_words(a) for a in get_args(kind))
    if get_origin(kind) is list:
        return f"a list, each {_words(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        of = get_args(kind)[1]
        return "a mapping of names to values" if of is Any else f"a mapping, each value {_words(of)}"
    names = {types.NoneType: "null", int: "a whole number", float: "a number", str: "a word", bool: "true or false"}
    return names.get(kind, "a mapping")
