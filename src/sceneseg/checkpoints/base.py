"""Base class of origins: the facts about one code base's files of one architecture.

An origin holds facts, most of them as data: by which tensors its files are recognized, what our names for theirs are,
which networks they can be, and how their authors fed them. `sceneseg.checkpoints.conversion` applies them.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from sceneseg.arrays import ImageSize
from sceneseg.checkpoints.published import Published
from sceneseg.checkpoints.reading import Checkpoint
from sceneseg.checkpoints.renaming import Rules, rename
from sceneseg.labels import LabelSpace

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Convention:
    """Input and outputs of a network, as its authors feed it and read it.

    Args:
        label_space: Of the outputs: the name of a data set or of a file in ``checkpoints/label_spaces``, or the space.
        mean: Subtracted, RGB, for values in [0, 1].
        std: Divided by, RGB, for values in [0, 1].
        blue_first: Regular expressions of our tensors whose last three input channels (dimension 1) are an image with
            blue first; they are turned round, so that the network takes RGB.
        size: (height, width) that images are resized to; None leaves them as they are.
        resize: One of `sceneseg.inference.resizing.METHODS`.
        enlarge: What is enlarged from the network's size to the image's, "logits" or "labels".
        void_output: The output that stands for none of the classes.
        rows: For each class of the label space, in order, the output that stands for it, where theirs are ordered
            otherwise.

    Example:
        >>> Convention("cityscapes").resize
        'opencv'
    """

    label_space: str | LabelSpace
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    blue_first: tuple[str, ...] = ()
    size: ImageSize | None = None
    resize: str = "opencv"
    enlarge: str = "logits"
    void_output: int | None = None
    rows: tuple[int, ...] | None = None


class Origin(ABC):
    """Files of one architecture, as one code base writes them."""

    title: ClassVar[str]
    """Code base, for people: "XuJiacong/PIDNet"."""
    url: ClassVar[str]
    """Its address."""
    license: ClassVar[str]
    """Key of the weights' license in the table of licenses."""
    model: ClassVar[str]
    """Registry name of our architecture."""
    signature: ClassVar[tuple[str, ...]] = ()
    """Tensors that all files of this origin have, and those of no other origin all have together."""
    rules: ClassVar[Rules] = ()
    """Regular expressions that turn their names into ours, applied in order."""
    training_only: ClassVar[tuple[str, ...]] = ()
    """Regular expressions of their tensors that only training uses, such as auxiliary heads that ours don't have."""
    missing_bias: ClassVar[tuple[str, ...]] = ()
    """Regular expressions of our biases that they don't have; these are filled with zeros."""
    head: ClassVar[str]
    """Our tensor whose first dimension is the number of outputs."""
    class_rows: ClassVar[tuple[str, ...]] = ()
    """Regular expressions of our tensors whose first dimension are the outputs, for files with another order of classes
    (`Convention.rows`)."""
    published: ClassVar[tuple[Published, ...]] = ()
    """Files that the authors published."""

    def recognizes(self, checkpoint: Checkpoint) -> bool:
        """Return whether a file is of this origin, as far as names tell."""
        return bool(self.signature) and all(key in checkpoint.state for key in self.signature)

    @abstractmethod
    def candidates(self, checkpoint: Checkpoint) -> Iterable[dict[str, Any]]:
        """Return the arguments of the networks that a file can be of, without `num_classes`; preferred ones first.

        Of those whose tensors are all there in the right shapes, the one is taken that leaves the fewest over.
        """

    @abstractmethod
    def convention(self, checkpoint: Checkpoint, outputs: int) -> Convention:
        """Return how the network is fed, and what its outputs mean.

        Args:
            checkpoint: The file.
            outputs: How many outputs it has.

        Raises:
            RunError: So many outputs tell nothing.
        """

    def tensors(self, checkpoint: Checkpoint) -> dict[str, Tensor]:
        """Return the tensors by our names; those without a rule keep theirs."""
        return rename(checkpoint.state, self.rules)

    def adapted(self, tensors: dict[str, Tensor], arguments: dict[str, Any]) -> dict[str, Tensor]:
        """Return the tensors as our network takes them, once it is known which network it is.

        Args:
            tensors: By our names.
            arguments: Of the network.
        """
        return tensors
