import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from sceneseg.config.schema import AugmentConfig
from sceneseg.datasets import datasets
from sceneseg.loading.image_samples import CENTER, ImageSamples, crop_center, image_loader
from sceneseg.loading.scene_samples import StepSampler, training_loader
from sceneseg.transforms.base import SampleInfo, sample_generator
from sceneseg.transforms.geometry import Window, center_crop, cut_image
from sceneseg.transforms.pipeline import image_pipeline


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "train" / name).mkdir(parents=True)
        for i in range(4):
            image = rng.integers(0, 256, (30 + i, 40 - i, 3), dtype=np.uint8)
            Image.fromarray(image).save(tmp_path / "train" / name / f"{i}.png")
    return datasets.create("image_folder", root=tmp_path)


def windows(config, count=400, image=(60, 90), size=(32, 32)):
    pipeline = image_pipeline(config)
    return [pipeline.window(sample_generator(0, n), SampleInfo(n, "", image, size, size)) for n in range(count)]


def test_crops_lie_inside_and_keep_to_area_and_ratio():
    drawn = windows(AugmentConfig(area=(0.1, 0.5)))
    heights = np.array([w.size[0] / w.scale[0] for w in drawn])
    widths = np.array([w.size[1] / w.scale[1] for w in drawn])
    tops, lefts = np.array([w.top / w.scale[0] for w in drawn]), np.array([w.left / w.scale[1] for w in drawn])
    assert (tops >= 0).all()
    assert (lefts >= 0).all()
    assert (tops + heights <= 60 + 1e-6).all()
    assert (lefts + widths <= 90 + 1e-6).all()
    shares = heights * widths / (60 * 90)
    assert 0.1 <= shares.min() < 0.12
    assert 0.48 < shares.max() <= 0.5
    ratios = widths / heights
    assert 0.75 <= ratios.min() < 0.77
    assert 1.3 < ratios.max() <= 4 / 3
    assert 0.4 < np.mean([w.flip for w in drawn]) < 0.6


def test_what_never_fits_is_cut_to_fit():
    for window in windows(AugmentConfig(area=(1.0, 1.0)), 50, image=(10, 200)):
        assert window.size[0] / window.scale[0] <= 10 + 1e-9
        assert window.size[1] / window.scale[1] <= 200 + 1e-9


def test_cutting_whole_pixels_copies_them_and_flips():
    image = np.random.default_rng(0).integers(0, 256, (10, 12, 3), dtype=np.uint8)
    assert np.array_equal(cut_image(image, Window((1, 1), 2, 3, False, (5, 6))), image[2:7, 3:9])
    assert np.array_equal(cut_image(image, Window((1, 1), 2, 3, True, (5, 6))), image[2:7, 3:9][:, ::-1])


@pytest.mark.parametrize(("kind", "unit"), [(np.uint16, 257), (np.float32, 1 / 255)])
def test_other_types_are_cut_like_bytes(kind, unit):
    image = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    window = Window((0.5, 0.4), 2, 3, True, (15, 12))
    found = cut_image((image * np.float64(unit)).astype(kind), window)
    assert found.dtype == kind
    assert abs(found / unit - cut_image(image, window)).max() <= 1.01  # Pillow rounds bytes twice


def test_shrinking_averages():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, ::2] = 255  # stripes that sampling single pixels would keep
    small = cut_image(image, Window((0.25, 0.25), 0, 0, False, (16, 16)))
    assert abs(small.astype(int) - 127).max() < 20


def test_the_centre_is_that_of_the_usual_resize_and_crop():
    y, x = np.mgrid[:120, :160]
    image = np.stack([x, y, x + y], 2).astype(np.uint8)
    height, width = 56 / CENTER, 56 / CENTER * 160 / 120
    whole = cv2.resize(image, (round(width), round(height)), interpolation=cv2.INTER_AREA)
    top, left = (whole.shape[0] - 56) // 2, (whole.shape[1] - 56) // 2
    expected = whole[top : top + 56, left : left + 56]
    assert abs(crop_center(image, (56, 56)).astype(int) - expected).max() <= 2


def test_the_centre_lies_inside_whatever_the_shapes():
    for image in ((30, 200), (200, 30), (7, 9)):
        for size in ((32, 32), (16, 48)):
            window = center_crop(image, size, CENTER)
            assert min(window.top, window.left) >= 0
            assert window.scale[0] == window.scale[1]
            assert cut_image(np.zeros((*image, 3), np.uint8), window).shape == (*size, 3)


def batches(folder, workers=0, first=0):
    samples = ImageSamples(folder, AugmentConfig(), 3, (16, 24), cache=False)
    return list(training_loader(samples, StepSampler(first, 4, 4), workers))


def test_samples_depend_on_seed_and_number_alone(folder):
    one, two = batches(folder), batches(folder, workers=2)
    for a, b in zip(one, two, strict=True):
        assert a.names == b.names
        assert torch.equal(a.image, b.image)
        assert torch.equal(a.params["color_jitter"], b.params["color_jitter"])
    assert torch.equal(one[2].image, batches(folder, first=2)[0].image)
    assert one[0].image.shape == (4, 3, 16, 24)
    assert one[0].labels.dtype == torch.int64


def test_every_epoch_has_every_image_once(folder):
    names = [name for batch in batches(folder) for name in batch.names]
    assert sorted(names[:8]) == sorted(names[8:]) == sorted(f.name for f in folder.files)
    assert names[:8] != names[8:]


def test_validation_has_every_image_once_in_order(folder):
    found = list(image_loader(folder, (16, 16), 0, 3))
    assert [name for batch in found for name in batch.names] == [f.name for f in folder.files]
    assert [len(batch.names) for batch in found] == [3, 3, 2]
    assert torch.cat([batch.labels for batch in found]).tolist() == [0] * 4 + [1] * 4
