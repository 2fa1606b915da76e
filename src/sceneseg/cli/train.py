"""`sceneseg train`: from a configuration to a run directory with weights, scores and a report."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import command_line
from sceneseg.config.options import Options
from sceneseg.wording import quoted


def train(
    *,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    model: Annotated[str | None, Parameter(name="-m")] = None,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    runs: Path = Path("runs"),
    resume: Annotated[str | None, Parameter(alias="-r")] = None,
) -> None:
    """Train a model, validate it, and leave a run directory with weights, scores and report.

    Example: sceneseg train -m fast_scnn -d camvid -p ~/CamVid -b 8 -e 100

    Args:
        model: Model: fast_scnn, unet, ... Its arguments follow as --model.width 0.5
        file: YAML file with any of these options, or a recipe: camvid/fast_scnn, ...; what is typed wins over it.
        runs: Folder of the run directories.
        resume: Go on with an interrupted run, exactly as if it had never stopped; with -e also with a finished one.
            auto: with the newest run of this configuration in --runs, or start it; for jobs that are queued again.
    """
    from sceneseg import tasks
    from sceneseg.errors import ConfigError
    from sceneseg.records.run_directory import find_run, read_json
    from sceneseg.report.run.page import write_report
    from sceneseg.training import start

    if resume is not None and resume != "auto":
        if file is not None:
            raise ConfigError(
                f"A resumed run has its own configuration, so --config {file} doesn't go with -r {resume}. Leave it "
                f"out, or start a new run without -r."
            )
        run = find_run(Path(resume))
        changes = command_line.typed(options) | ({} if model is None else {"model": model})
        finished = start.resume(run, changes, report=print)
    else:
        chosen = command_line.configuration(options, file, model)
        earlier = start.find_unfinished(chosen, runs) if resume else None
        if earlier is None:
            if resume:  # a job that is queued again has it from the start
                chosen = replace(chosen, data=replace(chosen.data, accept_changes=False))
            run, finished = start.start(chosen, runs, asked=command_line.asked(options, file), report=print)
        else:
            run, finished = earlier, start.resume(earlier, start.what_changes(chosen, earlier), report=print)
    if not finished:
        print(f"Interrupted; the state is saved. Go on with: sceneseg train -r {quoted(run.path)}")
        raise SystemExit(130)
    page = write_report(run.path)
    trained = run.load_config()
    score, name = tasks.best_score(trained.task)
    if trained.train.best not in {None, score}:
        score = name = str(trained.train.best)
    print(f"\nbest validation {name}  {read_json(run.metrics)[score]:.2%}")
    print(f"weights  {run.best}\nreport   {page}")
    print(f"next     sceneseg predict -w {quoted(run.path)} PHOTO.jpg")
