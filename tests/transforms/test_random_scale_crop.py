from sceneseg.transforms.base import SampleInfo, sample_generator
from sceneseg.transforms.random_scale_crop import RandomScaleCrop


def draw(scale, image, base, size, seed=0, number=0):
    info = SampleInfo(number, "", image_size=image, size=size, base_size=base)
    return RandomScaleCrop(scale).draw(sample_generator(seed, number), info)


def test_draws_depend_on_seed_and_number_alone():
    def at(seed, number):
        return draw((0.5, 2.0), (64, 96), (64, 96), (32, 48), seed, number)

    assert at(3, 7) == at(3, 7)
    assert at(3, 7) != at(3, 8)
    assert at(3, 7) != at(4, 7)


def test_small_images_are_placed_inside_and_large_ones_cropped():
    for number in range(20):
        small = draw((0.5, 0.5), (60, 100), (60, 100), (40, 40), number=number)
        assert -10 <= small.top <= 0
        assert 0 <= small.left <= 10


def test_a_target_size_is_what_scale_one_means():
    window = draw((1.0, 1.0), (100, 200), (50, 50), (50, 50))
    assert window.scale == (0.5, 0.25)
    assert window.size == (50, 50)
