"""`verify_resume`: proof, on this machine, that a run that is killed and resumed ends with the same bits."""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from sceneseg.api.progress import OnProgress, Progress, ignore
from sceneseg.arrays import ImageSize
from sceneseg.errors import RunError
from sceneseg.models import models
from sceneseg.records.run_directory import RunDirectory, load_weights
from sceneseg.records.temporaries import temporary_folder
from sceneseg.toy import write_toy_scenes
from sceneseg.user_files import allow, allowed

PROGRAM = (sys.executable, "-m", "sceneseg.cli.app", "train")


@dataclass(frozen=True)
class ResumeProof:
    """Comparison of a run that was killed and resumed with one that wasn't.

    Args:
        model: Registry name of the architecture.
        killed_after: The step that the saved state had reached when the run was killed.
        different: Tensors of the final weights whose bits differ.

    Example:
        >>> import sceneseg
        >>> sceneseg.ResumeProof("fast_scnn", killed_after=9, different=()).identical
        True
    """

    model: str
    killed_after: int
    different: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether every weight has the same bits."""
        return not self.different


def verify_resume(
    model: str = "fast_scnn",
    data: str | None = None,
    root: str | Path | None = None,
    *,
    crop_size: ImageSize = (96, 192),
    batch_size: int = 4,
    steps: int = 12,
    device: str = "auto",
    on_progress: OnProgress = ignore,
) -> ResumeProof:
    """Train a short run; train it again, kill it (SIGKILL) in mid-epoch and resume it; compare the weights bit for bit.

    Each training is a process of its own, and takes some seconds.

    Args:
        model: Model to train.
        data: Data set; toy scenes when absent.
        root: Its folder.
        crop_size: (height, width) of the samples in pixels.
        batch_size: Samples of a step.
        steps: Steps of the run, in two epochs.
        device: auto, cpu or cuda.
        on_progress: Called before each training.

    Raises:
        UnknownNameError: There is no such model.
        RunError: A training failed, or ended before it could be killed.

    Example:
        >>> import sceneseg
        >>> sceneseg.verify_resume("no_such_model")
        Traceback (most recent call last):
            ...
        sceneseg.errors.UnknownNameError: There is no model called "no_such_model"...
    """
    allow(model, data)
    models.resolve(model)
    half = max(2, steps // 2)
    with temporary_folder("sceneseg-resume") as folder:
        if data is None:
            data, root = "cityscapes", folder / "toy"
            write_toy_scenes(folder / "toy", 24, (128, 256), seed=0)
        command = [
            *(*PROGRAM, "-m", model, "-d", data, "-b", str(batch_size), "-e", "2"),
            *([] if root is None else ["-p", str(root)]),
            *("--train.steps-per-epoch", str(half), "--train.checkpoint-minutes", "0"),
            *("--augment.crop-size", *map(str, crop_size), "--train.ema", "0.9", "--train.device", device),
            *("--runs", str(folder)),
        ]
        on_progress(Progress("training without a break"))
        _run([*command, "--name", "unbroken"])
        unbroken, broken = RunDirectory(folder / "unbroken"), RunDirectory(folder / "broken")
        on_progress(Progress("training, to be killed"))
        killed_after = _kill_after([*command, "--name", "broken"], broken, half + max(1, steps // 4))
        on_progress(Progress("resuming"))
        _run([*PROGRAM, "-r", str(broken.path), *(word for name in allowed() for word in ("--allow", name))])
        return ResumeProof(model, killed_after, _differences(unbroken, broken))


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RunError(f"The training failed: {(done.stderr or done.stdout).strip()[-600:]}")


def _kill_after(command: list[str], run: RunDirectory, step: int) -> int:
    """Start a training and kill it once its saved state has reached a step; return the step it was killed after."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        if run.state.is_file():
            reached = int(torch.load(run.state, weights_only=True)["progress"]["step"])
            if reached >= step:
                process.kill()
                if process.wait() == 0:
                    break
                return reached
        time.sleep(0.01)
    raise RunError("The training ended before it could be killed. Give it more steps.", field="steps")


def _differences(one: RunDirectory, other: RunDirectory) -> tuple[str, ...]:
    expected, actual = load_weights(one.last), load_weights(other.last)
    return tuple(k for k, v in expected.items() if v.cpu().numpy().tobytes() != actual[k].cpu().numpy().tobytes())
