"""Predictions for evaluation servers: the expected files under the expected names, checked and zipped."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sceneseg.datasets.base import SceneDataset, SceneFiles, image_size, open_picture, read_ids
from sceneseg.datasets.files import files_below
from sceneseg.errors import ConfigError, DataError
from sceneseg.inference import birds_eye, visualization
from sceneseg.inference.prediction import Prediction
from sceneseg.inference.predictor import SemanticModel
from sceneseg.labels import IGNORE_INDEX
from sceneseg.progress import OnStep, each, silent
from sceneseg.records.run_directory import atomic

SHOWN = 5


@dataclass(frozen=True)
class Rules:
    """Rules of an evaluation server.

    Args:
        file_name: Data set and name of a scene -> name of its file.
        pattern: Recognizes a file; its groups, joined by "_", are the name of the scene that it belongs to.
        encode: Prediction and files of a scene -> the pixels of its file.
        upload: Where the zip goes.
        folder: Folder of the files inside the zip; empty for its root.
        size: (height, width) of all files; None is each image's own.
        confidences: Whether the pixels are confidences, as opposed to label ids.
        official_size: (height, width) of the server's images; predictions of others can't be scored there.
    """

    file_name: Callable[[SceneDataset, str], str]
    pattern: str
    encode: Callable[[Prediction, SceneFiles], npt.NDArray[np.uint8]]
    upload: str
    folder: str = ""
    size: tuple[int, int] | None = None
    confidences: bool = False
    official_size: tuple[int, int] | None = None


def label_ids(prediction: Prediction, files: SceneFiles) -> npt.NDArray[np.uint8]:
    """Return the stored ids of the predicted classes."""
    return prediction.label_space.decode(prediction.labels).astype(np.uint8, copy=False)  # ids of Cityscapes


def road_from_above(prediction: Prediction, files: SceneFiles) -> npt.NDArray[np.uint8]:
    """Return the confidence that a place is road (or lane), seen from above; 255 is certain."""
    confidence = (255 * prediction.probabilities[0]).round().astype(np.uint8)
    calibration = files.image.parent.with_name("calib") / f"{files.name}.txt"
    return birds_eye.birds_eye(confidence, birds_eye.read_calibration(calibration))


def _with_target(dataset: SceneDataset, name: str) -> str:
    return f"{name.replace('_', f'_{dataset.target}_', 1)}.png"  # type: ignore[attr-defined]


RULES = {
    # cityscapesScripts: exactly one file for each image, which begins with <city>_<sequence>_<frame>
    "cityscapes": Rules(
        lambda dataset, name: f"{name}_labelIds.png",
        r"(\w+?)_(\d{6})_(\d{6}).*\.png",
        label_ids,
        "https://www.cityscapes-dataset.com/submit/",
        official_size=(1024, 2048),
    ),
    # development kit: label ids of Cityscapes, the names of the images
    "kitti_semantic": Rules(
        lambda dataset, name: f"{name}.png",
        r"(\d{6}_\d{2})\.png",
        label_ids,
        "https://www.cvlibs.net/datasets/kitti/eval_semseg.php?benchmark=semantics2015",
        folder="semantic",
    ),
    # development kit: confidences from above; the target stands between the kind of street and the number
    "kitti_road": Rules(
        _with_target,
        r"(umm?|uu)_(?:road|lane)_(\d{6})\.png",
        road_from_above,
        "https://www.cvlibs.net/datasets/kitti/eval_road.php",
        size=birds_eye.SIZE,
        confidences=True,
    ),
}


def rules_of(dataset: SceneDataset) -> Rules:
    """Return the rules of a data set's server.

    Raises:
        ConfigError: There is no such server, or it has other classes.
    """
    if dataset.name not in RULES:
        raise ConfigError(
            f"{dataset.name} has no evaluation server that is known here; known are those of {', '.join(RULES)}. "
            f"`predict` writes label ids for it.",
            field="data",
        )
    rules, names = RULES[dataset.name], dataset.label_space.names
    wanted = [dataset.target, "other"] if rules.confidences else type(dataset).label_space.names  # type: ignore[attr-defined]
    if names != wanted:
        raise ConfigError(
            f"The server of {dataset.name} scores the classes {', '.join(wanted)}; these predictions have "
            f"{', '.join(names)}. Submit a model of the former."
        )
    return rules


def write_submission(model: SemanticModel, dataset: SceneDataset, folder: Path, on_step: OnStep = silent) -> None:
    """Predict every image of a split and write the server's files; labels are neither needed nor read.

    Args:
        model: What predicts.
        dataset: The split.
        folder: Where the files go.
        on_step: Called after each image.

    Raises:
        ConfigError: The data set has no server, or the model has other classes.
        DataError: An image or a calibration can't be read.
    """
    rules = rules_of(dataset)
    if model.label_space.names != dataset.label_space.names:
        raise ConfigError(
            f"The server of {dataset.name} scores the classes of {dataset.label_space.name}, the model has those of "
            f"{model.label_space.name}: {', '.join(model.label_space.names)}. Submit a model of the former."
        )
    for files in each(dataset.files, on_step):
        pixels = rules.encode(model.predict(files.image, files.name), files)
        with atomic(folder / rules.file_name(dataset, files.name)) as temporary:
            temporary.write_bytes(visualization.rgb_png(pixels))


def check_submission(dataset: SceneDataset, folder: Path, on_step: OnStep = silent) -> list[Path]:
    """Check that a folder is what the server expects: one file for each image, of the right size, with known ids.

    Returns:
        The files, in the order of the data set.

    Raises:
        ConfigError: The data set has no server.
        DataError: All that is wrong, the first files named.
    """
    rules = rules_of(dataset)
    if not folder.is_dir():
        raise DataError(f"{folder}: there is no such folder. Give weights, and it is written.", field="weights")
    owned, problems = _assign(rules, dataset, folder)
    files, void = [], []
    for scene in each(dataset.files, on_step):
        candidates = owned.get(scene.name, [])
        if len(candidates) != 1:
            places = (str(path.relative_to(folder)) for path in candidates)
            several = f"{' and '.join(places)}, but one is expected"
            problems.append(f"{scene.name} has {several if candidates else 'no file'}")
            continue
        files.append(candidates[0])
        try:
            void.append(_void_share(rules, dataset, scene, candidates[0]))
        except DataError as error:
            problems.append(str(error))
    if void and np.mean(void) > 0.5:
        problems.append(f"{np.mean(void):.0%} of the pixels have void ids: are these train ids instead of label ids?")
    if problems:
        more = f", and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise DataError(f"{folder}: not what {rules.upload} takes. {'; '.join(problems[:SHOWN])}{more}.")
    return files


def write_zip(dataset: SceneDataset, files: list[Path], archive: Path, on_step: OnStep = silent) -> None:
    """Put checked files into the zip that is uploaded; PNG files shrink no further, so they are stored as they are."""
    inside = Path(rules_of(dataset).folder)
    with atomic(archive) as temporary, zipfile.ZipFile(temporary, "w") as opened:
        for file in each(files, on_step):
            opened.write(file, inside / file.name)


def doubts(dataset: SceneDataset) -> str:
    """Describe why the server won't accept these files although they are complete; empty when it will."""
    official = rules_of(dataset).official_size
    size = image_size(dataset.files[0].image)
    if official is None or size == official:
        return ""
    found, wanted = (f"{height} x {width}" for height, width in (size, official))
    return f"The images have {found} pixels, the server's {wanted}: it won't score these."


def _assign(rules: Rules, dataset: SceneDataset, folder: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Return the images of each scene, as the server would find them, and those that belong to none."""
    known = {files.name for files in dataset.files}
    owned: dict[str, list[Path]] = {}
    problems = []
    for path in files_below(folder, {".png"}):
        match = re.fullmatch(rules.pattern, path.name)
        name = "_".join(match.groups()) if match else ""
        if name in known:
            owned.setdefault(name, []).append(path)
        else:
            problems.append(f"{path.name} belongs to no image of the {dataset.split} split")
    return owned, problems


def _void_share(rules: Rules, dataset: SceneDataset, scene: SceneFiles, path: Path) -> float:
    """Return which part of a file's pixels is void.

    Raises:
        DataError: It can't be read, has another size or several channels, or ids that aren't known.
    """
    pixels = read_ids(path)
    with path.open("rb") as file, open_picture(file, path) as image:  # servers take the numbers as they are
        channels = 3 if image.mode == "P" else len(image.getbands())
    if channels != 1:
        raise DataError(
            f"{path.name}: expected one id per pixel, found {channels} channels (a color image). "
            f"Give the label-id file."
        )
    size = rules.size
    if size is None:
        size = image_size(scene.image)
    if pixels.shape != size or pixels.dtype != np.uint8:
        raise DataError(
            f"{path.name} has {pixels.shape[0]} x {pixels.shape[1]} pixels of {pixels.dtype.itemsize} bytes, "
            f"expected {size[0]} x {size[1]} of 1"
        )
    if rules.confidences:
        return 0.0
    labels = dataset.label_space.encode(pixels, where=path.name)
    return float((labels == IGNORE_INDEX).mean())
