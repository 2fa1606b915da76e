import numpy as np

from sceneseg.bench.images import street_images


def test_streets_have_any_size_and_are_always_the_same():
    assert street_images((17, 40), 2).shape == (2, 17, 40, 3)
    assert np.array_equal(street_images((64, 128), 3), street_images((64, 128), 3))
    first, second = street_images((64, 128), 2)
    assert not np.array_equal(first, second)
