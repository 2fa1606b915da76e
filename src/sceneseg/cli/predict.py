"""`sceneseg predict`: label ids, colors and overlays for photographs, folders, videos, or a data set's split."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sceneseg.ranges import Side

if TYPE_CHECKING:
    from sceneseg.api.predict import Outcome, Progress
    from sceneseg.inference.job import Predicted

Size = tuple[Side, Side]


def predict(
    *inputs: Path,
    weights: Annotated[Path, Parameter(alias="-w")],
    results: Annotated[Path, Parameter(name=("--results", "-r"))] = Path("results"),
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    split: str | None = None,
    target_size: Annotated[Size | None, Parameter(alias="-t", negative="")] = None,
    device: str | None = None,
    engine: str | None = None,
    skip_existing: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Predict photographs of any size, videos, all of both in a folder, or a split of a data set.

    Writes for each picture NAME_labelIds.png (the data set's own ids), NAME_color.png (palette PNG: indices and colors
    in one file) and NAME_overlay.jpg (with a legend); for each video NAME_overlay.mp4. A classifier writes
    classes.json: the five most probable classes of each picture. predictions.csv says which result belongs to which
    source. A file that can't be read doesn't end the call; it is named at the end, and the exit code is 1.

    Example: sceneseg predict -w runs/demo/fast_scnn photo.jpg holiday/ -r results

    Example: sceneseg predict -w model.onnx street.mp4

    Args:
        inputs: Picture files, videos or folders.
        weights: Run directory, weights file, or what `sceneseg export` wrote: .onnx, .xml (OpenVINO), .torchscript.
        results: Folder for the results.
        data: Instead of inputs: a data set.
        root: Its folder.
        split: Its part; test when absent.
        target_size: HEIGHT WIDTH the network sees; as in training when absent.
        device: auto, cpu or cuda; auto when absent.
        engine: torch, as in evaluation, also when absent; openvino, faster on a CPU once it has compiled the network
            for a size; auto takes openvino where it is installed and the pictures are many.
        skip_existing: Go on with an interrupted call: leave out what is complete and was made by the same weights.
    """
    from sceneseg.api import predict as api
    from sceneseg.errors import DataError

    with _Bar() as bar:
        try:
            outcome = api.predict(
                inputs,
                weights,
                results,
                data=data,
                root=root,
                split=split,
                target_size=target_size,
                device=device,
                engine=engine,
                skip_existing=skip_existing,
                on_progress=bar.show,
            )
        except KeyboardInterrupt as stop:
            if bar.now is not None:
                stop.add_note(
                    f"{bar.now.done} of {bar.now.total} done. Give the command again with --skip-existing to go on."
                )
            raise
    _say(outcome)
    if outcome.failed:
        raise DataError("\n".join(_failures(outcome)))


class _Bar:
    """The progress as it is shown."""

    def __init__(self) -> None:
        from rich import progress

        columns = (*progress.Progress.get_default_columns(), progress.MofNCompleteColumn())
        column = progress.TextColumn("{task.fields[pace]}", markup=False)
        self.display = progress.Progress(*columns, column, transient=True, disable=not sys.stdout.isatty())
        self.now: Progress | None = None

    def __enter__(self) -> "_Bar":
        self.display.__enter__()
        self.task = self.display.add_task("predicting", total=None, pace="")
        return self

    def __exit__(self, *error: object) -> None:
        self.display.__exit__(None, None, None)

    def show(self, progress: "Progress") -> None:
        """Show how far it came."""
        self.now = progress
        pace = f"{progress.source.name}: frame {progress.frame} of {progress.frames or '?'}" if progress.frame else ""
        self.display.update(self.task, completed=progress.done, total=progress.total, pace=pace)


def _say(outcome: "Outcome") -> None:
    if outcome.engine is not None:
        print(f"the network is computed by {outcome.engine} ({outcome.precision})")
    for made in outcome.predicted:
        _describe(made)
    pictures = [made for made in outcome.predicted if made.video is None]
    if any(made.answers is None for made in pictures):
        print(f"{len(pictures)} predicted; label ids, colors and overlays are in {outcome.results}")
    elif pictures:
        print(f"{len(pictures)} predicted; the classes are in {outcome.results / 'classes.json'}")
    if outcome.existing:
        print(f"{len(outcome.existing)} left out: the results were there already")
    if outcome.own:
        print(f"{len(outcome.own)} left out: results of earlier predictions")
    by_reason: dict[str, list[str]] = {}
    for file, reason in outcome.left_out.items():
        by_reason.setdefault(reason, []).append(str(file))
    for reason, files in by_reason.items():
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        print(f"{len(files)} left out: {', '.join(files[:5])}{more} ({reason})")


def _describe(made: "Predicted") -> None:
    if made.answers is not None:
        words = (f"{name} {probability:.1%}" for name, probability in made.answers.items())
        print(f"{made.source}: {', '.join(words)}")
    if made.video is not None:
        video = made.video
        frames = video.problem or f"{video.frames} frames"
        sound = ", without its sound" if video.sound else ""
        pace = video.frames / made.seconds
        print(f"{made.source}: {frames}, {pace:.1f} a second; {made.outputs[0]} ({video.encoder}{sound})")
    if made.first_frame:
        print(f"{made.source}: holds several pictures; the first is used")


def _failures(outcome: "Outcome") -> list[str]:
    reasons = list(outcome.failed.values())
    total = len({made.source for made in outcome.predicted} | set(outcome.existing) | set(outcome.failed))
    if total == 1:
        return reasons
    return [f"{len(reasons)} of {total} files couldn't be predicted, or not wholly:", *reasons]
