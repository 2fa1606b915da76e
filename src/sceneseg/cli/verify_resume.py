"""`sceneseg verify-resume`: proof, on this machine, that a run that is killed and resumed ends with the same bits."""

import subprocess
import sys
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.ranges import Count, Side

if TYPE_CHECKING:
    from sceneseg.records.run_directory import RunDirectory


def verify_resume(
    *,
    model: Annotated[str, Parameter(alias="-m")] = "fast_scnn",
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    crop_size: Annotated[tuple[Side, Side], Parameter(negative="")] = (96, 192),
    batch_size: Annotated[Count, Parameter(alias="-b")] = 4,
    steps: Count = 12,
    device: str = "auto",
) -> None:
    """Train a short run; train it again, kill it (SIGKILL) in mid-epoch and resume it; compare the weights bit for bit.

    Exit code 1 if they differ.

    Example: sceneseg verify-resume -m bisenet_v2

    Args:
        model: Model to train.
        data: Data set; toy scenes when absent.
        root: Its folder.
        crop_size: HEIGHT WIDTH of the samples.
        batch_size: Samples of a step.
        steps: Steps of the run, in two epochs.
        device: auto, cpu or cuda.
    """
    from sceneseg.records.run_directory import RunDirectory
    from sceneseg.records.temporaries import temporary_folder
    from sceneseg.toy import write_toy_scenes
    from sceneseg.user_files import allowed

    console = terminal()
    with temporary_folder("sceneseg-resume") as folder:
        if data is None:
            data, root = "cityscapes", str(folder / "toy")
            write_toy_scenes(folder / "toy", 24, (128, 256), seed=0)
        command = [
            *(
                sys.executable,
                "-m",
                "sceneseg.cli.app",
                "train",
                "-m",
                model,
                "-d",
                data,
                "-b",
                str(batch_size),
                "-e",
                "2",
            ),
            *([] if root is None else ["-p", root]),
            *("--train.steps-per-epoch", str(max(2, steps // 2)), "--train.checkpoint-minutes", "0"),
            *("--augment.crop-size", *map(str, crop_size), "--train.ema", "0.9", "--train.device", device),
            *("--runs", str(folder)),
        ]
        with console.status("training without a break"):
            _run([*command, "--name", "unbroken"])
        broken = RunDirectory(folder / "broken")
        with console.status("training, to be killed"):
            killed_at = _kill_after([*command, "--name", "broken"], broken, max(2, steps // 2) + max(1, steps // 4))
        with console.status("resuming"):
            _run([*command[:4], "-r", str(broken.path), *(word for name in allowed() for word in ("--allow", name))])
        different = _differences(RunDirectory(folder / "unbroken"), broken)
    if different:
        print(
            f"{model}: killed after step {killed_at} and resumed: {len(different)} tensors differ, as {different[0]}."
        )
        raise SystemExit(1)
    print(f"{model}: killed after step {killed_at} and resumed: every weight has the same bits as without the break.")


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        from sceneseg.errors import RunError

        raise RunError(f"the training failed: {(done.stderr or done.stdout).strip()[-600:]}")


def _kill_after(command: list[str], run: "RunDirectory", step: int) -> int:
    """Start a training and kill it once its saved state has reached a step; return the step it was killed after."""
    import torch

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
    from sceneseg.errors import RunError

    raise RunError("the training ended before it could be killed. Give more --steps.")


def _differences(one: "RunDirectory", other: "RunDirectory") -> list[str]:
    from sceneseg.records.run_directory import load_weights

    expected, actual = load_weights(one.last), load_weights(other.last)
    return [k for k, v in expected.items() if v.cpu().numpy().tobytes() != actual[k].cpu().numpy().tobytes()]
