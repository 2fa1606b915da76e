"""What several tests need: real data beside the project, which may be absent, and toy scenes, which never are."""

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and PyTorch: test processes would wait for each other

import numpy as np
import pytest
import torch

from sceneseg.toy import write_toy_scenes
from serving import heard, server  # noqa: F401 (fixtures)

if not torch.cuda.is_available():  # Triton's kernels then run in its interpreter; it asks when it is imported
    os.environ.setdefault("TRITON_INTERPRET", "1")

SHARED = Path(os.environ.get("SCENESEG_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder with real samples (CamVid, Cityscapes, ...); skips the test where there is none."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED}: no real data here (set SCENESEG_DATA to use it)")
    return SHARED


@pytest.fixture
def write_video() -> Callable[..., None]:
    """Write images of one size as a video of 10 frames a second; skips the test where there is no PyAV."""
    av = pytest.importorskip("av")

    def write_video(file: Path, pictures: list[np.ndarray]) -> None:
        with av.open(str(file), "w") as out:
            stream = out.add_stream("mpeg4", rate=10)
            stream.height, stream.width, stream.pix_fmt = *pictures[0].shape[:2], "yuv420p"
            for picture in pictures:
                out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            out.mux(stream.encode(None))

    return write_video


@pytest.fixture(scope="session")
def toy_root(tmp_path_factory) -> Path:
    """A small toy data set in the layout of Cityscapes."""
    root = tmp_path_factory.mktemp("data") / "toy"
    write_toy_scenes(root, count=12, size=(64, 128), seed=0)
    return root
