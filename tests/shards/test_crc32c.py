import numpy as np
import pytest

from sceneseg.shards import crc32c as kernel
from sceneseg.shards.crc32c import crc32c, crc32c_reference


@pytest.fixture
def no_library(monkeypatch):
    monkeypatch.setattr(kernel, "_google", lambda: None)


@pytest.mark.usefixtures("no_library")
def test_published_values():
    """RFC 3720, appendix B.4, and the value that every implementation is checked with."""
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(bytes([255] * 32)) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(b"") == 0


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("length", [4096, 4097, 5003])
def test_compiled_loop_equals_the_reference(length):
    values = np.random.default_rng(length).integers(0, 256, length, dtype=np.uint8)
    assert crc32c(values.tobytes()) == crc32c_reference(values)


def test_library_equals_the_reference():
    library = pytest.importorskip("google_crc32c")
    data = np.random.default_rng(0).integers(0, 256, 1000, dtype=np.uint8)
    assert library.value(data.tobytes()) == crc32c_reference(data) == crc32c(data.tobytes())
