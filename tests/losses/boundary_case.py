"""What the tests of losses over a boundary head share."""

import torch
import torch.nn.functional as F

IGNORED = 255


def street(size=(40, 45)):
    """Return labels (2, H, W) of three classes in regions, some of it void."""
    height, width = size
    labels = torch.zeros(2, height, width, dtype=torch.uint8)
    labels[:, height // 2 :] = 1
    labels[0, height // 4 : 3 * height // 4, width // 3 : width // 2] = 2
    labels[1, :, -6:] = IGNORED
    labels[1, 3:12, 5:25] = IGNORED
    return labels


def outputs(seed=0, cells=(8, 9)):
    """Return coarse logits of three classes and of the boundary, float64."""
    generator = torch.Generator().manual_seed(seed)
    classes = torch.randn(2, 3, *cells, dtype=torch.float64, generator=generator)
    return classes, 2 * torch.randn(2, 1, *cells, dtype=torch.float64, generator=generator)


def enlarge(coarse, labels):
    return F.interpolate(coarse, size=labels.shape[1:], mode="bilinear", align_corners=False)


def touching(labels, reach):
    """Return by brute force which valid pixels are less than `reach` pixels from one beside another class."""
    found = torch.zeros_like(labels, dtype=torch.bool)
    for b, y, x in torch.cartesian_prod(*(torch.arange(n) for n in labels.shape)).tolist():
        near = labels[b, max(0, y - 1) : y + 2, max(0, x - 1) : x + 2]
        if labels[b, y, x] != IGNORED and len(set(near.flatten().tolist()) - {IGNORED}) > 1:
            found[b, max(0, y - reach + 1) : y + reach, max(0, x - reach + 1) : x + reach] = True
    return found & (labels != IGNORED)
