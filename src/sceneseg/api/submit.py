"""`submit`: predictions of a split for the evaluation server of its data set, written, checked and zipped."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from sceneseg import datasets
from sceneseg.api.progress import OnProgress, counter, ignore
from sceneseg.arrays import ImageSize
from sceneseg.errors import ConfigError
from sceneseg.evaluation import scoring, submission
from sceneseg.evaluation.request import Request
from sceneseg.inference.predictor import SemanticModel
from sceneseg.wording import counted


@dataclass(frozen=True)
class Submission:
    """Checked files for an evaluation server.

    Args:
        folder: Where the files lie.
        dataset: Registry name of the data set.
        split: Its part.
        files: One for each image of the split, in its order.
        archive: The zip to upload; None where none was asked for.
        upload: Address that it is uploaded at.
        doubt: Why the server won't take the files although they are complete; empty when it will.

    Example:
        >>> import sceneseg
        >>> submission = sceneseg.submit("berlin", "runs/small", split="val", device="cpu")
        >>> submission.doubt
        "The images have 64 x 128 pixels, the server's 1024 x 2048: it won't score these."
    """

    folder: Path
    dataset: str
    split: str
    files: tuple[Path, ...]
    archive: Path | None
    upload: str
    doubt: str

    def __str__(self) -> str:
        about = f"{counted(len(self.files), 'file')} in {self.folder}"
        lines = [f"{about}: one for each image of {self.dataset} {self.split}, all right"]
        lines += [self.doubt] if self.doubt else []
        lines += [f"zipped in {self.archive}"] if self.archive else []
        return "\n".join([*lines, f"upload at {self.upload}"])


def submit(
    folder: str | PathLike[str],
    weights: str | PathLike[str] | None = None,
    data: str | None = None,
    root: str | PathLike[str] | None = None,
    split: str = "val",
    target_size: ImageSize | None = None,
    *,
    zip: bool = False,
    device: str = "auto",
    on_progress: OnProgress = ignore,
) -> Submission:
    """Write the files that a data set's evaluation server expects for a split, and check them; nothing is uploaded.

    Args:
        folder: Where the files go, or lie.
        weights: Run directory or weights file; the files that are in the folder are only checked when absent.
        data: Data set: cityscapes, kitti_semantic or kitti_road; the one of the training when absent.
        root: Its folder; the one of the training when absent.
        split: Its part.
        target_size: (height, width) in pixels that the network sees; as in training when absent.
        zip: Also put the files into FOLDER.zip.
        device: auto, cpu, cuda, ...
        on_progress: Called after each image that is predicted, checked or zipped.

    Raises:
        ConfigError: The data set has no server, or the model has other classes.
        DataError: The data isn't there, or the files aren't what the server takes.
        RunError: There are no weights.

    Example:
        >>> import sceneseg
        >>> submission = sceneseg.submit("berlin", "runs/small", split="val", zip=True, device="cpu")
        >>> len(submission.files), submission.archive.name
        (2, 'berlin.zip')
    """
    folder, root = Path(folder), None if root is None else str(root)
    if weights is not None:
        model = SemanticModel.load(Path(weights), device)
        model.input.target_size = target_size or model.input.target_size
        dataset = scoring.open_scenes(Request(data, root, split), model, Path(weights))
        submission.write_submission(model, dataset, folder, counter(on_progress, "predicting"))
    elif data is None:
        raise ConfigError("Which images is the submission for? Give the name of a data set.", field="data")
    else:
        dataset = datasets.create(data, root=root, split=split)
    files = submission.check_submission(dataset, folder, counter(on_progress, "checking"))
    archive = folder.with_name(f"{folder.name}.zip") if zip else None
    if archive is not None:
        submission.write_zip(dataset, files, archive, counter(on_progress, "zipping"))
    upload, doubt = submission.rules_of(dataset).upload, submission.doubts(dataset)
    return Submission(folder, dataset.name, dataset.split, tuple(files), archive, upload, doubt)
