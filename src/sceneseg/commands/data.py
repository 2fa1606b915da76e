"""`sceneseg data ...`: make, look at and prepare data sets."""

from pathlib import Path


def toy(*, out: Path, count: int = 40, size: tuple[int, int] = (256, 512), seed: int = 0) -> None:
    """Draw toy street scenes in the layout of Cityscapes, all 19 classes, to try everything without a download.

    Example: sceneseg data toy --out toy --count 40

    Args:
        out: Folder to write; then: sceneseg train -d cityscapes -p OUT
        count: Number of scenes, split into train, val and test.
        size: HEIGHT WIDTH of the images.
        seed: The same seed draws the same scenes.
    """
    from rich.progress import Progress

    from sceneseg.data.toy import write_toy_scenes

    with Progress(transient=True) as progress:
        task = progress.add_task("drawing street scenes", total=count)
        write_toy_scenes(out, count, size, seed, progress=lambda done: progress.update(task, completed=done))
    print(f"{count} scenes in {out}. Train on them with: sceneseg train -d cityscapes -p {out}")
