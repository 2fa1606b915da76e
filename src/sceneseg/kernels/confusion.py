"""Confusion counts: how many pixels of each true class were predicted as each class.

One pair at 1024x2048, real labels, one thread of an EPYC server: 0.4 ms, against 5.8 ms for a masked np.bincount.
"""

from collections.abc import Callable
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sceneseg.arrays import LabelArray
from sceneseg.errors import DataError
from sceneseg.labels import IGNORE_INDEX

if TYPE_CHECKING:
    from torch import Tensor

Counts = npt.NDArray[np.int64]
Table = npt.NDArray[np.uint32]
Words = npt.NDArray[np.uint64]

WORD = 8  # pixels, compared at once
BLOCK = 4  # words; 8 and 16 take as long on label maps, 1 to 5 % longer on noise
MOST_PIXELS = 2**32 - 1  # that a table of 32 bits can't but hold
FEW_PIXELS = 2**16  # NumPy takes 0.14 ms for so many; loading the compiled loop (0.4 s) pays after 3,000 such images


def confusion_counts(
    labels: "LabelArray | Tensor", prediction: "LabelArray | Tensor", num_classes: int, ignore_index: int = IGNORE_INDEX
) -> Counts:
    """Count the pixels of every pair of true and predicted class.

    Args:
        labels: Train ids of any shape, uint8, an array or a tensor; `ignore_index` where void.
        prediction: The same shape, on the same device; `ignore_index` where nothing was predicted.
        num_classes: C, at most 254.
        ignore_index: The train id of void.

    Returns:
        (C+1, C+1) int64; rows are the truth, columns the prediction, the last of each is void.

    Raises:
        DataError: Shapes that differ, another type than uint8, or an id that is neither a class nor void.
    """
    check_pixels(labels, prediction)
    pairs = _count_pairs(labels.reshape(-1), prediction.reshape(-1))  # (256, 256)
    known = [*range(num_classes), ignore_index]
    counts: Counts = pairs[np.ix_(known, known)].astype(np.int64)
    if counts.sum() != prod(labels.shape):
        _refuse(pairs, num_classes, ignore_index)
    return counts


def _count_pairs(labels: Any, prediction: Any) -> npt.NDArray[np.integer]:
    """Count where the pixels lie: arrays and tensors of a CPU here, others on their device."""
    if not isinstance(labels, np.ndarray) and labels.device.type != "cpu":
        from sceneseg.kernels.compilation import runs_triton

        if runs_triton(labels):
            from sceneseg.kernels.confusion_triton import count_pairs_by_runs

            return count_pairs_by_runs(labels, prediction).cpu().numpy()
        return (labels.long() * 256 + prediction).bincount(minlength=256 * 256).view(256, 256).cpu().numpy()
    labels, prediction = np.ascontiguousarray(labels), np.ascontiguousarray(prediction)
    return (count_pairs_reference if labels.size < FEW_PIXELS else count_pairs_in_words)(labels, prediction)


def count_pairs_reference(labels: LabelArray, prediction: LabelArray) -> Counts:
    """Count every pair of values, (N,) and (N,) -> (256, 256)."""
    return np.bincount(labels.astype(np.intp) * 256 + prediction, minlength=256 * 256).reshape(256, 256)


def count_pairs_in_words(labels: LabelArray, prediction: LabelArray) -> npt.NDArray[np.integer]:
    """Count every pair of values as the reference does, eight pixels at a time where that is possible.

    Returns:
        (256, 256), in 32 bits if that suffices.
    """
    if labels.size > MOST_PIXELS:
        starts = range(0, labels.size, MOST_PIXELS)
        parts = ((labels[i : i + MOST_PIXELS], prediction[i : i + MOST_PIXELS]) for i in starts)
        return np.sum([count_pairs_in_words(*part) for part in parts], axis=0, dtype=np.int64)
    whole = labels.size // WORD * WORD
    words = (ids[:whole].view(np.uint64) for ids in (labels, prediction))
    return _compiled()(labels, prediction, *words)


def count_words(labels: LabelArray, prediction: LabelArray, label_words: Words, prediction_words: Words) -> Table:
    """Count the pairs of values of pixels that also come as words; written for Numba.

    Most blocks of words lie inside one object of both maps: to find that out is a vectorized comparison with the
    first pixel, repeated in all bytes of a word, and the block is then counted at once; so are most words of the other
    blocks. Counts of 32 bits are for noise, the worst case: it takes 1.6 times as long with 64 bits, whose rows share
    the same few lines of the first cache.
    """
    low, repeat, width = np.uint64(255), np.uint64(0x0101010101010101), np.uint64(256)
    pairs = np.zeros(256 * 256, np.uint32)
    blocks = label_words.size // BLOCK * BLOCK
    for block in range(0, blocks, BLOCK):
        truth, guess = label_words[block] & low, prediction_words[block] & low
        truths, guesses, differs = truth * repeat, guess * repeat, np.uint64(0)
        for i in range(block, block + BLOCK):
            differs |= (label_words[i] ^ truths) | (prediction_words[i] ^ guesses)
        if differs == 0:
            pairs[truth * width + guess] += np.uint32(BLOCK * WORD)
            continue
        for i in range(block, block + BLOCK):
            truth, guess = label_words[i] & low, prediction_words[i] & low
            if (label_words[i] ^ truth * repeat) | (prediction_words[i] ^ guess * repeat) == 0:
                pairs[truth * width + guess] += np.uint32(WORD)
            else:
                for j in range(i * WORD, i * WORD + WORD):
                    pairs[np.uint64(labels[j]) * width + np.uint64(prediction[j])] += np.uint32(1)
    for j in range(blocks * WORD, labels.size):
        pairs[np.uint64(labels[j]) * width + np.uint64(prediction[j])] += np.uint32(1)
    return pairs.reshape(256, 256)


@cache
def _compiled() -> Callable[[LabelArray, LabelArray, Words, Words], Table]:
    import numba

    compiled: Callable[[LabelArray, LabelArray, Words, Words], Table] = numba.njit(cache=True, nogil=True)(count_words)
    return compiled


def check_pixels(labels: "npt.NDArray[Any] | Tensor", prediction: "npt.NDArray[Any] | Tensor") -> None:
    """Check that two label maps can be compared pixel by pixel.

    Raises:
        DataError: Shapes that differ, or another type than uint8.
    """
    if labels.shape != prediction.shape:
        raise DataError(
            f"The prediction is {_size(prediction)}, its labels are {_size(labels)} (height x width). Scores are "
            f"computed at the labels' size: resize the logits to it before taking the class."
        )
    for what, ids in (("labels", labels), ("prediction", prediction)):
        if (found := str(ids.dtype).removeprefix("torch.")) != "uint8":
            raise DataError(f"Expected the {what} as uint8 train ids, found {found}. Encode them first.")


def _refuse(pairs: npt.NDArray[np.integer], num_classes: int, ignore_index: int) -> None:
    for what, pixels in (("labels", pairs.sum(1)), ("prediction", pairs.sum(0))):
        pixels[[*range(num_classes), ignore_index]] = 0
        if bad := pixels.nonzero()[0].tolist():
            found = ", ".join(f"{i} ({pixels[i]} pixels)" for i in bad[:5])
            raise DataError(
                f"The {what} hold the train id {found}; expected 0..{num_classes - 1}, or {ignore_index} for void. "
                f"Turn label ids into train ids with the label space before counting."
            )


def _size(ids: "npt.NDArray[Any] | Tensor") -> str:
    return " x ".join(map(str, ids.shape))
