"""`sceneseg predict`: label ids, colours and overlays for photographs, folders, or a data set's split."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from sceneseg.tasks.classification import ClassificationModel
    from sceneseg.tasks.semantic import SemanticModel

Size = tuple[int, int]
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
    device: str = "auto",
    engine: str = "torch",
) -> None:
    """Predict photographs of any size, all pictures of a folder, or a split of a data set.

    Writes for each NAME_labelIds.png (the data set's own ids), NAME_color.png (palette PNG: indices and colours in
    one file) and NAME_overlay.jpg (with a legend). A classifier writes classes.json: the five most probable classes
    of each picture.

    Example: sceneseg predict -w runs/demo photo.jpg holiday/ -r results

    Args:
        inputs: Picture files or folders.
        weights: Run directory or weights file.
        results: Folder for the results.
        data: Instead of inputs: a data set.
        root: Its folder.
        split: Its part.
        target_size: HEIGHT WIDTH the network sees; as in training when absent.
        device: auto, cpu or cuda.
        engine: torch, as in evaluation; openvino, faster on a CPU once it has compiled the network for a size; auto
            takes openvino where it is installed and the pictures are many.
    """
    from rich.progress import track

    from sceneseg.tasks import load
    from sceneseg.tasks.classification import ClassificationModel

    files = _pictures(inputs) if data is None else _split(data, root, split)
    model = load(weights, device)
    model.input.target_size = target_size or model.input.target_size
    if isinstance(model, ClassificationModel):
        _classify(model, files, results)
        return
    if engine != "torch":
        chosen = _engine(engine, model, files)
        model.compute_with(chosen)
        print(f"the network is computed by {chosen} ({model.input.precision})")
    for name, file in track(files, "predicting", transient=True):
        model.predict(file, name).save(results)
    print(f"{len(files)} predicted; label ids, colours and overlays are in {results}")


def _engine(engine: str, model: "SemanticModel", files: list[tuple[str, Path]]) -> str:
    """Return what `auto` means for these pictures: compiling takes seconds for each size, so it must pay."""
    from PIL import Image

    from sceneseg.devices import resolve_engine

    if engine != "auto" or resolve_engine(engine, model.device.type) == "torch":
        return resolve_engine(engine, model.device.type)
    sizes = {model.input.target_size or Image.open(file).size for _, file in files}
    return "openvino" if len(files) >= PAYS_FROM * len(sizes) else "torch"


def _classify(model: "ClassificationModel", files: list[tuple[str, Path]], results: Path) -> None:
    """Print the first answers for each picture and write them to classes.json."""
    from rich.progress import track

    from sceneseg.runs import write_json

    answers: dict[str, dict[str, float]] = {}
    for _, file in track(files, "predicting", transient=True):
        answers[str(file)] = model.predict(file).top(5)
        words = (f"{name} {probability:.1%}" for name, probability in answers[str(file)].items())
        print(f"{file}: {', '.join(words)}")
    write_json(results / "classes.json", answers)
    print(f"{len(files)} predicted; the classes are in {results / 'classes.json'}")


def _pictures(inputs: tuple[Path, ...]) -> list[tuple[str, Path]]:
    from sceneseg.errors import DataError

    if not inputs:
        raise DataError("What shall be predicted? Give picture files or folders, or a data set with -d NAME -p ROOT.")
    files: list[Path] = []
    for given in inputs:
        found = [given] if not given.is_dir() else sorted(p for p in given.rglob("*") if p.suffix.lower() in PICTURES)
        if not found:
            raise DataError(f"{given}: no pictures in there ({', '.join(sorted(PICTURES))}).")
        files += found
    names = _unique([file.stem for file in files])
    return list(zip(names, files, strict=True))


def _unique(names: list[str]) -> list[str]:
    """Number names that occur twice, so that no result overwrites another."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if seen[name] == 1 else f"{name}-{seen[name]}")
    return unique


def _split(name: str, root: str | None, split: str) -> list[tuple[str, Path]]:
    from sceneseg.data import datasets

    dataset = datasets.create(name, root=root, split=split)
    return [(files.name, files.image) for files in dataset.files]
