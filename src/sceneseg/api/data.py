"""`list_data` and `get_data`: data sets from their publishers."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sceneseg.api.progress import OnProgress, Transfer, ignore
from sceneseg.errors import DataError
from sceneseg.fetching.datasets import SOURCES, Source, fetch, find_source, is_fetched


@dataclass(frozen=True)
class FetchedData:
    """A data set that is in place.

    Args:
        name: Its name on the shelf of data sets.
        path: Its folder.

    Example:
        >>> from pathlib import Path
        >>> import sceneseg
        >>> sceneseg.FetchedData("camvid", Path("data/camvid")).path.name
        'camvid'
    """

    name: str
    path: Path


def list_data() -> tuple[Source, ...]:
    """Return the data sets that `get_data` can fetch, with their sizes and terms of use.

    Example:
        >>> import sceneseg
        >>> [source.name for source in sceneseg.list_data()]
        ['camvid', 'ade20k', 'kitti_road', 'cityscapes']
    """
    return SOURCES


def get_data(
    name: str,
    out: str | Path | None = None,
    *,
    accept_terms: bool | Callable[[Source], bool] = False,
    keep_archives: bool = False,
    on_progress: OnProgress = ignore,
) -> FetchedData:
    """Fetch a data set from its publisher; one that is there already is left as it is.

    A download that was interrupted is resumed. Cityscapes needs your own account with it, and a terminal.

    Args:
        name: camvid, ade20k, kitti_road or cityscapes.
        out: The data set's folder; ``data/NAME`` when absent.
        accept_terms: Whether you have read the terms of use and accept them; or a function that is given the source
            and answers, called only when something has to be fetched.
        keep_archives: Keep the downloaded archives in the folder ``OUT.download``.
        on_progress: Called while bytes arrive, are checked and unpacked.

    Raises:
        UnknownNameError: No data set of that name can be fetched.
        DataError: The terms of use aren't accepted, or something is in the way, on the disk or in the archives.
        TransferError: The network or the disk is in the way.

    Example:
        >>> import sceneseg
        >>> sceneseg.get_data("camvid")
        Traceback (most recent call last):
            ...
        sceneseg.errors.DataError: The terms of use of camvid must be accepted first: ...
    """
    source = find_source(name)
    path = Path("data") / source.name if out is None else Path(out)
    if not is_fetched(source, path.expanduser()):
        accepted = accept_terms(source) if callable(accept_terms) else accept_terms
        if not accepted:
            raise DataError(
                f"The terms of use of {source.name} must be accepted first: read {source.terms_address}, then "
                f"set accept_terms. Nothing was fetched.",
                field="accept_terms",
            )
    fetch(source, path, Transfer(on_progress), keep_archives=keep_archives)
    return FetchedData(source.name, path)
