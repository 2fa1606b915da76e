import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sceneseg.errors import ModelError
from sceneseg.kernels.grid import CoarseLogits
from sceneseg.kernels.upsample_argmax import UNSURE, _find_winners, upsample_argmax_reference

CLASSES = 7


def noise(height, width, classes=CLASSES, seed=0):
    return 5 * torch.randn(2, classes, height, width, generator=torch.Generator().manual_seed(seed))


def regions(height, width):
    """Logits as of a trained network: smooth regions, with a little noise."""
    coarse = noise(max(2, height // 6), max(2, width // 6))
    return F.interpolate(coarse, (height, width), mode="bicubic") + 0.02 * noise(height, width, seed=1)


def halves(height, width):
    """Logits with many ties."""
    return (noise(height, width) * 2).round() / 2


def torchs(coarse, size, extent=None, align=False):
    whole = F.interpolate(coarse.float().contiguous(), extent or size, mode="bilinear", align_corners=align)
    return whole[..., : size[0], : size[1]].argmax(1).to(torch.uint8)


def assert_winners_within_rounding(prediction, logits):
    """The class chosen has the highest logit (float64), up to the rounding of float32."""
    chosen = logits.gather(1, prediction.long().unsqueeze(1)).squeeze(1)
    assert (logits.amax(1) - chosen).max() <= 1e-6 * logits.abs().max()


def torch_fuses():
    """Whether this build of torch interpolates with fused multiply-adds, as the x86 wheels do."""
    coarse = noise(9, 11)[:1, :1]
    rows, columns = CoarseLogits(coarse).axes((90, 110), np.float32)

    def blend(x, y, weight):
        rest = (np.float32(1) - weight).astype(np.float64)
        return (x.astype(np.float64) * rest + y * weight).astype(np.float32)

    cells = coarse[0, 0].numpy()
    wide = blend(cells[:, columns.low], cells[:, columns.high], columns.weight)
    expected = blend(wide[rows.low], wide[rows.high], rows.weight[:, None])
    found = F.interpolate(coarse, (90, 110), mode="bilinear", align_corners=False)[0, 0].numpy()
    return bool((found == expected).all())


same_rounding = pytest.mark.skipif(not torch_fuses(), reason="this build of torch rounds interpolation differently")

SIZES = [  # coarse, output, extent
    ((16, 32), (128, 256), None),
    ((32, 64), (128, 256), None),
    ((45, 60), (360, 480), None),
    ((12, 15), (350, 473), (384, 480)),
    ((13, 17), (97, 131), (104, 136)),
    ((17, 33), (100, 211), None),
    ((9, 9), (65, 65), None),
    ((64, 70), (64, 70), None),
    ((80, 90), (61, 73), None),
    ((1, 1), (70, 80), None),
    ((1, 9), (5, 150), None),
    ((9, 1), (150, 5), None),
]


@same_rounding
@pytest.mark.parametrize("logits", [noise, regions, halves])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(("cells", "size", "extent"), SIZES)
def test_every_pixel_is_torchs(cells, size, extent, align, logits):
    coarse = logits(*cells)
    prediction = CoarseLogits(coarse, extent, align).argmax(size)
    assert prediction.dtype == torch.uint8
    assert torch.equal(prediction, torchs(coarse, size, extent, align))


@same_rounding
def test_lower_classes_win_ties_that_only_rounding_makes():
    """Class 0 is one bit below class 1 at every cell; where rounding makes them equal, torch takes class 0."""
    ahead = noise(16, 20, classes=1)
    behind = torch.nextafter(ahead, torch.tensor(-torch.inf))
    coarse = torch.cat([behind, ahead, behind, behind], 1)
    expected = torchs(coarse, (128, 160))
    assert 0 < (expected == 0).float().mean() < 1
    assert torch.equal(CoarseLogits(coarse).argmax((128, 160)), expected)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize(
    ("cells", "size", "extent"),
    [
        ((6, 8), (48, 61), None),
        ((12, 16), (96, 128), None),
        ((20, 22), (80, 70), (81.3, 77.7)),
        ((16, 16), (150, 99), (150.5, 99.99)),
    ],
)
def test_elsewhere_the_winner_is_highest_within_rounding(cells, size, extent, align):
    """Small outputs and three classes, for which torch has other kernels, and fractional `extent`, unknown to it."""
    for coarse in (noise(*cells), regions(*cells), halves(*cells), regions(*cells)[:, :3]):
        prediction = CoarseLogits(coarse, extent, align).argmax(size)
        assert_winners_within_rounding(prediction, CoarseLogits(coarse.double(), extent, align).upsample(size))


def test_first_of_equal_classes_wins():
    coarse = noise(8, 9, classes=3)
    doubled = torch.cat([coarse, coarse], 1)
    assert CoarseLogits(doubled).argmax((64, 72)).max() < 3
    assert (CoarseLogits(torch.zeros(1, 4, 3, 5)).argmax((24, 40)) == 0).all()
    assert (CoarseLogits(torch.full((1, 4, 3, 5), -7.0)).argmax((24, 40)) == 0).all()


def test_most_cells_of_a_region_are_sure():
    """Class 0 has no lower class that could come close, and a clear lead is sure for any class."""
    coarse = np.zeros((3, 1, 4), np.float32)
    coarse[0, 0, 0] = coarse[2, 0, 1] = coarse[1, 0, 2] = 1
    coarse[0, 0, 2] = np.nextafter(np.float32(1), np.float32(0))
    winner = np.empty(4, np.int16)
    _find_winners(coarse, 0, winner)
    assert winner.tolist() == [0, 2, UNSURE, 0]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_any_floating_type(dtype):
    coarse = regions(16, 24).to(dtype)
    assert torch.equal(CoarseLogits(coarse).argmax((128, 190)), CoarseLogits(coarse.float()).argmax((128, 190)))


def test_any_memory_layout():
    coarse = regions(16, 24)
    expected = CoarseLogits(coarse).argmax((128, 192))
    assert torch.equal(CoarseLogits(coarse.to(memory_format=torch.channels_last)).argmax((128, 192)), expected)
    assert torch.equal(CoarseLogits(coarse.mT.contiguous().mT).argmax((128, 192)), expected)
    assert torch.equal(CoarseLogits(coarse.requires_grad_()).argmax((128, 192)), expected)


def test_threads_agree():
    coarse, before = regions(70, 40), torch.get_num_threads()
    predictions = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            predictions.append(CoarseLogits(coarse).argmax((300, 160)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*predictions)


def test_255_classes():
    coarse = noise(8, 8, classes=255)
    assert torch.equal(CoarseLogits(coarse).argmax((8, 8)), coarse.argmax(1).to(torch.uint8))
    with pytest.raises(ModelError, match="at most 255 classes, found 256"):
        CoarseLogits(torch.zeros(1, 256, 2, 2)).argmax((4, 4))


def test_errors():
    with pytest.raises(ModelError, match="cover 16 x 16 pixels, but 17 x 16 are requested"):
        CoarseLogits(noise(2, 2), (16, 16)).argmax((17, 16))
    with pytest.raises(ModelError, match="found 3 dimensions"):
        CoarseLogits(torch.zeros(3, 4, 4)).argmax((8, 8))


@pytest.mark.parametrize("extent", [None, (104, 136), (98.5, 131.25)])
def test_probabilities(extent):
    coarse = regions(13, 17)
    probabilities = CoarseLogits(coarse.bfloat16(), extent).probabilities((97, 131))
    assert probabilities.dtype == torch.float32
    expected = CoarseLogits(coarse.bfloat16().double(), extent).upsample((97, 131)).softmax(1)
    torch.testing.assert_close(probabilities.double(), expected, rtol=2e-4, atol=1e-7)


def test_reference_is_what_torch_does():
    coarse = noise(13, 17)
    rows, columns = CoarseLogits(coarse, (104, 136)).axes((97, 131), np.float32)
    logits = F.interpolate(coarse.double(), (104, 136), mode="bilinear")[..., :97, :131]
    assert_winners_within_rounding(upsample_argmax_reference(coarse, rows, columns), logits)


@pytest.mark.parametrize("extent", [(40, 56), (40.0, 56.0), (37.25, 55.5)])
@pytest.mark.parametrize("align", [False, True])
def test_positions_are_those_of_half_pixel_centres(extent, align):
    """Interpolating a ramp returns each pixel's position, by the formula."""
    ramp = torch.arange(7, dtype=torch.float64).view(1, 1, 1, 7).expand(1, 1, 5, 7)
    found = CoarseLogits(ramp, extent, align).upsample((37, 55))[0, 0, 0]
    pixel = torch.arange(55, dtype=torch.float64)
    position = pixel * 6 / (extent[1] - 1) if align else (pixel + 0.5) * 7 / extent[1] - 0.5
    torch.testing.assert_close(found, position.clamp(0, 6))


@same_rounding
def test_real_labels(shared_data):
    """Logits made from a real label map: smoothed one-hot labels at 1/8."""
    file = "frankfurt_000000_000576_gtFine_labelIds.png"
    ids = cv2.imread(str(shared_data / "cityscapes/gtFine/val/frankfurt" / file), cv2.IMREAD_UNCHANGED)
    labels = torch.from_numpy(np.unique(ids, return_inverse=True)[1].reshape(ids.shape))
    one_hot = F.one_hot(labels).permute(2, 0, 1).unsqueeze(0).float()
    coarse = 10 * F.avg_pool2d(one_hot, 16, 8, padding=4)
    assert torch.equal(CoarseLogits(coarse).argmax((1024, 2048)), torchs(coarse, (1024, 2048)))


def test_importing_does_not_import_numba():
    code = "import sys, sceneseg.kernels.grid; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
