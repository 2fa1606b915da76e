"""Training steps and what comes of them: ours against a plain PyTorch loop with the same network, data and settings.

Writes results/training.json. Each loop has a process of its own; they take turns in blocks of steps, with the same
batch, threads and loader, no augmentation, decoded scenes in memory. Figures are medians over all steps.

- plain PyTorch: full-size logits, F.cross_entropy, AdamW, the loader; see _plain_loop.py.
- sceneseg: `sceneseg train`, whose loss takes the coarse logits.
- float32: channels first. recommended: what `sceneseg train` does by itself: bfloat16 where the processor computes it,
  channels last; the plain loop with these settings is measured as well.
- fast_scnn is our module in both loops. smp_unet is segmentation_models_pytorch's U-Net with ResNet-18 in both; its
  logits are full-size by themselves, so our loss has nothing to save there.

The losses of the first steps tell whether both loops learn the same: the first is equal but for rounding, which Adam
then makes larger. The scores are those of toy scenes after whole trainings from several seeds; each seed is one pair.

Needs: pip install segmentation-models-pytorch

Run: python benchmarks/training.py; on a GPU: python benchmarks/training.py --device cuda
    --network fast_scnn --network deeplab_v3_plus --network segformer --size 512 1024 --size 1024 2048
"""

import contextlib
import io
import multiprocessing
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Protocol

import cyclopts
import torch
from _measure import milliseconds, write
from _peers import need_peers
from _plain_loop import PlainLoop
from _smp import SMP, SmpSemantic
from rich.progress import Progress

from sceneseg.bench.memory import resident
from sceneseg.config.conversion import from_dict
from sceneseg.config.layering import layer
from sceneseg.config.schema import Config
from sceneseg.devices import resolve_precision
from sceneseg.evaluation.counting import count_scenes
from sceneseg.loading.scene_samples import default_workers
from sceneseg.metrics.scores import semantic_scores
from sceneseg.records.run_directory import RunDirectory
from sceneseg.tasks.semantic import Semantic
from sceneseg.toy import write_toy_scenes
from sceneseg.training.builder import build_setup, build_trainer
from sceneseg.training.processes import launch
from sceneseg.training.trainer import Trainer

SCENES = 160
BLOCK = 5  # steps
WARMUP = 3
SETTINGS = {
    "float32": {"precision": "32-true", "channels_last": False},
    "recommended": {"precision": "auto", "channels_last": True},
}


@dataclass(frozen=True)
class Contender:
    """A loop, a network and settings.

    Args:
        loop: "plain PyTorch" or "sceneseg".
        settings: One of `SETTINGS`.
        network: A model of ours, or `SMP`.
    """

    loop: str
    settings: str
    network: str

    @property
    def name(self) -> str:
        """How it is called in the results."""
        return f"{self.loop}, {self.settings}"


CONTENDERS = [(loop, settings) for settings in SETTINGS for loop in ("plain PyTorch", "sceneseg")]


def main(
    *,
    network: list[str] | None = None,
    size: list[tuple[int, int]] | None = None,
    batch: int = 8,
    blocks: int = 6,
    seeds: int = 3,
    steps: int = 250,
    device: str = "cpu",
    quick: bool = False,
    json: Path | None = None,
) -> None:
    """Measure training.

    Args:
        network: Models of ours, and smp_unet; fast_scnn and smp_unet when absent.
        size: HEIGHT WIDTH of the scenes, several times if wanted; 192 384 when absent.
        batch: Scenes of a step; a quarter of them for smp_unet, which computes as much.
        blocks: Timed blocks of 5 steps of each loop.
        seeds: Whole trainings of fast_scnn, plain in float32, ours in float32 and as recommended; 0 for none.
        steps: Steps of a whole training.
        device: cpu or cuda.
        quick: A trial: two blocks, one seed, ten steps; printed, and written only where --json says.
        json: File to write, instead of results/training.json.
    """
    blocks, seeds, steps = (2, 1, 15) if quick else (blocks, seeds, max(steps, WARMUP + blocks * BLOCK))
    networks, sizes = network or ["fast_scnn", SMP], size or [(192, 384)]
    if SMP in networks:
        need_peers("segmentation_models_pytorch", "torchvision")
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory() as folder:
        job = {"batch": batch, "steps": steps, "device": device, "threads": threads}
        roots = [Path(folder) / f"{height}x{width}" for height, width in sizes]
        for root, one in zip(roots, sizes, strict=True):
            write_toy_scenes(root, 16 if quick else SCENES, one)
        results = {
            "steps": [
                {"size": list(one), **row}
                for root, one in zip(roots, sizes, strict=True)
                for name in networks
                for row in time_steps(name, {"root": str(root), **job}, blocks)
            ],
            "scores": compare_scores(networks[0], {"root": str(roots[0]), **job}, seeds) if seeds else None,
        }
    settings = {**job, "sizes": sizes, "blocks": blocks, "seeds": seeds, "workers": default_workers()}
    settings["precision"] = resolve_precision("auto", device)
    write(
        "training" if device == "cpu" else f"training-{device}",
        settings,
        results,
        json,
        quick,
        ("segmentation-models-pytorch",),
    )


def time_steps(network: str, job: dict[str, Any], blocks: int) -> list[dict[str, Any]]:
    """Let the four loops take turns, block by block."""
    batch = max(1, job["batch"] // 4) if network == SMP else job["batch"]
    contenders = [Contender(loop, settings, network) for loop, settings in CONTENDERS]
    with contextlib.ExitStack() as stack, Progress(transient=True) as progress:
        task = progress.add_task(f"training steps, {network}", total=len(contenders) * (1 + blocks))
        workers, first = [], []
        for contender in contenders:
            workers.append(stack.enter_context(Worker(contender, {**job, "batch": batch, "seed": 0})))
            first.append(workers[-1].ask(1)["mean_loss"])
            workers[-1].ask(WARMUP - 1)
            progress.advance(task)
        answers: list[list[dict[str, Any]]] = [[] for _ in contenders]
        for turn in range(blocks):
            for i in range(len(workers)):
                number = (turn + i) % len(workers)  # nobody always follows the same neighbor
                answers[number].append(workers[number].ask(BLOCK))
                progress.advance(task)
    rows = []
    for contender, first_loss, found in zip(contenders, first, answers, strict=True):
        seconds = [s for answer in found for s in answer["seconds"]]
        rows.append(
            {
                **asdict(contender),
                "batch": batch,
                "step_ms": milliseconds(seconds),
                "images_per_second": round(batch * len(seconds) / sum(seconds), 2),
                "data_wait": round(found[-1]["waited"] / found[-1]["total"], 4),
                "peak_mib": found[-1]["peak_mib"],
                "first_loss": round(first_loss, 7),
                "mean_loss": [round(answer["mean_loss"], 5) for answer in found],
            }
        )
    for row in rows:
        plain = next(r for r in rows if (r["loop"], r["settings"]) == ("plain PyTorch", row["settings"]))
        row["speedup"] = round(rows[0]["step_ms"] / row["step_ms"], 3)
        row["speedup_at_same_settings"] = round(plain["step_ms"] / row["step_ms"], 3)
    return rows


def compare_scores(network: str, job: dict[str, Any], seeds: int) -> dict[str, Any]:
    """Train to the end from several seeds: plain float32, ours in float32, and ours as recommended."""
    contenders = [Contender(CONTENDERS[i][0], CONTENDERS[i][1], network) for i in (0, 1, -1)]
    found: dict[str, list[dict[str, float]]] = {contender.name: [] for contender in contenders}
    with Progress(transient=True) as progress:
        task = progress.add_task("whole trainings", total=seeds * len(contenders))
        for seed in range(seeds):
            for contender in contenders:
                with Worker(contender, {**job, "seed": seed}) as worker:
                    found[contender.name].append(worker.ask(None))
                progress.advance(task)
    plain = found[contenders[0].name]
    return {"loops": {name: in_pairs(runs, plain) for name, runs in found.items()}}


def in_pairs(runs: list[dict[str, float]], plain: list[dict[str, float]]) -> dict[str, Any]:
    """Return the scores of a loop, and by how much they differ from those of the plain one with the same seeds."""
    scores = [run["mean_iou"] for run in runs]
    gaps = [run["mean_iou"] - other["mean_iou"] for run, other in zip(runs, plain, strict=True)]
    several = len(runs) > 1
    return {
        "mean_iou": [round(score, 4) for score in scores],
        "mean": round(fmean(scores), 4),
        "spread": round(stdev(scores), 4) if several else None,
        "difference": round(fmean(gaps), 4),
        "standard_error": round(stdev(gaps) / len(gaps) ** 0.5, 4) if several else None,
        "seconds": [round(run["seconds"], 1) for run in runs],
    }


class Worker:
    """A process with one loop; a context that ends it.

    Args:
        contender: What it runs.
        job: With which data and numbers.
    """

    def __init__(self, contender: Contender, job: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, contender, job), daemon=not default_workers())
        self.process.start()
        theirs.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join()

    def ask(self, steps: int | None) -> dict[str, Any]:
        """Let it do that many steps, or the whole training, and return what it says."""
        self.pipe.send(steps)
        try:
            return self.pipe.recv()
        except EOFError:
            raise SystemExit("A training process ended; its error is above.") from None


def work(pipe: Connection, contender: Contender, job: dict[str, Any]) -> None:
    """Run a loop as far as the other end of the pipe asks."""
    torch.set_num_threads(job["threads"])
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        config = configure(contender, job)
        loop: Loop = (Plain if contender.loop == "plain PyTorch" else Ours)(contender.network, config, Path(folder))
        with contextlib.suppress(EOFError):
            if (asked := pipe.recv()) is None:
                pipe.send(loop.train())
            loop.read_all()
            steps, total = loop.steps(), 0.0
            while asked:
                seconds = [next(steps) for _ in range(asked)]
                total += sum(seconds)
                facts = {"mean_loss": loop.mean_loss, "waited": loop.waited, "peak_mib": peak(config.train.device)}
                pipe.send({"seconds": seconds, "total": total, **facts})
                asked = pipe.recv()


def configure(contender: Contender, job: dict[str, Any]) -> Config:
    """Return the configuration that both loops keep to."""
    still = {"scale": [1.0, 1.0], "flip": 0.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    model = {"name": "fast_scnn", "aux": False, "dropout": 0.0}
    plain = {
        "model": model if contender.network in {"fast_scnn", SMP} else {"name": contender.network},
        "data": {"name": "cityscapes", "root": job["root"], "cache": True, "workers": default_workers()},
        "augment": still,
        "optim": {"name": "adamw", "lr": 0.006, "weight_decay": 0.01},
        "schedule": {"name": "poly", "warmup_steps": 20},
        "train": {"epochs": 1, "steps_per_epoch": job["steps"], "batch_size": job["batch"], "device": job["device"]},
        "seed": job["seed"],
    }
    config = from_dict(layer(plain, {"train": SETTINGS[contender.settings]}))
    precision = resolve_precision(config.train.precision, job["device"])
    return replace(config, train=replace(config.train, precision=precision))


class Loop(Protocol):
    """What a worker needs of a loop."""

    mean_loss: float
    waited: float

    def read_all(self) -> None:
        """Decode all scenes, so that no step waits for that."""
        ...

    def steps(self) -> Iterator[float]:
        """Train step by step; yield the seconds of each."""
        ...

    def train(self) -> dict[str, float]:
        """Train to the end; return the score and the seconds."""
        ...


class Plain:
    """The plain loop; its network is scored by our code."""

    def __init__(self, network: str, config: Config, folder: Path) -> None:
        self.task = task_of(network, config)
        self.model = self.task.create_model(config.train.precision)
        self.loop = PlainLoop(self.model.network, self.task.train, config, default_workers())

    @property
    def mean_loss(self) -> float:
        """Mean over the steps so far."""
        return self.loop.mean_loss

    @property
    def waited(self) -> float:
        """Seconds of waiting for data so far."""
        return self.loop.waited

    def read_all(self) -> None:
        """Decode all scenes."""
        pairs = self.loop.loader.dataset
        for i in range(len(pairs)):
            _ = pairs[i]

    def steps(self) -> Iterator[float]:
        """Train step by step."""
        return self.loop.run()

    def train(self) -> dict[str, float]:
        """Train to the end."""
        seconds = sum(self.loop.run())
        val = self.task.val
        scenes = (val.read(i) for i in range(len(val)))
        scores = semantic_scores(count_scenes(self.model, scenes, val.label_space))
        return {"mean_iou": scores.means["mean_iou"] or 0.0, "seconds": seconds}


class Ours:
    """`sceneseg train`."""

    def __init__(self, network: str, config: Config, folder: Path) -> None:
        self.run = RunDirectory(folder)
        self.setup = build_setup(config, task_of(network, config), launch(config), print)

    @property
    def mean_loss(self) -> float:
        """Mean over the steps so far."""
        return self.setup.state.mean_loss

    @property
    def waited(self) -> float:
        """Seconds of waiting for data so far."""
        return self.setup.state.epoch_waited

    def read_all(self) -> None:
        """Decode all scenes."""
        samples = self.setup.samples
        for number in range(len(samples.dataset)):  # an epoch has each of them once
            _ = samples[number]

    def steps(self) -> Iterator[float]:
        """Train step by step."""
        return Trainer(self.setup, self.run, [], print).timed_steps()

    def train(self) -> dict[str, float]:
        """Train to the end."""
        build_trainer(self.setup, self.run).fit()
        return {"mean_iou": self.setup.state.best, "seconds": self.setup.state.seconds}


def task_of(network: str, config: Config) -> Semantic:
    return SmpSemantic(config) if network == SMP else Semantic(config)


def peak(device: str) -> float | None:
    """Return the peak memory of this process, or of the GPU, in MiB."""
    found = torch.cuda.max_memory_allocated() / 2**20 if device == "cuda" else resident("VmHWM")
    return found and round(found, 1)


if __name__ == "__main__":
    cyclopts.run(main)
