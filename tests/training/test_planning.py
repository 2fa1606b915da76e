"""What is planned holds: parts fit into the memory, and blocks that are computed again change nothing but that."""

import contextlib
import re

import pytest
import torch

from sceneseg import models
from sceneseg.cli.app import app
from sceneseg.config.conversion import from_dict
from sceneseg.errors import ConfigError
from sceneseg.models._timm import create_timm
from sceneseg.models.cost import on_meta
from sceneseg.tasks.training_step import TrainingStep
from sceneseg.training.planning import _left_in_group, parse_bytes, plan
from sceneseg.training.recompute import checkpoint_blocks
from sceneseg.training.trial import Meter, measure_sample

GB = 10**9


def planned(memory, **train):
    config = from_dict({"model": {"name": "bisenet_v2"}, "train": {"batch_size": 16, **train}})
    return plan(config, 19, (512, 1024), memory, "32-true")


def test_less_memory_means_more_parts():
    found = [planned(memory) for memory in (3 * GB, 8 * GB, 100 * GB)]
    assert found[0].micro_batch < found[1].micro_batch < found[2].micro_batch == 16
    for one in found:
        assert one.fixed + one.micro_batch * one.sample < one.memory
        assert one.parts * one.micro_batch >= 16
    assert planned(10**7).micro_batch == 0


def test_the_optimizer_and_the_average_are_counted():
    adam, average = planned(4 * GB), planned(4 * GB, ema=0.99)
    assert adam.optimizer == 2 * adam.weights
    assert average.fixed - adam.fixed == adam.weights


@pytest.mark.parametrize("optimizer", ["adamw", "muon", "sgd"])
def test_parts_that_learn_slower_are_planned_as_the_others(optimizer):
    """The prefix is one of the model's, which what is counted by doesn't have."""
    plain = {"model": {"name": "fpn", "encoder": "resnet18"}, "optim": {"name": optimizer}}
    scaled = {**plain, "optim": {"name": optimizer, "lr_scale": {"encoder": 0.3}}}
    usual, slower = (plan(from_dict(one), 3, (64, 96), 10**9, "32-true", sample=1) for one in (plain, scaled))
    assert slower == usual


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ["fpn", "classifier"])
def test_costs_are_counted_without_pretrained_weights(monkeypatch, name):
    """Weights on the meta device go nowhere: loading them costs time, and PyTorch warns of each tensor."""
    asked = []

    def create(network, pretrained, **arguments):
        asked.append(pretrained)
        return create_timm(network, False, **arguments)

    for module in ("_encoder", "classifier"):
        monkeypatch.setattr(f"sceneseg.models.{module}.create_timm", create)
    network = on_meta(name, 3, encoder="resnet18", pretrained=True)
    assert all(tensor.is_meta for tensor in network.parameters())
    assert asked == [False]


@pytest.mark.parametrize(("text", "number"), [("8GB", 8 * GB), ("512 MiB", 2**29), ("1.5g", 1.5 * GB), ("100", 100)])
def test_amounts_of_memory(text, number):
    assert parse_bytes(text) == number


def test_a_wrong_amount_is_named():
    with pytest.raises(ConfigError, match="such as 8GB.*'much'"):
        parse_bytes("much")


@pytest.mark.parametrize("name", ["fast_scnn", "bisenet_v2"])
def test_blocks_computed_again_change_nothing_but_memory(name):
    image = torch.rand(2, 3, 64, 128)

    def step(checkpointed):
        torch.manual_seed(0)
        network = models.create(name, num_classes=5).train()
        if checkpointed:
            assert checkpoint_blocks(network) > 3
        kept = {}

        def keep(tensor):
            kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
            return tensor

        torch.manual_seed(1)
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            outputs = network.coarse_logits(image)
        sum(o.square().sum() for o in outputs).backward()
        return network, sum(kept.values())

    (plain, memory), (again, less) = step(False), step(True)
    assert less < 0.9 * memory
    for (key, a), b in zip(plain.named_parameters(), again.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad), key
    for (key, a), b in zip(plain.named_buffers(), again.buffers(), strict=True):
        assert torch.equal(a, b), key


class _Kept:
    """A meter for the CPU: the bytes that a graph holds."""

    def __init__(self, limit=None):
        self.bytes, self.limit = 0, limit

    def __call__(self, tensor):
        self.bytes += tensor.untyped_storage().nbytes()
        if self.limit and self.bytes > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return tensor


def trial(limit=None):
    torch.manual_seed(0)
    config = from_dict({"model": {"name": "fast_scnn"}, "train": {"batch_size": 2}})
    step = TrainingStep(models.create("fast_scnn", num_classes=5).train(), config, None)
    state = {key: value.clone() for key, value in step.state_dict().items()}
    random = torch.get_rng_state()
    kept = _Kept(limit)

    def compute(*batch):
        with torch.autograd.graph.saved_tensors_hooks(kept, lambda tensor: tensor):
            loss = step(*batch)
        loss.backward()

    meter = Meter(lambda: setattr(kept, "bytes", 0), lambda: kept.bytes)
    found = measure_sample(step, compute, (64, 128), torch.device("cpu"), meter)
    assert all(torch.equal(value, state[key]) for key, value in step.state_dict().items())
    assert all(p.grad is None for p in step.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    return found


def test_a_trial_step_measures_a_sample_and_changes_nothing():
    found = trial()
    assert 200_000 < found < 20_000_000
    assert plan(from_dict({"train": {"batch_size": 64}}), 5, (64, 128), 10 * found, "32-true", 1, found).micro_batch < 8


def test_where_two_samples_do_not_fit_it_is_one():
    assert trial(limit=trial()) is None


def test_the_limit_of_a_container_counts(tmp_path):
    group = tmp_path / "job"
    group.mkdir()
    assert _left_in_group(tmp_path) > 2**60
    for name, text in {
        "max": "1000",
        "current": "700",
        "stat": "anon 100\nactive_file 150\ninactive_file 50\n",
    }.items():
        (tmp_path / f"memory.{name}").write_text(text)
    assert _left_in_group(tmp_path) == 1000 - 700 + 200


def test_the_command_says_what_will_happen(capsys):
    command = ["plan", "-m", "bisenet_v2", "-t", "512", "1024", "-b", "16", "--train.device", "cpu"]
    with contextlib.suppress(SystemExit):
        app([*command, "--memory", "3GB"])
    assert re.search(
        r"bisenet_v2, batch of 16, 3\.00 GB of memory.*in \d+ parts of at most \d", capsys.readouterr().out, re.DOTALL
    )
    with pytest.raises(SystemExit) as ended:
        app([*command, "--memory", "100MB"])
    assert ended.value.code == 1
    assert "Not even one sample fits" in capsys.readouterr().out
