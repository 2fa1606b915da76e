"""`sceneseg predict`: label ids, colours and overlays for photographs, folders, videos, or a data set's split."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from sceneseg.ranges import Side

if TYPE_CHECKING:
    from sceneseg.inference.classifier import ClassificationModel
    from sceneseg.inference.exported import ExportedModel
    from sceneseg.inference.predictor import SemanticModel

Size = tuple[Side, Side]
PAYS_FROM = 20  # pictures of one size; Fast-SCNN at 1024 x 2048 saves 0.1 s of each, for 3 s of compiling
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


def predict(
    *inputs: Path,
    weights: Annotated[Path, Parameter(alias="-w")],
    results: Annotated[Path, Parameter(name=("--results", "-r"))] = Path("results"),
    data: Annotated[str | None, Parameter(alias="-d")] = None,
    root: Annotated[str | None, Parameter(alias="-p")] = None,
    split: str = "test",
    target_size: Annotated[Size | None, Parameter(alias="-t", negative="")] = None,
    device: str | None = None,
    engine: str | None = None,
) -> None:
    """Predict photographs of any size, videos, all of both in a folder, or a split of a data set.

    Writes for each picture NAME_labelIds.png (the data set's own ids), NAME_color.png (palette PNG: indices and colours
    in one file) and NAME_overlay.jpg (with a legend); for each video NAME_overlay.mp4. A classifier writes
    classes.json: the five most probable classes of each picture.

    Example: sceneseg predict -w runs/demo/fast_scnn photo.jpg holiday/ -r results

    Example: sceneseg predict -w model.onnx street.mp4

    Args:
        inputs: Picture files, videos or folders.
        weights: Run directory, weights file, or what `sceneseg export` wrote: .onnx, .xml (OpenVINO), .torchscript.
        results: Folder for the results.
        data: Instead of inputs: a data set.
        root: Its folder.
        split: Its part.
        target_size: HEIGHT WIDTH the network sees; as in training when absent.
        device: auto, cpu or cuda; auto when absent.
        engine: torch, as in evaluation, also when absent; openvino, faster on a CPU once it has compiled the network
            for a size; auto takes openvino where it is installed and the pictures are many.
    """
    from sceneseg.inference.classifier import ClassificationModel
    from sceneseg.inference.predictor import SemanticModel
    from sceneseg.inference.video import SUFFIXES

    files = _inputs(inputs) if data is None else _split(data, root, split)
    model = _load(weights, target_size, device, engine)
    if isinstance(model, ClassificationModel):
        _classify(model, files, results)
        return
    if engine is not None and isinstance(model, SemanticModel):
        chosen = _engine(engine, model, files)
        model.compute_with(chosen)
        print(f"the network is computed by {chosen} ({model.input.precision})")
    pictures = [(name, file) for name, file in files if file.suffix.lower() not in SUFFIXES]
    _predict(model, pictures, results)
    for name, file in files:
        if file.suffix.lower() in SUFFIXES:
            _film(model, file, results / f"{name}_overlay.mp4")


def _load(
    weights: Path, target_size: Size | None, device: str | None, engine: str | None
) -> "SemanticModel | ClassificationModel | ExportedModel":
    """Open weights or an exported file, in which size, device and engine are settled."""
    from sceneseg.errors import ConfigError
    from sceneseg.inference.exported import ExportedModel, is_exported
    from sceneseg.tasks import load

    if is_exported(weights):
        options = {"--target-size": target_size, "--device": device, "--engine": engine}
        if given := [name for name, value in options.items() if value is not None]:
            raise ConfigError(
                f"{' and '.join(given)} can't be chosen for {weights}, which was exported for one engine and one way "
                f"to resize. Leave it out, or predict with the weights."
            )
        return ExportedModel.load(weights)
    model = load(weights, device or "auto")
    model.input.target_size = target_size or model.input.target_size
    return model


def _predict(model: "SemanticModel | ExportedModel", pictures: list[tuple[str, Path]], results: Path) -> None:
    """Write what a model says of pictures."""
    from rich.progress import track

    for name, file in track(pictures, "predicting", transient=True):
        model.predict(file, name).save(results)
    if pictures:
        print(f"{len(pictures)} predicted; label ids, colours and overlays are in {results}")


def _film(model: "SemanticModel | ExportedModel", source: Path, target: Path) -> None:
    """Write a video with the classes laid over every frame."""
    import time

    from rich.progress import MofNCompleteColumn, Progress, TextColumn

    from sceneseg.inference.video import paint_video

    start, done = time.perf_counter(), 0
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, transient=True) as progress:
        task = progress.add_task(source.name, total=None, pace="")

        def on_frame(total: int) -> None:
            nonlocal done
            done += 1
            pace = f"{done / (time.perf_counter() - start):.1f} frames/s"
            progress.update(task, completed=done, total=max(total, done) if total else None, pace=pace)

        made = paint_video(source, target, lambda frame: model.predict(frame).overlay(legend=False), on_frame)
    seconds = time.perf_counter() - start
    frames = f"{made.frames} of {made.promised}" if made.frames < made.promised else f"{made.frames}"
    sound = ", without its sound" if made.sound else ""
    print(f"{source}: {frames} frames, {made.frames / seconds:.1f} a second; {target} ({made.encoder}{sound})")


def _engine(engine: str, model: "SemanticModel", files: list[tuple[str, Path]]) -> str:
    """Return what `auto` means for these pictures: compiling takes seconds for each size, so it must pay.

    A video has pictures enough.
    """
    from sceneseg.devices import resolve_engine
    from sceneseg.inference.video import SUFFIXES

    if engine != "auto" or resolve_engine(engine, model.device.type) == "torch":
        return resolve_engine(engine, model.device.type)
    if any(file.suffix.lower() in SUFFIXES for _, file in files):
        return "openvino"
    sizes = {model.input.target_size or _size(file) for _, file in files}
    return "openvino" if len(files) >= PAYS_FROM * len(sizes) else "torch"


def _size(file: Path) -> tuple[int, int] | None:
    """Return a picture's size as stored; None where it can't be read, which is said when its turn comes."""
    from sceneseg.datasets.base import image_size
    from sceneseg.errors import DataError

    try:
        return image_size(file)
    except DataError:
        return None


def _classify(model: "ClassificationModel", files: list[tuple[str, Path]], results: Path) -> None:
    """Print the first answers for each picture and write them to classes.json."""
    from rich.progress import track

    from sceneseg.errors import DataError
    from sceneseg.inference.video import SUFFIXES
    from sceneseg.records.runs import write_json

    if videos := [str(file) for _, file in files if file.suffix.lower() in SUFFIXES]:
        raise DataError(f"{videos[0]}: a classifier says one thing of a whole picture. Give pictures, or save frames.")
    answers: dict[str, dict[str, float]] = {}
    for _, file in track(files, "predicting", transient=True):
        answers[str(file)] = model.predict(file).top(5)
        words = (f"{name} {probability:.1%}" for name, probability in answers[str(file)].items())
        print(f"{file}: {', '.join(words)}")
    write_json(results / "classes.json", answers)
    print(f"{len(files)} predicted; the classes are in {results / 'classes.json'}")


def _inputs(inputs: tuple[Path, ...]) -> list[tuple[str, Path]]:
    """Return pictures and videos, folders opened, with a name for each."""
    from sceneseg.datasets.files import files_below
    from sceneseg.errors import DataError
    from sceneseg.inference.video import SUFFIXES
    from sceneseg.standalone import unique

    if not inputs:
        raise DataError("What shall be predicted? Give picture files or folders, or a data set with -d NAME -p ROOT.")
    known = PICTURES | SUFFIXES
    files: list[Path] = []
    for given in inputs:
        found = files_below(given, known) if given.is_dir() else [given]
        if not found:
            raise DataError(f"{given}: no pictures or videos in there ({', '.join(sorted(known))}).")
        files += found
    return list(zip(unique([file.stem for file in files]), files, strict=True))


def _split(name: str, root: str | None, split: str) -> list[tuple[str, Path]]:
    from sceneseg.datasets import datasets

    dataset = datasets.create(name, root=root, split=split)
    return [(files.name, files.image) for files in dataset.files]
