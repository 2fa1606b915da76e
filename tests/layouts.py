"""Data sets in their official layouts, made of toy scenes: what the readers need, and nothing of anybody's."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from sceneseg import datasets
from sceneseg.datasets.ade20k import CLASSES
from sceneseg.datasets.base import Scene

CALIBRATION = (
    "P2: 70 0 62 0 0 70 18 0 0 0 1 0\nR0_rect: 1 0 0 0 1 0 0 0 1\nTr_cam_to_road: 1 0 0 0 0 1 0 -1.65 0 0 1 0\n"
)
ROAD = 0
"""Train id of Cityscapes."""


def scenes(toy: Path, split: str = "train") -> list[Scene]:
    """Return the toy scenes of a split, with labels."""
    dataset = datasets.create("cityscapes", root=toy, split=split)
    return [dataset.read(i) for i in range(len(dataset))]


def save(path: Path, pixels: np.ndarray) -> None:
    """Write an image, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def cityscapes(toy: Path, root: Path) -> Path:
    """Copy the toy scenes, with coarse labels and extra images beside them."""
    shutil.copytree(toy, root)
    for path in sorted((root / "gtFine").rglob("*.png")):
        where = Path(str(path).replace("gtFine", "gtCoarse"))
        where.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, where)
    for i, scene in enumerate(scenes(toy)[:3]):
        name = f"nuremberg_{i:06}_000019"
        image = scene.image.copy()
        image[0, 0] += 1  # another image than that of train
        save(root / "leftImg8bit/train_extra/nuremberg" / f"{name}_leftImg8bit.png", image)
        ids = datasets.create("cityscapes", root=toy).label_space.decode(scene.labels)
        save(root / "gtCoarse/train_extra/nuremberg" / f"{name}_gtCoarse_labelIds.png", ids)
    return root


def camvid(toy: Path, root: Path) -> Path:
    """Write train, val and test with the 11 classes and void."""
    for split, part in (("train", scenes(toy)[:4]), ("val", scenes(toy)[4:6]), ("test", scenes(toy, "val"))):
        for scene in part:
            save(root / split / f"{scene.name}.png", scene.image)
            save(root / f"{split}annot" / f"{scene.name}.png", np.minimum(scene.labels, 11).astype(np.uint8))
    return root


def kitti_road(toy: Path, root: Path) -> Path:
    """Write road and lane with a strip that isn't evaluated, and test images with a calibration."""
    for i, scene in enumerate(scenes(toy)[:5]):
        colors = np.zeros((*scene.labels.shape, 3), np.uint8)
        colors[..., 0] = 255
        colors[..., 2] = 255 * (scene.labels == ROAD)
        colors[:2] = 0
        for j, kind in enumerate(("um", "umm", "uu")):
            image = scene.image.copy()
            image[0, j] += 1
            save(root / "training/image_2" / f"{kind}_{i:06}.png", image)
            save(root / "training/gt_image_2" / f"{kind}_road_{i:06}.png", colors)
        save(root / "training/gt_image_2" / f"um_lane_{i:06}.png", colors)
    save(root / "testing/image_2/um_000000.png", scenes(toy, "val")[0].image)
    (root / "testing/calib").mkdir()
    (root / "testing/calib/um_000000.txt").write_text(CALIBRATION)
    return root


def kitti_semantic(toy: Path, root: Path) -> Path:
    """Write label ids of Cityscapes under KITTI's names."""
    space = datasets.create("cityscapes", root=toy).label_space
    for i, scene in enumerate(scenes(toy)[:5]):
        save(root / "training/image_2" / f"{i:06}_10.png", scene.image)
        save(root / "training/semantic" / f"{i:06}_10.png", space.decode(scene.labels))
    save(root / "testing/image_2/000000_10.png", scenes(toy, "val")[0].image)
    return root


def ade20k(toy: Path, root: Path) -> Path:
    """Write the challenge's folders: class i of the toy scenes is class i + 1, 0 is void."""
    for split, part in (("training", scenes(toy)[:3]), ("validation", scenes(toy, "val"))):
        for i, scene in enumerate(part):
            name = f"ADE_{'train' if split == 'training' else 'val'}_{i:08}"
            save(root / "images" / split / f"{name}.jpg", scene.image)
            ids = np.where(scene.labels == 255, 0, scene.labels + 1).astype(np.uint8)
            save(root / "annotations" / split / f"{name}.png", ids)
    save(root / "release_test/testing/ADE_test_00000001.jpg", scenes(toy)[5].image)
    return root


def ade20k_full(toy: Path, root: Path) -> Path:
    """Write the full release's folders: class numbers in red and green."""
    for i, scene in enumerate(scenes(toy)[:2]):
        folder = root / "images/ADE/training/urban/street"
        save(folder / f"ADE_train_{i:08}.jpg", scene.image)
        numbers = np.array([row.full_release[0] for row in CLASSES] + [0])[np.minimum(scene.labels, len(CLASSES))]
        colors = np.stack([numbers // 256 * 10, numbers % 256, np.zeros_like(numbers)], 2).astype(np.uint8)
        save(folder / f"ADE_train_{i:08}_seg.png", colors)
    return root


def drone(toy: Path, root: Path) -> Path:
    """Write images and label ids, from 1 on."""
    for i, scene in enumerate(scenes(toy)[:5]):
        save(root / "original_images" / f"{i:03}.jpg", scene.image)
        ids = np.where(scene.labels == 255, 0, scene.labels + 1).astype(np.uint8)
        save(root / "label_images_semantic" / f"{i:03}.png", ids)
    return root


def own(toy: Path, root: Path) -> Path:
    """Write images and masks with ids 0, 7 and 26, without a YAML file, and a data set file of Ultralytics."""
    for split, part in (("train", scenes(toy)[:4]), ("val", scenes(toy, "val"))):
        for scene in part:
            ids = np.where(scene.labels == ROAD, 7, np.where(scene.labels == 13, 26, 0)).astype(np.uint8)
            save(root / "images" / split / f"{scene.name}.jpg", scene.image)
            save(root / "masks" / split / f"{scene.name}.png", ids)
    (root / "ultralytics.yaml").write_text(
        "path: .\ntrain: images/train\nval: images/val\nmasks_dir: masks\nnames: {0: road, 1: car}\n"
        "label_mapping: {7: 0, 26: 1, 0: 255}\n"
    )
    return root


def image_folder(toy: Path, root: Path) -> Path:
    """Write two classes of images, dark and bright."""
    for split, part in (("train", scenes(toy)[:4]), ("val", scenes(toy, "val"))):
        for scene in part:
            save(root / split / "dark" / f"{scene.name}.jpg", scene.image // 3)
            save(root / split / "bright" / f"{scene.name}.jpg", 160 + scene.image // 3)
    return root


def photos(toy: Path, root: Path) -> Path:
    """Write a few images."""
    for scene in scenes(toy, "val"):
        save(root / f"{scene.name}.jpg", scene.image)
    return root


LAYOUTS = {
    "CITYSCAPES": cityscapes,
    "CAMVID": camvid,
    "KITTI_ROAD": kitti_road,
    "KITTI_SEMANTIC": kitti_semantic,
    "ADE20K": ade20k,
    "ADE20K_FULL": ade20k_full,
    "DRONE": drone,
    "MINE": own,
    "IMAGES": image_folder,
    "PHOTOS": photos,
}
"""The page's word for a folder -> what writes it."""
