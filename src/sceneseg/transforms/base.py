"""The base class of transforms, and what they are given: a sample on the CPU, or a batch on its device.

All randomness of a transform lies in `draw`, which gets the sample's own generator: the same seed and sample number
give the same sample, whichever process asks for it. `apply` draws nothing.
"""

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

import numpy as np

from sceneseg.arrays import FloatArray, ImageSize, InstanceArray, LabelArray, PixelArray
from sceneseg.transforms.geometry import Window

if TYPE_CHECKING:
    from torch import Tensor

Where = Literal["window", "sample", "device"]
P = TypeVar("P")

FULL_SCALE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
"""Type of an image -> the value that stands for 1."""


def sample_generator(seed: int, number: int) -> np.random.Generator:
    """Return the random generator of one sample of a run; it depends on nothing else.

    Example:
        >>> a, b = sample_generator(0, 7), sample_generator(0, 7)
        >>> bool(a.random() == b.random())
        True
    """
    return np.random.Generator(np.random.Philox(key=[seed, number]))


@dataclass(frozen=True)
class SampleInfo:
    """Facts about a sample that a transform may use when it draws.

    Args:
        number: The sample's, counted over the whole run.
        name: Of the scene or image that it is cut from.
        image_size: (height, width) of that image, in pixels.
        size: (height, width) of the sample.
        base_size: (height, width) that scale 1 stands for: the target size, or the image's own.
        window: Where the sample lies in the image; None while the windows are drawn.
    """

    number: int
    name: str
    image_size: ImageSize
    size: ImageSize
    base_size: ImageSize
    window: Window | None = None

    def showing(self, window: Window) -> "SampleInfo":
        """Return the same with the window that was drawn."""
        return SampleInfo(self.number, self.name, self.image_size, self.size, self.base_size, window)

    @property
    def span(self) -> tuple[float, float]:
        """Rows of the whole image that the sample shows, 0 the top and 1 the bottom.

        Example:
            >>> SampleInfo(0, "a", (100, 200), (50, 50), (100, 200), Window((1.0, 1.0), 50, 0, False, (50, 50))).span
            (0.5, 1.0)
        """
        if self.window is None:
            return 0.0, 1.0
        matrix = self.window.matrix()
        top, bottom = (matrix[1, 1] * row + matrix[1, 2] + 0.5 for row in (-0.5, self.size[0] - 0.5))
        return float(top) / self.image_size[0], float(bottom) / self.image_size[0]


@dataclass(frozen=True)
class Sample:
    """Training sample on the CPU.

    Args:
        image: (H, W, 3) uint8, uint16 or float32 RGB, see `FULL_SCALE`.
        labels: (H, W) train ids, 255 where void; or (), int64: the class of a whole image, which transforms don't see.
        instances: (H, W) int32, 0 where there is no single object; None unless the task asks for them.
        name: The scene or image that it was cut from.
        params: What each device transform has drawn, float32 by its name.
    """

    image: PixelArray
    labels: LabelArray | None
    instances: InstanceArray | None = None
    name: str = ""
    params: dict[str, FloatArray] = field(default_factory=dict)


class Transform(ABC, Generic[P]):
    """A random change of training samples; what is derived from it is one of the three kinds below.

    Its constructor takes plain values (they come from YAML), with the ranges of `sceneseg.ranges`, and keeps each under
    its own name.
    """

    where: ClassVar[Where]

    @abstractmethod
    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> P:
        """Draw what `apply` needs.

        Args:
            rng: The sample's own; nothing else may be random.
            sample: What is known of the sample.
        """

    def __repr__(self) -> str:
        names = [name for name in inspect.signature(type(self)).parameters if hasattr(self, name)]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"


class WindowTransform(Transform[P]):
    """A transform of geometry: it moves the window that a sample shows, before any pixel is read."""

    where: ClassVar[Where] = "window"

    @abstractmethod
    def apply(self, window: Window, drawn: P) -> Window:
        """Return the window of the sample.

        Args:
            window: As the transforms before it left it; at first the whole image, resized to scale 1.
            drawn: From `draw`.
        """


class SampleTransform(Transform[P]):
    """A transform of one sample on the CPU, in the process that reads it."""

    where: ClassVar[Where] = "sample"

    @abstractmethod
    def apply(self, sample: Sample, drawn: P) -> Sample:
        """Return the changed sample: arrays of the same sizes and types; those of `sample` must stay as they are.

        What moves pixels must move labels and instances alike, by nearest neighbor; new pixels are 255 in the labels
        and 0 in the instances.

        Args:
            sample: Image, labels (None for whole images) and perhaps instances.
            drawn: From `draw`.
        """


class DeviceTransform(Transform[Any]):
    """A transform of whole batches on their device; what `draw` returns are float numbers, as many for each sample."""

    where: ClassVar[Where] = "device"

    @abstractmethod
    def draw(self, rng: np.random.Generator, sample: SampleInfo) -> FloatArray:
        """Draw an array of one shape for every sample; it becomes float32."""

    @abstractmethod
    def apply(self, image: "Tensor", drawn: "Tensor") -> "Tensor":
        """Return the changed images, (B, 3, H, W) in [0, 1].

        Each image must be changed by itself, as a batch may be computed in parts.

        Args:
            image: (B, 3, H, W) float32 in [0, 1], on the device.
            drawn: (B, ...) float32: what `draw` returned for each, on the device.
        """
