"""The schema of configurations: frozen dataclasses whose fields are the keys of config.yaml."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from sceneseg.ranges import MANY, Count, NotNegative, Positive, Range, Seed, Share, Side, Workers
from sceneseg.user_files import absolute


@dataclass(frozen=True)
class DataConfig:
    """Scenes and the size at which they are used."""

    name: str = "cityscapes"
    """Data set: cityscapes, camvid, ...; image_folder for classification."""
    root: str | None = None
    """Its folder; without it the environment variable <NAME>_DATASET."""
    train_split: str = "train"
    """Split to learn from."""
    val_split: str = "val"
    """Split to validate on."""
    target_size: tuple[Side, Side] | None = None
    """Resize every image to HEIGHT WIDTH before anything else, in training and in prediction alike."""
    coarse: bool | None = None
    """Cityscapes: learn from the coarse labels; short for the option coarse."""
    label_space: str | None = None
    """classes, categories, road (and other), any of them +void, or a YAML file; short for the option label_space."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further arguments of the data set, for example cities."""
    workers: Workers | None = None
    """Processes that read and augment; chosen by the number of cores when absent."""
    cache: bool | None = None
    """Keep decoded scenes in memory; chosen by the free memory when absent."""
    check: bool = True
    """Look at headers and some masks before training, and refuse to start on errors that would spoil it."""
    accept_changes: bool = False
    """Resume a run although its images or masks have changed since; the run notes what changed."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", absolute(self.name))
        if self.label_space and Path(self.label_space).is_file():  # the run may be repeated from another folder
            object.__setattr__(self, "label_space", str(Path(self.label_space).resolve()))
        short = {"coarse": self.coarse, "label_space": self.label_space}
        given = {key: value for key, value in short.items() if value is not None}
        object.__setattr__(self, "options", {**self.options, **given})


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of training scenes, drawn for each sample from (seed, sample number) alone."""

    crop_size: tuple[Side, Side] | None = None
    """HEIGHT WIDTH of training samples; the whole image when absent."""
    scale: Annotated[tuple[float, float], Range(0.01, 100, rising=True)] = (0.5, 2.0)
    """Smallest and largest factor of the size."""
    flip: Share = 0.5
    """Probability of mirroring left and right."""
    area: Annotated[tuple[float, float], Range(above=0, most=1, rising=True)] = (0.08, 1.0)
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
    progressive: Annotated[list[float], Range(above=0, most=4, rising=True)] = field(default_factory=list)
    """Sizes of the samples over the run, in stages of equal length: 0.5 1 begins at half the size."""
    transforms: list[dict[str, Any]] = field(default_factory=list)
    """Further transforms in order, each by its name with its arguments, as in a YAML file: [{rain: {p: 0.1}}]"""


@dataclass(frozen=True)
class OptimConfig:
    """The optimizer; what is absent takes the optimizer's usual value."""

    name: str = "adamw"
    """Optimizer: sgd, sgd_nesterov, adam, adamw, adamax, nadam, rmsprop, adagrad, adadelta, ftrl or muon."""
    lr: Positive | None = None
    """Peak learning rate, the highest that the schedule reaches."""
    weight_decay: NotNegative | None = None
    """Weight decay of convolutions and linear layers; norms and biases have none."""
    momentum: Annotated[float | None, Range(0, below=1)] = None
    """Momentum of sgd, sgd_nesterov, rmsprop and muon."""
    lr_scale: dict[str, NotNegative] = field(default_factory=dict)
    """Factors of the learning rate for parts of the model, --optim.lr-scale.encoder 0.1"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", absolute(self.name))


@dataclass(frozen=True)
class ScheduleConfig:
    """The learning rate over the steps of the run."""

    name: str = "poly"
    """Schedule: poly, cosine, one_cycle, cyclic, step, constant or reduce_on_plateau."""
    power: NotNegative = 0.9
    """Exponent of poly."""
    min_lr: NotNegative = 0.0
    """Learning rate at the end, and the lowest of cyclic and reduce_on_plateau."""
    warmup_steps: Annotated[int, Range(0, MANY)] = 0
    """Steps of linear warm-up from zero."""
    cycle: Annotated[int, Range(2, MANY)] = 2000
    """Steps of one cycle of cyclic, from min_lr to the peak and back."""
    milestones: Annotated[list[float], Range(above=0, below=1, rising=True)] = field(
        default_factory=lambda: [0.5, 0.75]
    )
    """When step lowers the rate, in parts of the run."""
    factor: Annotated[float, Range(above=0, most=1)] = 0.1
    """By what step and reduce_on_plateau multiply the rate."""
    patience: Count = 10
    """Validations without a better score after which reduce_on_plateau lowers the rate."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", absolute(self.name))


@dataclass(frozen=True)
class TrainConfig:
    """Length, batch and precision of the training."""

    epochs: Count = 100
    """Passes over the training split."""
    batch_size: Count = 8
    """Samples of one optimizer step."""
    steps_per_epoch: Count | None = None
    """Steps that count as an epoch; one pass over the split when absent."""
    validate_every: Count = 1
    """Epochs between validations; the last epoch is always validated."""
    validation_steps: Count | None = None
    """Images of a validation, taken at even distances; the whole split when absent. The scores' protocol records it."""
    checkpoint_minutes: NotNegative = 5.0
    """Minutes between saved states within an epoch."""
    precision: Literal["auto", "bf16-mixed", "16-mixed", "32-true"] = "auto"
    """Arithmetic: auto is bf16-mixed where the device has it, else 16-mixed on a GPU and 32-true on a CPU."""
    channels_last: bool = True
    """Store images and weights with the channels last, which convolutions prefer."""
    device: str = "auto"
    """auto, cpu, cuda, ..."""
    devices: Annotated[int, Range(1, 1_024)] = 1
    """How many of them, a process for each; torchrun and SLURM decide it themselves."""
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    """What several processes keep: ddp the whole model in each, fsdp a part of every weight in each; auto is ddp."""
    micro_batch: Count | None = None
    """Samples computed at once in each process; as many as fit into the memory when absent."""
    memory: str | None = None
    """What a process may take, for example 8GB; what is free when absent."""
    checkpoint_activations: bool = False
    """Compute the network's blocks again on the way back, keeping less of them: less memory, a third more time."""
    compile: bool = False
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
    weights: str | None = None
    """Start from a run or weights file of the same model; rows of its heads are matched by class name."""
    encoder_weights: str | None = None
    """Start the encoder (all but the heads, where there is none) from a run or weights file, as of a classifier."""
    freeze: list[str] = field(default_factory=list)
    """Parts that stay as they are, weights and BatchNorm statistics, for example encoder."""
    ema: Annotated[float, Range(0, below=1)] = 0.0
    """Decay of the moving average of the weights that is validated and saved; 0 is off."""
    log: list[str] = field(default_factory=list)
    """Further trackers: wandb, mlflow; offline unless WANDB_MODE or MLFLOW_TRACKING_URI say otherwise."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "log", [absolute(name) for names in self.log for name in names.split(",") if name])

    def steps_in_epoch(self, scenes: int) -> int:
        """Return the steps of an epoch over so many scenes."""
        return self.steps_per_epoch or max(1, round(scenes / self.batch_size))


@dataclass(frozen=True)
class Config:
    """Everything that decides a run; `config.yaml` in the run directory holds it resolved."""

    task: str = "semantic"
    """What is learned: semantic (segmentation), or classification (of whole images)."""
    model: dict[str, Any] = field(default_factory=lambda: {"name": "fast_scnn"})
    """Model name and arguments, --model.name fast_scnn --model.width 0.5"""
    data: DataConfig = field(default_factory=DataConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: dict[str, Any] = field(default_factory=lambda: {"cross_entropy": 1.0})
    """Losses with their weights, or with arguments: --loss.cross_entropy 1 --loss.cross_entropy.label-smoothing 0.1"""
    aux_loss: dict[str, Any] = field(default_factory=dict)
    """Losses of the auxiliary heads, where they are to be others: --aux-loss.cross_entropy 1"""
    optim: OptimConfig = field(default_factory=OptimConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    seed: Seed = 0
    """Seed of the initial weights, the sample order and every augmentation."""
    name: str | None = None
    """Name of the run; <data>-<model> when absent."""

    def __post_init__(self) -> None:
        """Write the paths of Python files in full: the run may be resumed, or its weights loaded, in another folder."""
        object.__setattr__(self, "task", absolute(self.task))
        if "name" in self.model:
            object.__setattr__(self, "model", {**self.model, "name": absolute(self.model["name"])})
        for key in ("loss", "aux_loss"):
            losses = {absolute(name): value for name, value in getattr(self, key).items()}
            object.__setattr__(self, key, losses)

    @property
    def model_name(self) -> str:
        """The model's name without its arguments."""
        return str(self.model["name"])

    @property
    def model_arguments(self) -> dict[str, Any]:
        """The model's arguments without its name."""
        return {k: v for k, v in self.model.items() if k != "name"}
