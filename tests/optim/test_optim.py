import io

import pytest
import torch
from torch import nn

from sceneseg import models
from sceneseg.config.schema import OptimConfig
from sceneseg.errors import ConfigError, UnknownNameError
from sceneseg.optim import optimizers
from sceneseg.optim.averaging import WeightAverage
from sceneseg.optim.groups import parameter_groups
from sceneseg.optim.optimizers.muon import Muon

NAMES = optimizers.optimizers.names()


class Network(nn.Module):
    num_classes = 3
    in_channels = 3

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Conv2d(6, 8, 3, padding=1))
        self.depthwise = nn.Conv2d(8, 8, 3, groups=8)
        self.head = nn.Conv2d(8, 3, 1)

    def forward(self, image):
        return self.head(self.depthwise(self.encoder(image)))


def train(model, optimizer, steps, seed):
    generator = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(steps):
        image = torch.randn(2, 3, 8, 8, generator=generator)
        loss = (model(image) - image[..., 2:-2, 2:-2]).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", NAMES)
def test_norms_and_biases_are_not_decayed(name):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    groups = optimizers.create(model, OptimConfig(name)).param_groups
    assert [len(g["params"]) for g in groups] == [1, 3]
    assert groups[0]["weight_decay"] > 0
    assert groups[1]["weight_decay"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_lowers_the_loss(name):
    torch.manual_seed(0)
    model = Network()
    losses = train(model, optimizers.create(model, OptimConfig(name)), 30, seed=1)
    assert sum(losses[-5:]) < sum(losses[:5])


@pytest.mark.parametrize("name", NAMES)
def test_goes_on_from_its_saved_state_bit_by_bit(name):
    torch.manual_seed(0)
    model = Network()
    config = OptimConfig(name, lr_scale={"encoder": 0.5})
    optimizer = optimizers.create(model, config)
    train(model, optimizer, 3, seed=1)
    file = io.BytesIO()
    torch.save((model.state_dict(), optimizer.state_dict()), file)
    file.seek(0)
    weights, state = torch.load(file, weights_only=True)
    other = Network()
    other.load_state_dict(weights)
    resumed = optimizers.create(other, config)
    resumed.load_state_dict(state)
    train(model, optimizer, 2, seed=2)
    train(other, resumed, 2, seed=2)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_one_kernel_for_all_parameters_learns_the_same(name):
    """Ten steps of the same gradients; those of a training would follow from the last digits of the weights."""
    found = []
    for fused in (True, False):
        torch.manual_seed(0)
        model = models.create("fast_scnn", num_classes=3, width=0.25).to(memory_format=torch.channels_last)
        optimizer = optimizers.create(model, OptimConfig(name), fused=fused)
        there = "fused" in optimizers.usual_values(name)
        assert {bool(group.get("fused")) for group in optimizer.param_groups} == {fused and there}
        for _ in range(10):
            for parameter in model.parameters():
                parameter.grad = 0.01 * torch.randn_like(parameter)
            optimizer.step()
        found.append(list(model.parameters()))
    assert all((a - b).abs().max() <= 1e-6 * max(1, b.abs().max()) for a, b in zip(*found, strict=True))


def test_fused_kernels_are_those_that_pytorch_has():
    assert [name for name in NAMES if "fused" in optimizers.usual_values(name)] == [
        *("adagrad", "adam", "adamw", "sgd", "sgd_nesterov")
    ]


def test_given_values_win():
    config = OptimConfig("sgd", lr=0.3, weight_decay=0.0, momentum=0.5)
    group = optimizers.create(nn.Linear(2, 2), config).param_groups[0]
    assert (group["lr"], group["weight_decay"], group["momentum"]) == (0.3, 0.0, 0.5)


def test_usual_values():
    momenta = {n: optimizers.create(Network(), OptimConfig(n)).defaults.get("momentum") for n in NAMES}
    assert {n: m for n, m in momenta.items() if m} == {"sgd": 0.9, "sgd_nesterov": 0.9, "muon": 0.95}
    assert optimizers.create(Network(), OptimConfig("sgd_nesterov")).defaults["nesterov"]


def test_typo():
    with pytest.raises(UnknownNameError, match='Did you mean "adamw"'):
        optimizers.create(nn.Linear(2, 2), OptimConfig("adam_ww"))
    assert optimizers.optimizers.resolve("Adam-W") == "adamw"


def rates(model, lr_scale):
    by_id = {id(p): g["lr"] for g in parameter_groups(model, 1.0, 0.1, lr_scale) for p in g["params"]}
    return {name: by_id[id(p)] for name, p in model.named_parameters()}


def test_parts_learn_at_their_own_rate():
    found = rates(Network(), {"encoder": 0.1, "encoder.2": 0.5, "head": 10})
    assert found["encoder.0.weight"] == found["encoder.1.bias"] == 0.1
    assert found["encoder.2.weight"] == 0.5
    assert found["head.bias"] == 10
    assert found["depthwise.weight"] == 1


def test_what_lies_around_the_network_needs_no_naming():
    wrapped = nn.ModuleDict({"module": nn.ModuleDict({"network": Network()})})
    assert rates(wrapped, {"head": 10})["module.network.head.weight"] == 10


def test_a_prefix_ends_with_a_whole_word():
    with pytest.raises(ConfigError, match='begins with "enc".*Did you mean "encoder".*parts are depthwise, encoder'):
        rates(Network(), {"enc": 0.1})


def test_frozen_parts_are_left_out_but_known():
    model = Network()
    model.encoder.requires_grad_(False)
    groups = parameter_groups(model, 1.0, 0.1, {"encoder": 0.1})
    assert sum(len(g["params"]) for g in groups) == 4


def test_muon_takes_the_filters_in_the_middle():
    model = Network()
    optimizer = optimizers.create(model, OptimConfig("muon"))
    assert isinstance(optimizer, Muon)
    matrices = [p for g in optimizer.param_groups if g["matrices"] for p in g["params"]]
    assert [id(p) for p in matrices] == [id(model.encoder[2].weight)]


def test_muon_on_a_real_model():
    network = models.create("bisenet_v2", num_classes=19, width=0.25, head_channels=16)
    optimizer = optimizers.create(network, OptimConfig("muon"))
    taken = {id(p) for g in optimizer.param_groups if g["matrices"] for p in g["params"]}
    names = {n for n, p in network.named_parameters() if id(p) in taken}
    assert len(names) > 20
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and (
            module.groups > 1 or module.in_channels == 3 or module.out_channels == 19
        ):
            assert f"{name}.weight" not in names
    assert sum(len(g["params"]) for g in optimizer.param_groups) == len(list(network.parameters()))


def test_average_follows_weights_and_batch_statistics():
    module = nn.BatchNorm1d(2)
    average = WeightAverage(module, decay=0.5)
    with torch.no_grad():
        module.weight.fill_(3.0)
        module.running_mean.fill_(2.0)
        module.num_batches_tracked.fill_(7)
    for _ in range(200):
        average.update(module)
    assert torch.allclose(average.state["weight"], torch.full((2,), 3.0))
    assert torch.allclose(average.state["running_mean"], torch.full((2,), 2.0))
    assert average.state["num_batches_tracked"] == 7
    with torch.no_grad():
        module.weight.fill_(9.0)
    with average.applied_to(module):
        assert torch.allclose(module.weight, torch.full((2,), 3.0))
    assert torch.equal(module.weight, torch.full((2,), 9.0))
