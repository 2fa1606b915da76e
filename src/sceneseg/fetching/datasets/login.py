"""Cityscapes through cityscapesScripts' own downloader: it asks for the user's login and checks its own md5 sums.

Source: cityscapesScripts (MIT), ``csDownload``. User name and password go from the terminal to that package alone.
"""

import os
import time
from pathlib import Path
from typing import Any

from sceneseg.errors import DataError
from sceneseg.fetching import transfer
from sceneseg.fetching.progress import ProgressReporter


class CityscapesLogin:
    """Login shared by all packages; the user is asked at the first download."""

    def __init__(self) -> None:
        self._session: Any = None

    def download(self, package: str, file: Path, watch: ProgressReporter) -> None:
        """Fetch a package into `file`, which appears only when it is whole.

        Raises:
            DataError: cityscapesScripts isn't there, the login fails, or the transfer does.
        """
        downloader = _downloader()
        arriving = file.parent / "arriving"
        arriving.mkdir(exist_ok=True)
        try:
            self._session = self._session or downloader.login()
            self._persist(downloader, package, arriving, watch)
        except Exception as error:  # csDownload knows no finer class
            if "MD5" in str(error):
                (arriving / package).unlink(missing_ok=True)
            raise DataError(
                f"{package}: csDownload failed: {error or type(error).__name__}. It needs a terminal, and an "
                f"account with access (https://www.cityscapes-dataset.com/register/); run it again to resume."
            ) from error
        (arriving / package).replace(file)

    def _persist(self, downloader: Any, package: str, folder: Path, watch: ProgressReporter) -> None:
        """Resume after broken connections, a few times."""
        for attempt in range(1, transfer.ATTEMPTS + 1):
            _shorten(folder / package)
            try:
                downloader.download_packages(
                    session=self._session, package_names=[package], destination_path=str(folder), resume=True
                )
                return
            except OSError as error:  # all of requests' errors are
                if attempt == transfer.ATTEMPTS:
                    raise
                pause = transfer.FIRST_PAUSE * 2 ** (attempt - 1)
                watch.say(f"{package}: {error}; trying again in {pause:g} s")
                time.sleep(pause)


def _downloader() -> Any:
    try:
        from cityscapesscripts.download import downloader
    except ImportError as error:
        raise DataError(
            "Cityscapes comes through its authors' own downloader, which isn't installed. "
            "Install it with: pip install cityscapesscripts"
        ) from error
    return downloader


def _shorten(file: Path) -> None:
    """Take the last byte off: csDownload can resume a file that lacks something, but not with a whole one."""
    if file.is_file() and (size := file.stat().st_size):
        os.truncate(file, size - 1)
