"""User-supplied transforms from Python: on the shelf for one training, and recorded by their reprs."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sceneseg.errors import ConfigError
from sceneseg.registry import USER_SUPPLIED
from sceneseg.standalone import unique
from sceneseg.transforms import transforms
from sceneseg.transforms.base import DeviceTransform, SampleTransform, Transform, WindowTransform

KINDS = (WindowTransform, SampleTransform, DeviceTransform)


@contextmanager
def transform_entries(given: Sequence[Any]) -> Iterator[list[dict[str, Any]]]:
    """Put transforms on the shelf; yield the `AugmentConfig.transforms` of each: ``{"own:Name": {"repr": ...}}``.

    A run that is resumed with other transforms has another configuration, and is refused like any other change of it.

    Args:
        given: `Transform`s, or transforms of albumentations or torchvision v2.

    Raises:
        ConfigError: One of them is something else.
    """
    if not isinstance(given, Sequence):
        raise ConfigError(
            f"transforms: expected a list of transforms, found {type(given).__name__}. Put it into a list.",
            field="transforms",
        )
    made = [as_transform(one) for one in given]
    names = unique([type(one).__name__ for one in given])
    with ExitStack() as shelf:
        registered = [
            shelf.enter_context(transforms.temporarily(name, _factory(transform)))
            for name, transform in zip(names, made, strict=True)
        ]
        yield [{name: {"repr": _described(one)}} for name, one in zip(registered, given, strict=True)]


def is_own(entry: dict[str, Any]) -> bool:
    """Return whether an entry of `AugmentConfig.transforms` stands for a transform that a program gave."""
    return any(name.startswith(USER_SUPPLIED) for name in entry)


def as_transform(given: Any) -> Transform[Any]:
    """Return a transform, or what adapts one of albumentations or torchvision v2.

    Raises:
        ConfigError: It is something else.
    """
    if isinstance(given, KINDS):
        return given
    origins = {kind.__module__ for kind in type(given).__mro__}
    if any(origin.partition(".")[0] == "albumentations" for origin in origins):
        from sceneseg.transforms.albumentations import AlbumentationsTransform

        return AlbumentationsTransform(given)
    if any(origin.startswith("torchvision.transforms.v2") for origin in origins):
        from sceneseg.transforms.torchvision import TorchvisionTransform

        return TorchvisionTransform(given)
    found = f"the class {given.__name__}: give an object of it" if isinstance(given, type) else type(given).__name__
    raise ConfigError(
        f"transforms: expected objects of a WindowTransform, SampleTransform or DeviceTransform, of albumentations or "
        f"of torchvision.transforms.v2, found {found}.",
        field="transforms",
    )


def _factory(transform: Transform[Any]) -> Any:
    def own(repr: str = "") -> Transform[Any]:
        return transform

    return own


def _described(given: Any) -> str:
    """Return its repr in one line; its class alone where the repr is Python's own, with an address."""
    kind: Any = type(given)
    return f"{kind.__name__}()" if kind.__repr__ is object.__repr__ else " ".join(repr(given).split())
