"""Drawn streets at 1024x2048 and what a network would make of them: how alike neighbors are decides many speeds."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sceneseg.arrays import LabelArray
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.labels import IGNORE_INDEX
from sceneseg.toy import ToyScene, draw_scene

SIZE = (1024, 2048)
CLASSES = len(LABEL_SPACE)
PATCHES = (8, 16)
"""Where a prediction is wrong, it is wrong in regions: (rows, columns) of the noise that says where."""
DOUBT = 2.5
"""Strength of that noise, beside logits of 10 for the right class; it decides the score of the prediction."""


def street(index: int = 0) -> ToyScene:
    """Draw a street with its annotation."""
    return draw_scene(SIZE, index=index)


def street_labels(index: int = 0) -> LabelArray:
    """Return the train ids of a street, (1024, 2048) uint8, 255 where void."""
    return LABEL_SPACE.encode(street(index).label_ids)


def street_logits(labels: LabelArray, stride: int, seed: int = 0) -> Tensor:
    """Return logits (1, 19, 1024/stride, 2048/stride) as of a trained network: soft borders, some wrong regions."""
    truth = torch.from_numpy(labels)[None, None]
    soft = [
        F.avg_pool2d((truth == c).float(), 2 * stride, stride, padding=stride // 2, count_include_pad=False)
        for c in range(CLASSES)
    ]
    coarse = torch.cat(soft, 1)
    generator = torch.Generator().manual_seed(seed)
    wrong = torch.randn(1, CLASSES, *PATCHES, generator=generator)
    wrong = F.interpolate(wrong, coarse.shape[2:], mode="bilinear", align_corners=False)
    return 10 * coarse + DOUBT * wrong + 0.3 * torch.randn(coarse.shape, generator=generator)


def noise_logits(stride: int, classes: int = CLASSES) -> Tensor:
    """Return noise: hardly a cell agrees with its neighbor, the worst case."""
    generator = torch.Generator().manual_seed(0)
    return 5 * torch.randn(1, classes, SIZE[0] // stride, SIZE[1] // stride, generator=generator)


def prediction_of(labels: LabelArray, seed: int = 0) -> LabelArray:
    """Return a prediction (1024, 2048) as of a network with stride 8: shifted borders, some wrong regions."""
    prediction: LabelArray = CoarseLogits(street_logits(labels, 8, seed)).argmax(SIZE)[0].numpy()
    return prediction


def noise_labels(seed: int) -> tuple[LabelArray, LabelArray]:
    """Return truth and prediction without a pattern, each 1024x2048; one pixel of twenty is void."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, CLASSES + 1, SIZE, np.uint8)
    truth[truth == CLASSES] = IGNORE_INDEX
    return truth, rng.integers(0, CLASSES, SIZE, np.uint8)
