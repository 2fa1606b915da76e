"""Training input, images per second on one core: 512x1024 crops out of 1024x2048 scenes.

Writes results/input.json. Each pipeline reads the scenes in one order, round after round, interleaved with the others;
the figures are medians of the rounds, of CPU time. All begin with files in the page cache. What stands in a pipeline:

- mmsegmentation: its Cityscapes pipeline, rewritten from its configuration (decode, resize by 0.5-2, crop with
  cat_max_ratio 0.75, flip, PhotoMetricDistortion, normalize, to tensor); it needs a toolbox that no longer installs.
- albumentations, torchvision v2: the same steps with the library's own transforms. These three read stored train ids;
  sceneseg turns label ids into train ids when it reads them.
- sceneseg: what `TrainingSamples` gives, from PNG, JPEG and the packed store: bytes. Color and normalization are left
  to the device, as one affine map for the whole batch; "with color" adds that map on this CPU.
- memcpy: copying the window's bytes, the limit.

Needs: pip install albumentations torchvision

Run: python benchmarks/input.py
"""

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import cyclopts
import numpy as np
import torch
from _measure import time_in_turns, write
from _peers import need_peers
from PIL import Image

from sceneseg.config.schema import AugmentConfig
from sceneseg.datasets import create
from sceneseg.loading.scene_samples import TrainingSamples
from sceneseg.models._torchvision import import_torchvision
from sceneseg.packing.pack import pack
from sceneseg.toy import write_toy_scenes

CROP = (512, 1024)
MEAN, STD = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
Arrays = tuple[np.ndarray, np.ndarray]
Sample = Callable[[int], Any]


def main(*, scenes: int = 8, rounds: int = 7, quick: bool = False, json: Path | None = None) -> None:
    """Measure training input.

    Args:
        scenes: How many are read in a round.
        rounds: Timed rounds.
        quick: A trial: two scenes, two rounds; printed, and written only where --json says.
        json: File to write, instead of results/input.json.
    """
    need_peers("albumentations", "torchvision")
    scenes, rounds = (2, 2) if quick else (scenes, rounds)
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    import_torchvision()  # this declares what torchvision misses beside a CPU build of torch
    with tempfile.TemporaryDirectory() as folder:
        pipelines = make_pipelines(Path(folder), scenes)
        calls = {name: read_in_turn(sample, scenes) for name, sample in pipelines.items()}
        times = time_in_turns("training input", calls, rounds).per(scenes).cpu_ms
    base = times["mmsegmentation, PNG"]
    results = [
        {"pipeline": name, "images_per_second": round(1000 / ms, 1), "ratio": round(base / ms, 2)}
        for name, ms in times.items()
    ]
    settings = {"scenes": scenes, "rounds": rounds, "crop": CROP, "threads": 1}
    write("input", settings, results, json, quick, ("albumentations", "torchvision", "pillow"))


def read_in_turn(sample: Sample, scenes: int) -> Callable[[], None]:
    """Return a call that makes the next so many samples."""
    numbers = itertools.count()

    def read() -> None:
        for number in itertools.islice(numbers, scenes):
            sample(number)

    return read


def make_pipelines(folder: Path, scenes: int) -> dict[str, Sample]:
    """Draw the scenes, store them in each format, and return what makes a sample of each."""
    root = folder / "png"
    write_toy_scenes(root, scenes + scenes // 2, (1024, 2048), seed=0)
    png = create("cityscapes", root=root, split="train")
    files = [(f.image, f.labels) for f in png.files][:scenes]
    pairs = [(png.read(i).image, png.read_labels(i)) for i in range(len(files))]
    jpeg_root = folder / "jpeg"
    for what in ("images", "masks"):
        (jpeg_root / what / "train").mkdir(parents=True)
    for i, (image, labels) in enumerate(pairs):
        Image.fromarray(image).save(jpeg_root / f"images/train/{i}.jpg", quality=95)
        Image.fromarray(labels).save(jpeg_root / f"masks/train/{i}.png")
    names = ", ".join(png.label_space.names)
    (jpeg_root / "data.yaml").write_text(f"names: [{names}]\nvoid: [255]\n")
    pack(png, folder / "packed", format="safetensors")
    ours = {
        "PNG": png,
        "JPEG": create("folder", root=jpeg_root, split="train"),
        "packed": create("packed", root=folder / "packed", split="train"),
    }
    pipelines: dict[str, Sample] = {
        "mmsegmentation, PNG": mmsegmentation(files),
        "albumentations, PNG": albumentations(files),
        "torchvision v2, PNG": torchvision(files),
    }
    for name, dataset in ours.items():
        samples = TrainingSamples(dataset, AugmentConfig(crop_size=CROP), 0, None, cache=False)
        pipelines[f"sceneseg, {name}"] = samples.__getitem__
        pipelines[f"sceneseg, {name}, with color"] = with_color(samples)
    pipelines["memcpy of the window"] = copy_window(pairs)
    return pipelines


def with_color(samples: TrainingSamples) -> Sample:
    def sample(number: int) -> torch.Tensor:
        drawn = samples[number]
        pixels = torch.from_numpy(drawn.image)[None].permute(0, 3, 1, 2).float() / 255
        for name, transform in samples.pipeline.device.items():
            pixels = transform.apply(pixels, torch.from_numpy(drawn.params[name])[None])
        return (pixels - torch.tensor(MEAN / 255).view(3, 1, 1)) / torch.tensor(STD / 255).view(3, 1, 1)

    return sample


def copy_window(pairs: list[Arrays]) -> Sample:
    def sample(number: int) -> Arrays:
        image, labels = pairs[number % len(pairs)]
        return image[256:768, 512:1536].copy(), labels[256:768, 512:1536].copy()

    return sample


def mmsegmentation(files: list[tuple[Path, Path]]) -> Sample:
    def sample(number: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng(number)
        image_file, label_file = files[number % len(files)]
        image = cv2.imdecode(np.fromfile(image_file, np.uint8), cv2.IMREAD_COLOR)  # BGR
        labels = cv2.imdecode(np.fromfile(label_file, np.uint8), cv2.IMREAD_UNCHANGED)
        scale = rng.uniform(0.5, 2.0)
        size = (round(2048 * scale), round(1024 * scale))
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        labels = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST)
        for _ in range(10):  # cat_max_ratio: not more than 75 % of one class
            top = rng.integers(0, max(size[1] - CROP[0], 0) + 1)
            left = rng.integers(0, max(size[0] - CROP[1], 0) + 1)
            part = labels[top : top + CROP[0], left : left + CROP[1]]
            counts = np.unique(part[part != 255], return_counts=True)[1]
            if len(counts) > 1 and counts.max() / counts.sum() < 0.75:
                break
        image, labels = image[top : top + CROP[0], left : left + CROP[1]], part
        if rng.random() < 0.5:
            image, labels = image[:, ::-1].copy(), labels[:, ::-1].copy()
        image = photometric_distortion(image, rng)
        pixels = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).astype(np.float32)
        cv2.subtract(pixels, np.float64(MEAN.reshape(1, -1)), pixels)
        cv2.multiply(pixels, 1 / np.float64(STD.reshape(1, -1)), pixels)
        border = (0, CROP[0] - pixels.shape[0], 0, CROP[1] - pixels.shape[1])
        pixels = cv2.copyMakeBorder(pixels, *border, cv2.BORDER_CONSTANT, value=0)
        labels = cv2.copyMakeBorder(labels, *border, cv2.BORDER_CONSTANT, value=255)
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))), torch.from_numpy(labels).long()

    return sample


def photometric_distortion(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change brightness, contrast, saturation and hue, each with probability one half, on bytes."""

    def convert(pixels: np.ndarray, alpha: float = 1.0, beta: float = 0.0) -> np.ndarray:
        return np.clip(pixels.astype(np.float32) * alpha + beta, 0, 255).astype(np.uint8)

    first = rng.integers(2)
    if rng.integers(2):
        image = convert(image, beta=rng.uniform(-32, 32))
    if first and rng.integers(2):
        image = convert(image, alpha=rng.uniform(0.5, 1.5))
    if rng.integers(2):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 1] = convert(hsv[..., 1], alpha=rng.uniform(0.5, 1.5))
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if rng.integers(2):
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV)
        hsv[..., 0] = (hsv[..., 0].astype(int) + rng.integers(-18, 18)) % 180
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)
    if not first and rng.integers(2):
        image = convert(image, alpha=rng.uniform(0.5, 1.5))
    return image


def albumentations(files: list[tuple[Path, Path]]) -> Sample:
    import albumentations as A
    from albumentations.pytorch import ToTensorV2

    transform = A.Compose(
        [
            A.RandomScale((-0.5, 1.0), p=1),
            A.PadIfNeeded(*CROP, border_mode=cv2.BORDER_CONSTANT, fill=0, fill_mask=255),
            A.RandomCrop(*CROP),
            A.HorizontalFlip(p=0.5),
            A.ColorJitter(0.25, 0.25, 0.25, 0.03, p=1),
            A.Normalize(),
            ToTensorV2(),
        ]
    )

    def sample(number: int) -> dict[str, Any]:
        image_file, label_file = files[number % len(files)]
        image = cv2.cvtColor(cv2.imread(str(image_file)), cv2.COLOR_BGR2RGB)
        return transform(image=image, mask=cv2.imread(str(label_file), cv2.IMREAD_UNCHANGED))

    return sample


def torchvision(files: list[tuple[Path, Path]]) -> Sample:
    from torchvision import tv_tensors
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.ScaleJitter(target_size=(1024, 2048), scale_range=(0.5, 2.0), antialias=True),
            v2.RandomCrop(CROP, pad_if_needed=True, fill={tv_tensors.Image: 0, tv_tensors.Mask: 255}),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(0.25, 0.25, 0.25, 0.03),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((MEAN / 255).tolist(), (STD / 255).tolist()),
        ]
    )

    def sample(number: int) -> tuple[torch.Tensor, torch.Tensor]:
        image_file, label_file = files[number % len(files)]
        image = cv2.cvtColor(cv2.imread(str(image_file)), cv2.COLOR_BGR2RGB)
        labels = cv2.imread(str(label_file), cv2.IMREAD_UNCHANGED)
        return transform(
            tv_tensors.Image(torch.from_numpy(image).permute(2, 0, 1)), tv_tensors.Mask(torch.from_numpy(labels))
        )

    return sample


if __name__ == "__main__":
    cyclopts.run(main)
