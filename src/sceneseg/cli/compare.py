"""`sceneseg compare`: which of these models is good and fast enough?"""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.cli.progress import Bars
from sceneseg.config import command_line, panels
from sceneseg.config.options import Options
from sceneseg.errors import RunError
from sceneseg.ranges import Count, Side
from sceneseg.wording import quoted

Size = tuple[Side, Side]


def compare(
    *finished: Path,
    options: Annotated[Options, Parameter(name="*")] = Options(),  # noqa: B008 (never changed)
    models: Annotated[list[str] | None, Parameter(name=("--models", "-m"), negative="")] = None,
    vary: Annotated[list[str] | None, Parameter(negative="")] = None,
    budget: Annotated[str | None, Parameter(group=panels.OPTIMIZATION)] = None,
    steps: Annotated[Count | None, Parameter(group=panels.OPTIMIZATION)] = None,
    seeds: Annotated[Count | None, Parameter(group=panels.OPTIMIZATION)] = None,
    split: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    score_in: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    absent: Annotated[Literal["skip", "zero"] | None, Parameter(group=panels.DATA)] = None,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    runs: Annotated[Path, Parameter(group=panels.OUTPUT)] = Path("runs"),
    resume: Annotated[Path | None, Parameter(alias="-r")] = None,
    retry: bool = False,
    latency: Annotated[bool, Parameter(group=panels.RUNTIME)] = True,
    size: Annotated[Size | None, Parameter(group=panels.RUNTIME, negative="")] = None,
    repetitions: Annotated[Count, Parameter(group=panels.RUNTIME)] = 30,
) -> None:
    """Compare models: finished runs, or models that are trained for it under one budget.

    Writes one offline page with the answer, scores against latency, intervals of every difference, classes and
    scenes, and comparison.json with all figures and their files. An experiment that was stopped is resumed when
    the same command is given again, and a finished one takes seconds.

    Ends with 1 when no candidate has come to a score, and with 0 when some failed: the page lists which and why.

    Example: sceneseg compare runs/a runs/b runs/c

    Example: sceneseg compare -m unet,fast_scnn,erfnet -d camvid -p ~/CamVid --budget 10m --split test

    Example: sceneseg compare -m fast_scnn --vary optim.name=sgd,adamw --vary data.target_size=180x240,360x480 -e 20

    Args:
        finished: Run directories. Without them an experiment is made; every option of train is one of its options.
        models: Candidates, separated by commas: models, or YAML files with the values that are a candidate's own.
        vary: KEY=A,B,C: candidates that differ in any key of the configuration; several make all combinations.
        budget: Time of training of each candidate: 90s, 10m, 2h. Its steps are measured first, and the schedule is
            laid out over as many as fit.
        steps: Steps of each candidate. Without budget and steps all train for --epochs.
        seeds: Trainings of each candidate from seeds that follow one another; their spread is shown. One when absent.
        split: Score the best weights on this split, for example test; the one they were chosen on when absent.
        score_in: Score all in this label space: categories, road (and other), any of them +void, or a YAML file. When
            absent and the candidates' label spaces differ, in the one that most of them can be mapped to.
        absent: Means are over the classes in the truth of the split. zero: over all classes, those that the truth lacks
            count 0, as in ADE20K. skip: they are left out. That of each candidate's scores when absent.
        file: YAML file with any of the options of train; a candidate's own file and what is typed win over it.
        runs: Folder of the run directories; the comparison is a folder in it, named by --name.
        resume: Resume this comparison.
        retry: Train those anew that failed before.
        latency: Measure how long predictions take on this machine.
        size: HEIGHT WIDTH of the image whose prediction is timed; that of the validation images when absent.
        repetitions: Predictions of each model that are timed.
    """
    from sceneseg.api.compare import compare as rank
    from sceneseg.report.comparison.terminal import ranking_table, remarks

    with Bars() as bars:
        made = rank(
            finished,
            models=models or (),
            vary=vary or (),
            config=file,
            budget=budget,
            steps=steps,
            seeds=seeds,
            split=split,
            score_in=score_in,
            absent=absent,
            runs=runs,
            resume=resume,
            retry=retry,
            latency=latency,
            size=size,
            repetitions=repetitions,
            on_progress=bars,
            **command_line.typed(options),
        )
    if made.results is None:
        print(f"Interrupted; everything so far is saved. Resume it with: sceneseg compare -r {quoted(made.path)}")
        raise SystemExit(130)
    out = terminal()
    out.print()
    out.print(ranking_table(made.results.ranking))
    for remark in remarks(made.results):
        out.print(f"\n{remark}")
    out.print(f"\n{made.answer}\n\npage     {made.page}\nfigures  {made.figures}", soft_wrap=True)
    if not made.ranking:
        raise RunError(
            f"{made.path}: no candidate has come to a score, for the reasons above. Fix them and run the command "
            f"again; with --retry those that failed are trained anew."
        )
