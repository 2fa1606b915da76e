"""`sceneseg predict`: label ids, colors and overlays for photographs, folders, videos, or a data set's split."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sceneseg.cli.progress import Bars
from sceneseg.config import panels
from sceneseg.ranges import Side

if TYPE_CHECKING:
    from sceneseg.api.predict import PredictedFiles
    from sceneseg.inference.results import Predicted

Size = tuple[Side, Side]


def predict(
    *inputs: Path,
    weights: Annotated[Path, Parameter(group=panels.MODEL, alias="-w")],
    results: Annotated[Path, Parameter(group=panels.OUTPUT, name=("--results", "-r"))] = Path("results"),
    data: Annotated[str | None, Parameter(group=panels.DATA, alias="-d")] = None,
    root: Annotated[str | None, Parameter(group=panels.DATA, alias="-p")] = None,
    split: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    target_size: Annotated[Size | None, Parameter(group=panels.TRANSFORMS, alias="-t", negative="")] = None,
    device: Annotated[str | None, Parameter(group=panels.RUNTIME)] = None,
    engine: Annotated[str | None, Parameter(group=panels.RUNTIME)] = None,
    skip_existing: Annotated[bool, Parameter(group=panels.OUTPUT, negative="")] = False,
) -> None:
    """Predict photographs of any size, videos, all of both in a folder, or a split of a data set.

    Writes for each image NAME_labelIds.png (the data set's own ids), NAME_color.png (palette PNG: indices and colors
    in one file) and NAME_overlay.jpg (with a legend); for each video NAME_overlay.mp4. A classifier writes
    classes.json: the five most probable classes of each image. predictions.csv lists which result belongs to which
    source. A file that can't be read doesn't end the call; it is named at the end, and the exit code is 1.

    Example: sceneseg predict -w runs/demo/fast_scnn photo.jpg holiday/ -r results

    Example: sceneseg predict -w model.onnx street.mp4

    Args:
        inputs: Image files, videos or folders.
        weights: Run directory, weights file, or what `sceneseg export` wrote: .onnx, .xml (OpenVINO), .torchscript.
        results: Folder for the results.
        data: Instead of inputs: a data set.
        root: Its folder.
        split: Its part; test when absent.
        target_size: HEIGHT WIDTH the network sees; as in training when absent.
        device: auto, cpu or cuda; auto when absent.
        engine: torch, as in evaluation, also when absent; openvino, faster on a CPU once it has compiled the network
            for a size; auto takes openvino where it is installed and the images are many.
        skip_existing: Resume an interrupted call: leave out what is complete and was made by the same weights.
    """
    from sceneseg.api import predict as api
    from sceneseg.errors import DataError

    with Bars() as bars:
        try:
            made = api.predict(
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
                on_progress=bars,
            )
        except KeyboardInterrupt as stop:
            if bars.last is not None:
                done = f"{bars.last.done} of {bars.last.total} done"
                stop.add_note(f"{done}. Run the command again with --skip-existing to predict the others.")
            raise
    for line in _summary(made):
        print(line)
    if made.failed:
        raise DataError("\n".join(_failures(made)))


def _summary(made: "PredictedFiles") -> Iterator[str]:
    if made.engine is not None:
        yield f"the network is computed by {made.engine} ({made.precision})"
    for one in made.predicted:
        yield from _describe(one)
    images = [one for one in made.predicted if one.video is None]
    if any(one.answers is None for one in images):
        yield f"{len(images)} predicted; label ids, colors and overlays are in {made.results}"
    elif images:
        yield f"{len(images)} predicted; the classes are in {made.results / 'classes.json'}"
    if made.existing:
        yield f"{len(made.existing)} left out: the results were there already"
    if made.earlier_results:
        yield f"{len(made.earlier_results)} left out: results of earlier predictions"
    by_reason: dict[str, list[str]] = {}
    for file, reason in made.left_out.items():
        by_reason.setdefault(reason, []).append(str(file))
    for reason, files in by_reason.items():
        more = f" and {len(files) - 5} more" if len(files) > 5 else ""
        yield f"{len(files)} left out: {', '.join(files[:5])}{more} ({reason})"


def _describe(made: "Predicted") -> Iterator[str]:
    if made.answers is not None:
        words = (f"{name} {probability:.1%}" for name, probability in made.answers.items())
        yield f"{made.source}: {', '.join(words)}"
    if made.video is not None:
        video = made.video
        frames = video.problem or f"{video.frames} frames"
        sound = ", without its sound" if video.sound else ""
        pace = video.frames / made.seconds
        yield f"{made.source}: {frames}, {pace:.1f} a second; {made.outputs[0]} ({video.encoder}{sound})"
    if made.first_frame:
        yield f"{made.source}: holds several images; the first is used"


def _failures(made: "PredictedFiles") -> list[str]:
    reasons = list(made.failed.values())
    total = len({one.source for one in made.predicted} | set(made.existing) | set(made.failed))
    if total == 1:
        return reasons
    return [f"{len(reasons)} of {total} files couldn't be predicted, or not completely:", *reasons]
