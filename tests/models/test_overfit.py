"""Every architecture can learn four toy scenes by heart: nothing is wired wrongly between image and loss."""

import numpy as np
import pytest
import torch

from sceneseg import models
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.devices import keep_in_float32
from sceneseg.kernels.upsample_argmax import upsample_argmax
from sceneseg.kernels.upsample_cross_entropy import upsample_cross_entropy
from sceneseg.metrics.confusion import SemanticCounts
from sceneseg.metrics.semantic import semantic_scores
from sceneseg.models.cost import segmentation_models
from sceneseg.toy import draw_scene

SMALL = {
    "bayesian_segnet": {"width": 16, "dropout": 0.1},
    "bisenet_v2": {"head_channels": 128},
    "deeplab_v3_plus": {"output_stride": 8},
    "fast_fcn": {"encoder": "resnet18", "width": 128, "dropout": 0.0},
    "fcn8s": {"encoder": "vgg11_bn", "decoder_channels": 256, "dropout": 0.0},
    "fpn": {"encoder": "resnet18", "dropout": 0.0},
    "hrnet": {"variant": "w18-small-v1"},
    "ocrnet": {"variant": "w18-small-v1", "channels": 64, "key_channels": 32},
    "pspnet": {"encoder": "resnet18", "decoder_channels": 128},
    "segmenter": {
        "embed_dim": 96,
        "depth": 4,
        "heads": 3,
        "patch_size": 8,
        "image_size": 256,
        "drop_path": 0.0,
        "dropout": 0.0,
    },
    "segnet": {"width": 16},
    "separable_unet": {"dropout": 0.0},
    "setr": {"embed_dim": 96, "depth": 4, "heads": 3, "channels": 64, "image_size": 256},
    "u2net": {"width": 0.25},
    "u2netp": {"width": 32},
    "unet": {"width": 16},
}
LEARNING_RATE = dict.fromkeys(("erfnet", "espnet", "espnet_v2", "separable_unet", "unet"), 1e-2)
STEPS = 1500
SCENE = (768, 1536)
SIZE = (128, 256)
"""Of the part that is learned: things in it are larger than a cell of stride 8, and a step stays fast."""


@pytest.fixture(scope="module")
def scenes():
    parts = [richest_part(draw_scene(SCENE, seed=1, index=i)) for i in (0, 1, 4, 5)]
    image, labels = (np.stack(arrays) for arrays in zip(*parts, strict=True))
    return torch.from_numpy(image).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(labels)


def richest_part(scene):
    """The part of a scene that shows most classes, with as few mere specks as possible."""
    labels = LABEL_SPACE.encode(scene.label_ids)

    def classes(corner):
        pixels = np.bincount(labels[window(corner)].ravel(), minlength=256)[:19]
        return (pixels > 150).sum() - ((pixels > 0) & (pixels <= 60)).sum()

    corners = [(y, x) for y in range(0, SCENE[0] - SIZE[0], 32) for x in range(0, SCENE[1] - SIZE[1], 32)]
    richest = window(max(corners, key=classes))
    return scene.image[richest], labels[richest]


def window(corner):
    return tuple(slice(start, start + length) for start, length in zip(corner, SIZE, strict=True))


def score(network, image, labels):
    network.eval()
    counts = SemanticCounts(LABEL_SPACE)
    with torch.inference_mode():
        coarse = network.coarse_logits(image)[0].float()
    found = upsample_argmax(coarse, SIZE, align_corners=network.align_corners)
    for i in range(len(image)):
        counts.add(str(i), labels[i].numpy(), found[i].numpy())
    return semantic_scores(counts, LABEL_SPACE).means["mean_iou"]


def overfit(name, image, labels):
    torch.manual_seed(0)
    network = models.create(name, num_classes=19, **SMALL.get(name, {})).to(memory_format=torch.channels_last)
    keep_in_float32(network)
    peak = LEARNING_RATE.get(name, 2e-3)
    optimizer = torch.optim.AdamW(network.parameters(), peak, weight_decay=0.0)
    best = 0.0
    for step in range(1, STEPS + 1):
        for group in optimizer.param_groups:
            group["lr"] = peak * min(1, step / 20) * (1 - step / (STEPS + 1)) ** 0.9
        network.train()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network.coarse_logits(image)
        losses = [upsample_cross_entropy(o, labels, align_corners=network.align_corners) for o in outputs]
        loss = sum((0.4 if i else 1.0) * total / weight for i, (total, weight) in enumerate(losses))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        if step % 50 == 0:
            best = max(best, score(network, image, labels))
            if best > 0.95:
                break
    return best, step


@pytest.mark.slow
@pytest.mark.parametrize("name", segmentation_models())
def test_four_scenes_are_learned_by_heart(name, scenes):
    best, steps = overfit(name, *scenes)
    print(f"{name}: mean IoU {best:.3f} after {steps} steps")
    assert best > 0.95
