"""A repaired copy of a data set, as images, masks of train ids, and the YAML file that reads them."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import yaml
from PIL import Image as PillowImage

from sceneseg.arrays import AnyArray, ImageArray, LabelArray
from sceneseg.datasets.base import read_image
from sceneseg.datasets.folder import Folder
from sceneseg.datasets.masks import StoredMask, color_code, color_of, read_mask
from sceneseg.datasets.packed import Packed
from sceneseg.doctor.diagnosis import Diagnosis
from sceneseg.doctor.facts import Pair
from sceneseg.doctor.findings import Patient
from sceneseg.doctor.ids import holds_ids, understand
from sceneseg.doctor.palettes import palettes_differ
from sceneseg.errors import DataError
from sceneseg.labels import IGNORE_INDEX, LabelSpace
from sceneseg.records.locks import LOCK, alone
from sceneseg.records.run_directory import atomic, write_text
from sceneseg.records.temporaries import is_temporary

UNKNOWN = -1
"""Stands for values and colors without a meaning."""
MARKER = ".sceneseg-repair"
"""File that marks the folder of a repair that isn't finished; no other folder's files are replaced."""
UNFINISHED = "A repair by sceneseg that isn't finished: run the command again to replace these files.\n"
FOLDERS = ("images", "masks")
DESCRIPTION = "data.yaml"


@dataclass(frozen=True)
class Repaired:
    """A repaired copy that was written.

    Args:
        pairs: Number of images with masks.
        left_out: Image file -> why it isn't in the copy.
        became_void: Pixels that were something else and are void now, as their class isn't known.
        names_to_fill_in: Whether the YAML file has made-up names, one for each color.

    Example:
        >>> import sceneseg
        >>> sceneseg.Repaired(pairs=9).left_out
        {}
    """

    pairs: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    became_void: int = 0
    names_to_fill_in: bool = False


def repair(diagnosis: Diagnosis, out: Path, progress: Callable[[int, int], None] | None = None) -> Repaired:
    """Write a copy of a data set in which what can be cured is cured, to be read by the data set "folder".

    A folder that isn't finished is marked as such; what an interrupted repair left there is written anew.

    Args:
        diagnosis: What was found.
        out: A new or empty folder, or one in which a repair was interrupted.
        progress: Is called with the number of pairs that are done, and of all.

    Raises:
        DataError: The folder isn't empty, or the data set is packed.
    """
    if any(isinstance(dataset, Packed) for dataset in diagnosis.patient.datasets.values()):
        raise DataError("A packed data set isn't repaired: repair the one it was made from, and pack that again.")
    surgeon = Surgeon(diagnosis.patient, out)
    _refuse_other_files(out, diagnosis.patient)
    out.mkdir(parents=True, exist_ok=True)
    with alone(out, "is being repaired by", DataError):
        write_text(out / MARKER, UNFINISHED)
        (out / DESCRIPTION).unlink(missing_ok=True)  # without it nobody takes the folder for a data set
        for folder in FOLDERS:
            shutil.rmtree(out / folder, ignore_errors=True)  # perhaps of other images than are written now
        repaired = _write_all(surgeon, progress)
        write_text(out / DESCRIPTION, surgeon.description())
        (out / MARKER).unlink()
    return repaired


def _refuse_other_files(out: Path, patient: Patient) -> None:
    """Refuse a folder with anything in it, unless it is marked as an unfinished repair and holds nothing else."""
    if not os.path.lexists(out):
        return
    names = [p.name for p in out.iterdir()] if out.is_dir() else [f"a file called {out.name}"]
    found = sorted(name for name in names if name != LOCK and not is_temporary(name))
    others = set(found) - {MARKER, DESCRIPTION, *FOLDERS} | {name for name in found if (out / name).is_symlink()}
    is_source = any(p.files.image.resolve().is_relative_to(out.resolve()) for p in patient.pairs)
    if found and (MARKER not in found or others or is_source):
        raise DataError(
            f"{out}: expected a new or empty folder for the repaired copy, or one in which a repair was interrupted; "
            f"found {', '.join(found[:6])}. Give another one."
        )


def _write_all(surgeon: "Surgeon", progress: Callable[[int, int], None] | None) -> Repaired:
    patient = surgeon.patient
    jobs = [(split, i) for split, part in patient.parts.items() for i in range(len(part))]
    pairs, became_void, left_out = 0, 0, {}
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = pool.map(lambda job: surgeon.mend(*job), jobs)
        for done, ((split, i), result) in enumerate(zip(jobs, results, strict=True), start=1):
            if isinstance(result, str):
                left_out[str(patient.parts[split][i].files.image)] = result
            else:
                pairs += 1
                became_void += result
            if progress:
                progress(done, len(jobs))
    return Repaired(pairs, left_out, became_void, bool(surgeon.learned))


class Surgeon:
    """Knows how each pair of a data set is to be mended.

    Args:
        patient: What was examined.
        out: Folder of the copy.
    """

    def __init__(self, patient: Patient, out: Path) -> None:
        self.patient = patient
        self.out = out
        self.space = patient.space
        values = {v for pair in patient.pairs if holds_ids(pair, patient) for v in pair.values or {}}
        reading = understand(values, self.space)
        self.label_ids = reading.label_ids if reading else {}
        self.by_palette = palettes_differ(patient.pairs) is not None
        self.colors: Counter[int] = Counter()
        for pair in patient.pairs:
            self.colors.update(pair.colors if pair.has_colors else {})
            if self.by_palette:
                self.colors.update({code: (pair.values or {})[number] for number, code in pair.palette.items()})
        self.palette = {color_code(c.color): i for i, c in enumerate(self.space.classes)}
        if patient.table:
            ids = np.array([list(patient.table.colors.values())])
            self.palette = dict(zip(patient.table.colors, self.space.encode(ids)[0].tolist(), strict=True))
        self.learned = [] if self._knows_colors() else sorted(self.colors)
        if len(self.learned) >= IGNORE_INDEX:
            raise DataError(
                f"The masks hold {len(self.learned)} colors, too many for classes. Export them again as ids."
            )
        if self.learned:  # their meaning isn't known: each becomes a class of its own
            self.palette = {code: i for i, code in enumerate(self.learned)}
        self.later = self._in_later_splits()
        self.named = {split: {p.files.name: p for p in reversed(part)} for split, part in patient.parts.items()}

    def _knows_colors(self) -> bool:
        """Whether the colors of the label space are those of the masks, for the most part: void has others."""
        dataset = next(iter(self.patient.datasets.values()))
        if isinstance(dataset, Folder):
            return self.patient.table is not None or not self.colors  # else its palette was made up
        return 2 * sum(self.colors[code] for code in self.palette) >= self.colors.total()

    def _in_later_splits(self) -> dict[str, set[bytes]]:
        """Return for each split the images that come again in one behind it, which is where they stay."""
        digests = {split: {p.digest for p in part if p.digest} for split, part in self.patient.parts.items()}
        splits = list(digests)
        return {split: set().union(*(digests[s] for s in splits[i + 1 :])) for i, split in enumerate(splits)}

    def mend(self, split: str, i: int) -> int | str:
        """Write one pair; return how many pixels of it became void, or why it isn't written."""
        pair = self.patient.parts[split][i]
        try:
            self._check(pair, split)
            return self._write(pair, split, i)
        except DataError as error:
            return str(error)

    def _check(self, pair: Pair, split: str) -> None:
        for picture in (pair.image, pair.mask):
            if picture is not None and picture.problem:
                raise DataError(f"{picture.path.name}: {picture.problem}")
        if pair is not self.named[split][pair.files.name]:
            raise DataError(f'the name "{pair.files.name}" is that of an image before it')
        if pair.digest in self.later[split]:
            raise DataError("the image is in another split, too")

    def _write(self, pair: Pair, split: str, i: int) -> int:
        image_file, mask_file = pair.files.image, pair.files.labels
        if pair.is_swapped and mask_file:
            image_file, mask_file = mask_file, image_file
        image = read_image(image_file)
        became_void = 0
        if mask_file is not None:
            labels, became_void = self._labels(pair, split, i, mask_file)
            if labels.shape != image.shape[:2]:
                image, labels = _fitted(image, labels, image_file)
            _write_png(self.out / "masks" / split / f"{pair.files.name}.png", labels)
        target = self.out / "images" / split / f"{pair.files.name}{image_file.suffix}"
        if _is_plain(pair) and image_file == pair.files.image:
            with atomic(target) as temporary:
                temporary.write_bytes(image_file.read_bytes())  # an error of the disk then names the copy
        else:
            _write_png(target.with_suffix(".png"), image)
        return became_void

    def _labels(self, pair: Pair, split: str, i: int, mask_file: Path) -> tuple[LabelArray, int]:
        """Return the train ids of a mask, and how many pixels became void."""
        if pair.labels is not None and not self.label_ids and not pair.is_swapped and not self.by_palette:
            labels = self.patient.datasets[split].read_labels(i)
            if labels is not None:
                return labels, 0
        stored = read_mask(mask_file)
        blurred = pair.has_lossy_mask or self.patient.is_smooth(pair)
        if self._holds_colors(pair, stored):
            labels, became_void = self._from_colors(stored, blurred)
        elif self.learned:
            raise DataError("its mask holds ids, where other masks hold colors of unknown meaning")
        else:
            labels, became_void = self._from_ids(stored.values, blurred)
        if stored.transparent is None:
            return labels, int(became_void.sum())
        return np.where(stored.transparent, np.uint8(IGNORE_INDEX), labels), int(became_void[~stored.transparent].sum())

    def _holds_colors(self, pair: Pair, stored: StoredMask) -> bool:
        if stored.values.ndim == 3 or (self.by_palette and stored.has_own_palette):
            return True
        if pair.is_swapped:
            return self.patient.table is not None and self.patient.table.meaning(stored) == "colors"
        return bool(pair.colors)

    def _from_colors(self, stored: StoredMask, blurred: bool) -> tuple[LabelArray, npt.NDArray[np.bool_]]:
        """Read colors; of blurred ones the nearest, of others the nearest where it is clear which one was meant."""
        if not self.learned and not self._knows_colors():
            raise DataError("its mask holds colors, and their classes aren't known")
        pixels = stored.color_codes
        if pixels is None:
            raise DataError("its mask holds colors of 16 bits")
        codes, at = np.unique(pixels, return_inverse=True)
        known = np.array([color_of(code) for code in self.palette])
        train_ids = list(self.palette.values())
        new = np.full(len(codes), UNKNOWN)
        for n, code in enumerate(codes.tolist()):
            if code in self.palette:
                new[n] = self.palette[code]
            elif blurred:
                new[n] = train_ids[int(np.square(known - color_of(code)).sum(1).argmin())]
            elif self.patient.table and (meant := self.patient.table.nearest(code)) is not None:
                new[n] = self.palette[meant]
        return _with_void(new[at].reshape(pixels.shape))

    def _from_ids(self, stored: AnyArray, blurred: bool) -> tuple[LabelArray, npt.NDArray[np.bool_]]:
        """Read ids as they are meant; of blurred ones the nearest that is known, of others none that isn't."""
        train_ids = {label_id: n for n, c in enumerate(self.space.classes) for label_id in c.label_ids}
        train_ids |= dict.fromkeys(self.space.void_ids, IGNORE_INDEX)
        if self.label_ids:
            train_ids = {value: train_ids.get(meant, IGNORE_INDEX) for value, meant in self.label_ids.items()}
        known = np.array(sorted(train_ids))
        values, at = np.unique(stored, return_inverse=True)
        if blurred:
            unknown = [value for value in values.tolist() if value not in train_ids]
            train_ids |= {value: train_ids[int(known[np.abs(known - value).argmin()])] for value in unknown}
        new = np.array([train_ids.get(value, UNKNOWN) for value in values.tolist()])
        return _with_void(new[at].reshape(stored.shape))

    def description(self) -> str:
        """Return the YAML file."""
        if self.learned:
            colors = {f"color_{code:06x}": list(color_of(code)) for code in self.learned}
            content: dict[str, object] = {"names": list(colors), "colors": colors}
        else:
            groups = {g: [c.name for c in self.space.classes if c.category == g] for g in self.space.categories}
            content = {"name": self.space.name, "names": self.space.names}
            content |= {"colors": {c.name: list(c.color) for c in self.space.classes}} if _distinct(self.space) else {}
            content |= {"groups": groups} if groups else {}
        return yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)


def _fitted(image: ImageArray, labels: LabelArray, image_file: Path) -> tuple[ImageArray, LabelArray]:
    """Bring an image and its labels to one size: the image as stored, or labels enlarged, if the shape is the same."""
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    stored: AnyArray = np.asarray(cv2.imdecode(np.fromfile(image_file, np.uint8), flags))
    if stored.shape[:2] == labels.shape:
        return np.ascontiguousarray(stored[..., ::-1]), labels
    (height, width), (rows, columns) = image.shape[:2], labels.shape
    if abs(height * columns - width * rows) > max(height, width, rows, columns):  # one pixel by rounding
        raise DataError("image and mask have different shapes")
    return image, cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.uint8)


def _with_void(labels: npt.NDArray[np.int64]) -> tuple[LabelArray, npt.NDArray[np.bool_]]:
    """Return labels with void where nothing is known, and where that is."""
    unknown = labels == UNKNOWN
    return np.where(unknown, IGNORE_INDEX, labels).astype(np.uint8), unknown


def _is_plain(pair: Pair) -> bool:
    return pair.image.mode in {"RGB", "L"} and pair.image.depth == 8 and pair.image.orientation == 1


def _distinct(space: LabelSpace) -> bool:
    return len({c.color for c in space.classes}) == len(space)


def _write_png(path: Path, pixels: AnyArray) -> None:
    with atomic(path) as temporary:
        PillowImage.fromarray(pixels).save(temporary, "PNG")
