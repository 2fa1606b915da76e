"""`sceneseg train`: from a configuration to a run directory with weights, scores and a report."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import command_line, panels
from sceneseg.config.options import Options
from sceneseg.wording import quoted


def train(
    *,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    model: Annotated[str | None, Parameter(group=panels.MODEL, name="-m")] = None,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    runs: Annotated[Path, Parameter(group=panels.OUTPUT)] = Path("runs"),
    resume: Annotated[str | None, Parameter(alias="-r")] = None,
) -> None:
    """Train a model, validate it, and leave a run directory with weights, scores and report.

    Example: sceneseg train -m fast_scnn -d camvid -p ~/CamVid -b 8 -e 100

    Args:
        model: Model: fast_scnn, unet, ... Its arguments follow as --model.width 0.5
        file: YAML file with any of these options, or a recipe: camvid/fast_scnn, ...; what is typed wins over it.
        runs: Folder of the run directories.
        resume: Resume an interrupted run, exactly as if it had never stopped; with -e also a finished one.
            auto: the newest run of this configuration in --runs, or start it; for jobs that are queued again.
    """
    from sceneseg.api.train import train as start

    trained = start(config=file, runs=runs, resume=resume, **command_line.typed(options, model))
    if not trained.finished:
        print(f"Interrupted; the state is saved. Resume it with: sceneseg train -r {quoted(trained.path)}")
        raise SystemExit(130)
    name, score = trained.best
    print(f"\nbest validation {name}  {score:.2%}\nweights  {trained.run.best}\nreport   {trained.run.report}")
    print(f"next     sceneseg predict -w {quoted(trained.path)} PHOTO.jpg")
