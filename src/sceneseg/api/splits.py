"""Splits of data sets by name, as several functions take them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sceneseg import datasets
from sceneseg.datasets.base import SceneDataset


def open_split(
    data: str,
    root: str | Path | None,
    split: str,
    label_space: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
) -> SceneDataset:
    """Open a split of a data set.

    Args:
        data: Its name.
        root: Its folder; its environment variable when absent.
        split: The split.
        label_space: Another label space than its own, see `sceneseg.labels.choose_space`.
        options: Further arguments of the data set.

    Raises:
        UnknownNameError: There is no such data set.
        ConfigError: An argument doesn't fit.
        DataError: It isn't where it should be.
    """
    arguments = dict(options or {})
    if label_space is not None:
        arguments["label_space"] = str(label_space)
    return datasets.create(data, root=root, split=split, **arguments)
