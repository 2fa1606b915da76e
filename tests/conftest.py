"""What several tests need: the real data beside the project, which may be absent."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SCENESEG_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real samples (CamVid, Cityscapes, ...); skips the test where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED}: no real data here (set SCENESEG_DATA to use it)")
    return SHARED
