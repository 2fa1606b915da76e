"""Label spaces of data sets that checkpoints were trained on and that this project doesn't read, one file each.

A file lists the classes in the order of the outputs: name, then the color as RGB.
"""

from functools import cache
from importlib import resources

from sceneseg.config.reading import parse_yaml
from sceneseg.labels import LabelClass, LabelSpace

FOLDER = resources.files(__name__)


def names() -> list[str]:
    """Return the names of the spaces.

    Example:
        >>> "pascal_voc" in names()
        True
    """
    return sorted(file.name.removesuffix(".yaml") for file in FOLDER.iterdir() if file.name.endswith(".yaml"))


@cache
def named_space(name: str) -> LabelSpace:
    """Return a label space; the label ids of its classes are their numbers.

    Args:
        name: One of `names`.

    Example:
        >>> named_space("pascal_voc").names[15]
        'person'
    """
    listed = parse_yaml(FOLDER.joinpath(f"{name}.yaml").read_text("utf-8"), name)
    classes = [LabelClass(text, (red, green, blue), (i,)) for i, (text, red, green, blue) in enumerate(listed)]
    return LabelSpace(name, tuple(classes), void_label_id=255)
