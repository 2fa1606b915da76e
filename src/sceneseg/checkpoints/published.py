"""Published checkpoints: which files of an origin exist, where they lie, and what their authors say of them."""

from dataclasses import dataclass

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".tar")
"""Endings of an address at which the file itself lies, rather than a page with a link to it."""


@dataclass(frozen=True)
class Published:
    """A checkpoint that somebody published, as its publisher describes it; nothing of it is measured here.

    Checkpoints of mmsegmentation aren't listed by their origins: the zoo's own table has them.

    Args:
        name: What people call it: the file's name without its ending, or the repository's name.
        address: Where it lies: ``hf:OWNER/NAME`` (with ``:FILE`` where the repository has several networks), the web
            address of the file, or the web address of a page from which people fetch it by hand (Google Drive, a
            README).
        data: Registry name of the data set that it was trained on (``"cityscapes"``, ``"ade20k"``), or the name that
            people know where there is no such data set (``"Pascal VOC"``).
        score: Mean IoU in [0, 1] that the publisher reports; None where there is none.
        protocol: How the score came about, in a few words: split, scales, window (``"val, whole image, one scale"``).
        license: Key of the weights' license in the table of licenses.
        bytes: Size of the file; None where it isn't known.

    Example:
        >>> file = Published("model_final_v1_city_new", "https://example.org/model_final_v1_city_new.pth", "cityscapes",
        ...                  0.7544, "val, whole image, one scale", "MIT")
        >>> file.weights
        'https://example.org/model_final_v1_city_new.pth'
    """

    name: str
    address: str
    data: str
    score: float | None = None
    protocol: str = ""
    license: str = ""
    bytes: int | None = None

    @property
    def weights(self) -> str | None:
        """Name by which every verb takes these weights; None where they have to be fetched by hand."""
        direct = self.address.startswith(("hf:", "mmseg:")) or self.address.endswith(SUFFIXES)
        return self.address if direct else None
