"""`sceneseg verify-resume`: proof that a run that is killed and resumed ends with the same bits."""

from typing import Annotated

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.config import panels
from sceneseg.ranges import Count, Side


def verify_resume(
    *,
    model: Annotated[str, Parameter(alias="-m", group=panels.MODEL)] = "fast_scnn",
    data: Annotated[str | None, Parameter(alias="-d", group=panels.DATA)] = None,
    root: Annotated[str | None, Parameter(alias="-p", group=panels.DATA)] = None,
    crop_size: Annotated[tuple[Side, Side], Parameter(negative="", group=panels.TRANSFORMS)] = (96, 192),
    batch_size: Annotated[Count, Parameter(alias="-b", group=panels.OPTIMIZATION)] = 4,
    steps: Annotated[Count, Parameter(group=panels.OPTIMIZATION)] = 12,
    device: Annotated[str, Parameter(group=panels.RUNTIME)] = "auto",
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
    from sceneseg.api import verify_resume as api

    with terminal().status("") as status:
        proof = api.verify_resume(
            model,
            data,
            root,
            crop_size=crop_size,
            batch_size=batch_size,
            steps=steps,
            device=device,
            on_progress=lambda progress: status.update(progress.stage),
        )
    killed = f"{model}: killed after step {proof.killed_after} and resumed:"
    if not proof.identical:
        print(f"{killed} {len(proof.different)} tensors differ, as {proof.different[0]}.")
        raise SystemExit(1)
    print(f"{killed} every weight has the same bits as without the break.")
