"""What the tests of single losses share: small coarse logits, labels with void, and full-size probabilities."""

import torch
import torch.nn.functional as F

CLASSES = 4
IGNORED = 255


def case(seed: int = 0, height: int = 40, width: int = 21):
    """Return float64 logits (2, 4, h, w) at about 1/5, and labels (2, H, W); two bands, two ignored corners."""
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.randn(2, CLASSES, 8, 5, dtype=torch.float64, generator=generator)
    labels = torch.randint(0, CLASSES - 1, (2, height, width), generator=generator, dtype=torch.uint8)  # class 3 absent
    labels[0, :5, :7] = IGNORED
    labels[1, -3:] = IGNORED
    return coarse, labels


def enlarge(coarse, labels):
    return F.interpolate(coarse, size=labels.shape[1:], mode="bilinear", align_corners=False)


def valid_pixels(coarse, labels):
    """Return full-size logits (N, C) and labels (N,) of the pixels that count."""
    logits = enlarge(coarse, labels).permute(0, 2, 3, 1)
    valid = labels != IGNORED
    return logits[valid], labels[valid].long()


def assert_equal_in_value_and_gradient(criterion, reference, coarse, labels):
    """Compare a loss with a plain function of all valid pixels, by autograd."""
    results = []
    for loss in (lambda x: criterion(x, labels), lambda x: reference(*valid_pixels(x, labels))):
        x = coarse.clone().requires_grad_()
        value = loss(x)
        (gradient,) = torch.autograd.grad(3 * value, x)
        results.append((value.detach(), gradient))
    torch.testing.assert_close(results[0][0], results[1][0], rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(results[0][1], results[1][1], rtol=1e-7, atol=1e-12)


def perfect(labels, scale=60.0):
    """Return full-size logits that are sure of the labels."""
    known = torch.where(labels == IGNORED, 0, labels).long()
    return F.one_hot(known, CLASSES).permute(0, 3, 1, 2).double() * scale
