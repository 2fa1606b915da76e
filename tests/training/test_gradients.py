"""A batch in parts has the gradients of the whole, whatever the loss, and survives a memory that doesn't suffice."""

import pytest
import torch
from lightning_fabric import Fabric

from sceneseg import models
from sceneseg.config.schema import Config
from sceneseg.errors import TrainingError
from sceneseg.loading.scene_samples import Batch
from sceneseg.tasks.training_step import TrainingStep
from sceneseg.training.gradients import GradientAccumulator, freeze_statistics

MEANS = [
    {"cross_entropy": 1.0},
    {"cross_entropy": {"label_smoothing": 0.1, "class_weights": [1.0, 3.0, 0.5, 2.0]}},
    {"focal": 1.0, "boundary": 0.5},
]
OTHERS = [{"dice": 1.0}, {"ohem": 1.0, "jaccard": 0.5}, {"cross_entropy": 1.0, "lovasz": 1.0}]


def batch(samples=5):
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (samples, 3, 32, 64), dtype=torch.uint8, generator=generator)
    labels = torch.randint(0, 4, (samples, 32, 64), dtype=torch.uint8, generator=generator)
    for i in range(samples):  # unlike parts of each are void
        labels[i, : 6 * i] = 255
    color = torch.tensor([[1.0, 1, 1, 0]]).repeat(samples, 1)
    color[:, 0] = torch.linspace(0.7, 1.1, samples)
    return Batch(image, labels, None, {"color_jitter": color}, [f"s{i}" for i in range(samples)])


def gradients(loss, micro_batch, *, dropout=0.0, hook=None, frozen=True, precision="64-true"):
    torch.manual_seed(0)
    network = models.create("fast_scnn", num_classes=4, width=0.25, dropout=dropout, aux=True)
    fabric = Fabric(accelerator="cpu", devices=1, precision=precision)
    step = TrainingStep(network, Config(loss=loss), None)
    if precision == "64-true":
        step.double()
    if hook is not None:
        network.coarse_logits = followed(network.coarse_logits, hook)
    module = fabric.setup(step)
    module.train()
    if frozen:
        freeze_statistics(module)
    said = []
    computing = GradientAccumulator(fabric, module, step, micro_batch)
    torch.manual_seed(1)
    value = computing.compute(batch(), said.append)
    grads = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    return value, grads, computing, said, network


def followed(function, hook):
    def run(image):
        outputs = function(image)
        hook(image)
        return outputs

    return run


@pytest.mark.parametrize("loss", MEANS + OTHERS)
@pytest.mark.parametrize("micro_batch", [2, 1])
def test_parts_have_the_gradients_of_the_whole(loss, micro_batch):
    whole, expected, *_ = gradients(loss, 5)
    value, actual, *_ = gradients(loss, micro_batch)
    assert value == pytest.approx(whole, rel=1e-6)
    assert actual.keys() == expected.keys()
    for name, gradient in expected.items():
        scale = gradient.abs().max().clamp(min=1e-8)
        assert (actual[name] - gradient).abs().max() / scale < 1e-5, name  # tiny ones too
    a, b = (torch.cat([g.flatten() for g in found.values()]) for found in (actual, expected))
    assert (a - b).norm() < (1e-6 if loss in MEANS else 1e-5) * b.norm()  # Dice computes in float32


@pytest.mark.parametrize("loss", [MEANS[0], OTHERS[0]])
def test_a_step_that_ran_out_of_memory_is_repeated_in_smaller_parts(loss):
    calls = []

    def full(image):
        calls.append(len(image))
        if len(image) > 2:  # after statistics and random numbers have changed
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    _, expected, _, _, network = gradients(loss, 2, dropout=0.5, frozen=False)
    _, actual, computing, said, again = gradients(loss, 5, dropout=0.5, frozen=False, hook=full)
    assert calls[:2] == [5, 3]
    assert computing.micro_batch == 2
    assert "out of memory with 5 samples" in said[0]
    assert all(torch.equal(actual[name], expected[name]) for name in expected)
    buffers = zip(network.buffers(), again.buffers(), strict=True)
    assert all(torch.equal(a, b) for a, b in buffers), "the statistics of BatchNorm must not see a step twice"


@pytest.mark.parametrize("loss", [MEANS[0], OTHERS[0]])
def test_parts_in_mixed_precision(loss):
    whole, expected, *_ = gradients(loss, 5, precision="bf16-mixed")
    value, actual, *_ = gradients(loss, 2, precision="bf16-mixed")
    assert value == pytest.approx(whole, rel=1e-2)
    a, b = (torch.cat([g.flatten() for g in found.values()]) for found in (actual, expected))
    assert (a - b).norm() < 0.05 * b.norm()


def test_one_sample_that_does_not_fit_is_an_error():
    def full(image):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(TrainingError, match="for one sample.*crop_size"):
        gradients(MEANS[0], 5, hook=full)


def test_other_errors_are_not_taken_for_a_lack_of_memory():
    def broken(image):
        raise RuntimeError("a shape doesn't fit")

    with pytest.raises(RuntimeError, match="doesn't fit"):
        gradients(MEANS[0], 5, hook=broken)
