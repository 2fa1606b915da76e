import numpy as np
import pytest

from sceneseg import datasets
from sceneseg.errors import DataError
from sceneseg.loading.sampling import (
    GRID,
    ClassLocation,
    ClassLocations,
    aim,
    draw_class_location,
    find_class_locations,
    progressive_factor,
    shrunk,
)
from sceneseg.transforms.base import SampleInfo, sample_generator
from sceneseg.transforms.flip import Flip
from sceneseg.transforms.geometry import Window, cut
from sceneseg.transforms.pipeline import Pipeline
from sceneseg.transforms.random_scale_crop import RandomScaleCrop


@pytest.fixture(scope="module")
def toy(toy_root):
    return datasets.create("cityscapes", root=toy_root, split="train")


@pytest.fixture(scope="module")
def places(toy):
    return find_class_locations(toy)


def draws(places, share, seed=0, count=4000):
    return [draw_class_location(places, seed, number, share) for number in range(count)]


def test_places_have_their_class(toy, places):
    height, width = toy.read_labels(0).shape[0] // GRID[0], toy.read_labels(0).shape[1] // GRID[1]
    present = sorted({int(c) for i in range(len(toy)) for c in np.unique(toy.read_labels(i))} - {255})
    assert len(places.cells) == len(present)
    for label, cells in zip(present, places.cells, strict=True):
        for scene, row, column in cells[:20]:
            part = toy.read_labels(scene)[row * height : (row + 1) * height, column * width : (column + 1) * width]
            assert (part == label).any()


def test_large_scenes_are_looked_through_sparsely():
    class Painted:
        name, split, label_space = "painted", "train", datasets.cityscapes.LABEL_SPACE

        def __len__(self):
            return 1

        def read_labels(self, i):
            labels = np.full((1024, 2048), 255, np.uint8)
            labels[130:250, 260:380] = 3  # within the cell in row 1, column 2
            labels[600:603, 0] = 5  # too little
            return labels

    assert [cells.tolist() for cells in find_class_locations(Painted()).cells] == [[[0, 1, 2]]]


def test_every_class_is_drawn_alike():
    """A class found in one cell as often as one found in a thousand."""
    rare, common = np.array([[7, 0, 0]]), np.column_stack([np.arange(1000) % 5, *[np.arange(1000) % 8] * 2])
    drawn = [p.scene == 7 for p in draws(ClassLocations([rare.astype(np.int32), common.astype(np.int32)]), 1.0)]
    assert abs(np.mean(drawn) - 0.5) < 0.03


def test_a_share_of_the_samples_is_drawn_so(places):
    assert abs(np.mean([p is not None for p in draws(places, 0.3)]) - 0.3) < 0.03
    assert not any(draws(places, 0.0))


def test_draws_depend_on_seed_and_number_alone(places):
    assert draw_class_location(places, 3, 8, 1.0) == draw_class_location(places, 3, 8, 1.0)
    assert draws(places, 1.0, count=50) != draws(places, 1.0, seed=1, count=50)
    few, many = draws(places, 0.2, count=200), draws(places, 0.9, count=200)
    assert all(a == b for a, b in zip(few, many, strict=True) if a is not None)  # a larger share adds samples


def test_windows_show_what_they_aim_at(toy):
    """A marked pixel is in every sample, at places all over it, and samples stay inside the image."""
    image, pipeline = toy.read(0).image, Pipeline([RandomScaleCrop((0.8, 2.0)), Flip()])
    size = image.shape[:2]
    shown = []
    for number in range(60):
        generator = sample_generator(0, number)
        row, column = generator.integers(0, size[0]), generator.integers(0, size[1])
        marks = np.zeros(size, np.uint8)
        marks[row, column] = 1
        marks = np.maximum.reduce([marks, *(np.roll(marks, s, a) for s in (-1, 1) for a in (0, 1))])
        place = ClassLocation(0, (row + 0.5) / size[0], (column + 0.5) / size[1])
        info = SampleInfo(number, "", image_size=size, size=(32, 48), base_size=size)
        window = aim(generator, pipeline.window(generator, info), place, size)
        _, ids = cut(image, marks, window)
        assert (ids == 1).any()
        assert (ids != 255).all()
        shown.append(np.argwhere(ids == 1).mean(0) / (32, 48))
    assert (np.std(shown, axis=0) > 0.2).all()


def test_an_image_that_fits_stays_where_it_is():
    window = Window((0.5, 0.5), -3.0, -2.0, True, (50, 60))
    assert aim(sample_generator(0, 0), window, ClassLocation(0, 0.9, 0.1), (90, 100)) == window


def test_a_split_without_labels_says_so(toy_root):
    with pytest.raises(DataError, match="test split has no labels to choose samples by"):
        find_class_locations(datasets.create("cityscapes", root=toy_root, split="test"))


def test_stages_share_the_epochs():
    assert [progressive_factor((0.5, 1.0), epoch, 4) for epoch in range(6)] == [0.5, 0.5, 1.0, 1.0, 1.0, 1.0]
    assert [progressive_factor((0.25, 0.5, 1.0), epoch, 2) for epoch in range(2)] == [0.25, 0.5]
    assert progressive_factor((1.0,), 0, 0) == 1.0


def test_sizes_shrink_to_what_networks_like():
    assert shrunk((512, 1024), 0.5) == (256, 512)
    assert shrunk((360, 480), 0.5) == (192, 256)  # 180 is nearer to 192 than to 160
    assert shrunk((361, 481), 1.0) == (361, 481)
    assert shrunk((40, 40), 0.1) == (32, 32)
