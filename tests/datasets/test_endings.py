"""Images with another ending than the official one belong to a data set like the others; none is left out unseen."""

import numpy as np
import pytest
from PIL import Image

from sceneseg import datasets

PLACES = {
    "cityscapes": ("leftImg8bit/train/city/a_{}_leftImg8bit", "gtFine/train/city/a_{}_gtFine_labelIds"),
    "camvid": ("train/{}", "trainannot/{}"),
    "ade20k": ("images/training/{}", "annotations/training/{}"),
    "drone": ("original_images/{}", "label_images_semantic/{}"),
    "kitti_semantic": ("training/image_2/{}", "training/semantic/{}"),
    "kitti_road": ("training/image_2/um_{}", "training/gt_image_2/um_road_{}"),
    "folder": ("images/train/{}", "masks/train/{}"),
}


@pytest.mark.parametrize("name", PLACES)
def test_every_image_is_there(tmp_path, name):
    image, mask = PLACES[name]
    endings = (".png", ".jpg", ".webp", ".bmp", ".JPG", ".tif", ".jfif")
    for i, ending in enumerate(endings):
        for place, size, end in ((image, (4, 4, 3), ending), (mask, (4, 4), ".png")):
            file = tmp_path / (place.format(i) + end)
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.zeros(size, np.uint8)).save(file, format="JPEG" if end == ".jfif" else None)
    (tmp_path / "data.yaml").write_text("names: [road, car]\n")
    split = "trainval" if name in {"drone", "kitti_semantic", "kitti_road"} else "train"
    found = datasets.create(name, root=tmp_path, split=split)
    assert sorted(files.image.suffix for files in found.files) == sorted(endings)
    assert all(files.labels.is_file() for files in found.files)
