"""`sceneseg data ...`: make, look at and examine data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from sceneseg.cli.output import terminal
from sceneseg.config import command_line
from sceneseg.ranges import Count, Seed, Side
from sceneseg.wording import counted, quoted

if TYPE_CHECKING:
    from rich.console import Console

    from sceneseg.arrays import ImageArray
    from sceneseg.datasets.base import Scene, SceneDataset
    from sceneseg.datasets.statistics import Statistics
    from sceneseg.doctor import Diagnosis

Name = Annotated[str, Parameter(name=("--data", "-d"))]
Root = Annotated[str | None, Parameter(name=("--root", "-p"))]
Options = Annotated[dict[str, str] | None, Parameter(name="--options")]


def toy(
    *,
    out: Path,
    count: Count = 40,
    size: Annotated[tuple[Side, Side], Parameter(negative="")] = (256, 512),
    seed: Seed = 0,
) -> None:
    """Draw toy street scenes in the layout of Cityscapes, all 19 classes, to try everything without a download.

    Example: sceneseg data toy --out toy --count 40

    Args:
        out: Folder to write; then: sceneseg train -d cityscapes -p OUT
        count: Number of scenes, split into train, val and test.
        size: HEIGHT WIDTH of the images.
        seed: The same seed draws the same scenes.
    """
    from rich.progress import Progress

    from sceneseg.toy import write_toy_scenes

    with Progress(transient=True) as progress:
        task = progress.add_task("drawing street scenes", total=count)
        write_toy_scenes(out, count, size, seed, progress=lambda done: progress.update(task, completed=done))
    print(f"{counted(count, 'scene')} in {out}. Train on them with: sceneseg train -d cityscapes -p {quoted(out)}")


def doctor(
    *,
    data: Name,
    root: Root = None,
    split: Annotated[list[str] | None, Parameter(negative="")] = None,
    repair: Path | None = None,
    options: Options = None,
) -> None:
    """Find what is wrong with images and masks, say why it matters and how to cure it.

    Every image and mask is read. Exit code 1 when there are errors; warnings alone give 0.

    Example: sceneseg data doctor -d folder -p my_data --repair my_data_repaired

    Args:
        data: Data set: cityscapes, camvid, folder, ...
        root: Its folder; without it the environment variable <NAME>_DATASET.
        split: Splits to examine; train, val and test, as far as they are there, when absent.
        repair: Write a repaired copy to this new folder, to be read with -d folder.
        options: Further arguments of the data set, for example --options.coarse true
    """
    from rich.progress import Progress

    from sceneseg.doctor import diagnose
    from sceneseg.doctor import repair as write_repaired

    with Progress(transient=True) as progress:
        task = progress.add_task("examining", total=None)
        diagnosis = diagnose(
            data,
            root,
            split or (),
            _arguments(options),
            lambda done, of: progress.update(task, completed=done, total=of),
        )
    console = terminal(soft_wrap=True)
    _show(diagnosis, console)
    if repair is not None:
        with Progress(transient=True) as progress:
            task = progress.add_task("repairing", total=None)
            repaired = write_repaired(
                diagnosis, repair, lambda done, of: progress.update(task, completed=done, total=of)
            )
        console.print(f"\n{counted(repaired.pairs, 'pair')} written to {repair}; read them with: -d folder -p {repair}")
        for file, reason in repaired.left_out.items():
            console.print(f"  left out: {file} ({reason})")
        if repaired.became_void:
            console.print(
                f"  {counted(repaired.became_void, 'pixel')} became void: nothing says which class they have."
            )
        if repaired.names_to_fill_in:
            console.print(f"  Nobody knows what the colors mean: write the names into {repair / 'data.yaml'}.")
    if diagnosis.errors:
        raise SystemExit(1)


def _show(diagnosis: "Diagnosis", console: "Console") -> None:
    from rich.text import Text

    for split, reason in diagnosis.left_out.items():
        console.print(f"not examined: {split}. {reason}", style="dim")
    for finding in diagnosis.findings:
        style = "bold red" if finding.severity == "error" else "bold yellow"
        heading = Text.assemble("\n", (finding.severity, style), " ", (finding.kind, "bold"), f" ({finding.count})")
        console.print(heading)
        console.print(f"  {finding.what[:1].upper()}{finding.what[1:]}.")
        shown = [*finding.where[:5], *([f"and {finding.count - 5} more"] if finding.count > 5 else [])]
        for place in shown:
            console.print(f"    {place}", style="dim")
        console.print(f"  Why it matters: {finding.why}\n  Cure: {finding.cure}")
    counts = ", ".join(f"{len(part)} in {split}" for split, part in diagnosis.patient.parts.items())
    errors, warnings = len(diagnosis.errors), len(diagnosis.findings) - len(diagnosis.errors)
    verdict = f"{counted(errors, 'error')}, {counted(warnings, 'warning')}" if diagnosis.findings else "healthy"
    console.print(f"\n{counted(len(diagnosis.patient.pairs), 'image')} examined ({counts}): {verdict}")


def stats(
    *,
    data: Name,
    root: Root = None,
    split: str = "train",
    label_space: str | None = None,
    json: Path | None = None,
    picture: Path | None = None,
    examples: Count | None = None,
    options: Options = None,
) -> None:
    """Count images, sizes, and pixels and images of each class; show the class weights that follow.

    Example: sceneseg data stats -d camvid -p ~/CamVid --picture camvid.png

    Args:
        data: Data set: cityscapes, camvid, folder, ...
        root: Its folder; without it the environment variable <NAME>_DATASET.
        split: Part to count.
        label_space: Count in another label space: categories, road (and other), any of them +void, or a YAML file.
        json: Also write everything, and what occurs with what, to this file.
        picture: Also draw bars, what occurs with what, and annotated examples to this PNG file.
        examples: Scenes in the picture, 6 when absent; together they show as many classes as they can.
        options: Further arguments of the data set, for example --options.coarse true
    """
    from rich.progress import Progress

    from sceneseg.datasets.statistics import measure
    from sceneseg.errors import refuse_options
    from sceneseg.records.run_directory import write_json
    from sceneseg.records.targets import check_targets

    refuse_options(
        {"--examples": examples if picture is None else None}, "they are shown in a picture. Give --picture FILE.png."
    )
    dataset = _open(data, root, split, label_space, options)
    check_targets(json, picture)
    with Progress(transient=True) as progress:
        task = progress.add_task("counting", total=len(dataset))
        statistics = measure(dataset, lambda done: progress.update(task, completed=done))
    _print_table(statistics, terminal())
    if json is not None:
        write_json(json, statistics.to_dict())
        print(f"written to {json}")
    if picture is not None:
        from sceneseg.report.data_set import draw_statistics

        draw_statistics(statistics, picture, examples or 6)
        print(f"drawn in {picture}")


def _print_table(statistics: "Statistics", console: "Console") -> None:
    from rich.table import Table

    facts: dict[str, Any] = statistics.to_dict()
    sizes = ", ".join(f"{size} ({number})" for size, number in list(facts["sizes"].items())[:5])
    more = f" and {len(facts['sizes']) - 5} more" if len(facts["sizes"]) > 5 else ""
    console.print(
        f"{facts['dataset']} {facts['split']}: {counted(facts['images'], 'image')}, height x width {sizes}{more}"
    )
    rules = list(next(iter(facts["classes"].values()))["weights"])
    table = Table(box=None, header_style="dim")
    for column in ("class", "pixels", "share", "images", *(f"{rule} weight" for rule in rules)):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name, row in facts["classes"].items():
        weights = (f"{row['weights'][rule]:,.4f}" for rule in rules)
        table.add_row(name, f"{row['pixels']:,}", f"{row['share']:.3%}", f"{row['images']:,}", *weights)
    table.add_row("void", f"{facts['void_pixels']:,}", style="dim")
    console.print(table)
    mean, std = (", ".join(f"{v:.2f}" for v in facts[key]) for key in ("mean_rgb", "std_rgb"))
    console.print(f"mean color {mean}, standard deviation {std}; shares are of labeled pixels")


def view(
    *,
    data: Name,
    root: Root = None,
    split: str = "train",
    out: Path = Path("preview.png"),
    count: Count | None = None,
    augment: bool = False,
    file: Annotated[Path | None, Parameter(name="--config")] = None,
    label_space: str | None = None,
    options: Options = None,
) -> None:
    """Draw some scenes of a split as image, label colors and overlay, to see whether they belong together.

    Example: sceneseg data view -d folder -p my_data --out preview.png

    Example: sceneseg data view -d camvid -p ~/CamVid --augment --config recipes/camvid/fast_scnn.yaml

    Args:
        data: Data set: cityscapes, camvid, folder, ...
        root: Its folder; without it the environment variable <NAME>_DATASET.
        split: Part to show.
        out: PNG file to write.
        count: Scenes, taken at even distances; 4 when absent.
        augment: Draw instead what training makes of them: each kind of weather, and the first samples of a run.
        file: With --augment: the YAML file whose augmentation (and sizes) it is; the defaults without it.
        label_space: Show another label space: categories, road (and other), any of them +void, or a YAML file.
        options: Further arguments of the data set, for example --options.coarse true
    """
    import numpy as np

    from sceneseg.errors import refuse_options
    from sceneseg.report.data_set import draw_annotations, draw_gallery

    refuse_options({"--config": None if augment else file}, "it holds augmentation. Give --augment, or leave it out.")
    refuse_options({"--count": count if augment else None}, "--augment shows one scene in many ways. Leave it out.")
    dataset = _open(data, root, split, label_space, options)
    if augment:
        draw_gallery([*_weather(dataset.read(len(dataset) // 2)), *_training_samples(dataset, file)], out)
        print(f"every kind of weather, then the first samples of a run, drawn in {out}")
        return
    chosen = np.linspace(0, len(dataset) - 1, min(count or 4, len(dataset))).round().astype(int).tolist()
    draw_annotations([dataset.read(i) for i in chosen], dataset.label_space, out)
    names = ", ".join(dataset.files[i].name for i in chosen)
    print(f"{names} drawn in {out}")


def _weather(scene: "Scene") -> list[tuple["ImageArray", str]]:
    """Show a scene in every kind of weather, as strong as training draws it by default."""
    from sceneseg.config.schema import AugmentConfig
    from sceneseg.transforms.geometry import sample_generator
    from sceneseg.transforms.weather import EFFECTS, apply_weather

    strength = AugmentConfig().weather_strength
    return [
        (apply_weather(scene.image, [(kind, strength)], sample_generator(0, i)), kind) for i, kind in enumerate(EFFECTS)
    ]


def _training_samples(dataset: "SceneDataset", file: Path | None, count: int = 6) -> list[tuple["ImageArray", str]]:
    """Show the first samples of a run, colors included."""
    import torch

    from sceneseg.config.files import load
    from sceneseg.config.schema import Config
    from sceneseg.loading.scene_samples import TrainingSamples
    from sceneseg.transforms.geometry import jitter

    config = Config() if file is None else load(file)
    samples = TrainingSamples(dataset, config.augment, config.seed, config.data.target_size, cache=False)
    shown = []
    for number in range(count):
        image, _, color, name = samples[number]
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        changed = jitter(pixels, torch.from_numpy(color)[None])[0].permute(1, 2, 0)
        shown.append(((changed * 255).round().byte().numpy(), f"sample {number}: {name}"))
    return shown


def _open(
    name: str, root: str | None, split: str, label_space: str | None, options: dict[str, str] | None
) -> "SceneDataset":
    from sceneseg import datasets as shelf

    space = {} if label_space is None else {"label_space": label_space}
    return shelf.create(name, root=root, split=split, **_arguments(options), **space)


def _arguments(options: dict[str, str] | None) -> dict[str, Any]:
    return command_line.nested(options)
