"""A single small sample leaves BatchNorm one value: that is said before the first step, in one sentence."""

import pytest
import torch
from torch import nn

from sceneseg import tasks
from sceneseg.cli.app import app
from sceneseg.config.conversion import from_dict
from sceneseg.errors import ModelError
from sceneseg.models.batch_norm import explained_statistics
from sceneseg.models.cost import model_memory
from sceneseg.tasks.single_samples import check_single_samples


def config(model="fast_scnn", **train):
    return from_dict({"model": {"name": model}, "train": {"batch_size": 1, **train}})


@pytest.mark.parametrize(("model", "size"), [("fast_scnn", (8, 8)), ("ddrnet", (33, 47)), ("pidnet", (33, 47))])
def test_a_batch_of_one_that_cannot_be_normalized(model, size):
    with pytest.raises(ModelError, match=f"a single sample of {size[0]} x {size[1]} leaves one. Compute two samples"):
        check_single_samples(config(model), 5, size)


@pytest.mark.parametrize(
    ("train", "refused"),
    [
        ({"batch_size": 2}, False),
        ({"batch_size": 2, "micro_batch": 1}, True),
        ({"batch_size": 5, "micro_batch": 2}, True),  # the last part is one sample
        ({"batch_size": 4, "micro_batch": 2}, False),
        ({"freeze_norm": True}, False),
    ],
)
def test_it_depends_on_how_many_are_computed_at_once(train, refused):
    if refused:
        with pytest.raises(ModelError, match="not in parts of 1"):
            check_single_samples(config(**train), 5, (8, 8))
    else:
        check_single_samples(config(**train), 5, (8, 8))


def test_larger_samples_are_trained_one_by_one():
    check_single_samples(config(), 5, (64, 128))
    small = from_dict({"train": {"batch_size": 1}, "augment": {"progressive": [0.1, 1]}})
    with pytest.raises(ModelError, match="32 x 32"):
        check_single_samples(small, 5, (64, 128))


def test_training_says_so_before_a_folder_is_made(toy_root, tmp_path):
    line = ["train", "-p", str(toy_root), "-b", "1", "--augment.crop-size", "8", "8", "--runs", str(tmp_path)]
    with pytest.raises(ModelError, match="a single sample of 8 x 8"):
        app(line, exit_on_error=False)
    assert not list(tmp_path.iterdir())
    given = {"data": {"root": str(toy_root)}, "augment": {"crop_size": [8, 8]}, "train": {"batch_size": 2}}
    assert tasks.create(from_dict(given)).cost().parameters > 0


def test_the_summary_says_so():
    with pytest.raises(ModelError, match="a single sample of 7 x 7"):
        model_memory("unet", 2, (7, 7), width=4)
    assert model_memory("unet", 2, (7, 7), 2, width=4).backward > 0


def test_other_errors_stay_what_they_are():
    with pytest.raises(ModelError, match="8 x 8"), explained_statistics((8, 8)):
        nn.BatchNorm2d(3)(torch.zeros(1, 3, 1, 1))
    with pytest.raises(ValueError, match="4D input"), explained_statistics((8, 8)):
        nn.BatchNorm2d(3)(torch.zeros(3, 1))
