"""`sceneseg data view`: scenes of a split as an image."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sceneseg.config import command_line, panels
from sceneseg.ranges import Count


def view(
    *,
    data: Annotated[str, Parameter(name=("--data", "-d"), group=panels.DATA)],
    root: Annotated[str | None, Parameter(name=("--root", "-p"), group=panels.DATA)] = None,
    split: Annotated[str, Parameter(group=panels.DATA)] = "train",
    out: Annotated[Path, Parameter(group=panels.OUTPUT)] = Path("preview.png"),
    count: Annotated[Count | None, Parameter(group=panels.OUTPUT)] = None,
    augment: Annotated[bool, Parameter(group=panels.TRANSFORMS)] = False,
    config: Annotated[Path | None, Parameter(group=panels.TRANSFORMS)] = None,
    label_space: Annotated[str | None, Parameter(group=panels.DATA)] = None,
    options: Annotated[dict[str, str] | None, Parameter(name="--options", group=panels.DATA)] = None,
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
        config: With --augment: the YAML file whose augmentation (and sizes) it is; the defaults without it.
        label_space: Show another label space: categories, road (and other), any of them +void, or a YAML file.
        options: Further arguments of the data set, for example --options.coarse true
    """
    from sceneseg.api import view as api

    drawn = api.view(
        data,
        root,
        split=split,
        out=out,
        count=count,
        augment=augment,
        config=config,
        label_space=label_space,
        options=command_line.nested(options),
    )
    shown = "every kind of weather, then the first samples of a run," if augment else ", ".join(drawn.scenes)
    print(f"{shown} drawn in {out}")
