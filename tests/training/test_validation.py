"""What a validation measures besides scores: the loss, on the whole split or a part of it; and an epoch's rates."""

import pytest
import torch
import torch.nn.functional as F

import sceneseg
from sceneseg import datasets
from sceneseg.inference.predictor import SemanticModel


@pytest.fixture(scope="module")
def trained(toy_root, tmp_path_factory):
    return sceneseg.train(
        {"name": "separable_unet", "width": 4},
        "cityscapes",
        toy_root,
        runs=tmp_path_factory.mktemp("runs"),
        epochs=2,
        steps_per_epoch=3,
        batch_size=2,
        crop_size=(32, 48),
        workers=0,
        device="cpu",
        precision="32-true",
        lr=0.01,
        validation_steps=1,
        loss={"cross_entropy": {"weight": 2, "label_smoothing": 0.1}},
    )


def test_the_loss_is_pytorchs_over_the_chosen_images(trained, toy_root):
    val = datasets.create("cityscapes", root=toy_root, split="val")
    model = SemanticModel.load(trained.run.last, "cpu")
    total, pixels = 0.0, 0
    for i in (0,):
        scene = val.read(i)
        image = torch.from_numpy(scene.image).permute(2, 0, 1)[None].float() / 255
        labels = torch.from_numpy(scene.labels)[None].long()
        with torch.no_grad():
            loss = F.cross_entropy(model.network(image), labels, ignore_index=255, label_smoothing=0.1)
        total += 2 * float(loss) * int((labels != 255).sum())
        pixels += int((labels != 255).sum())
    assert trained.history[-1]["val_loss"] == pytest.approx(total / pixels, rel=1e-4)


def test_the_protocol_says_that_it_is_a_part(trained, toy_root):
    protocol = trained.scores.protocol
    number = len(datasets.create("cityscapes", root=toy_root, split="val"))
    assert protocol.images == 1
    assert protocol.part == f"1 of {number} images"


def test_the_rates_of_an_epoch(trained):
    rates = [0.01 * (1 - step / 6) ** 0.9 for step in range(6)]
    for row, part in zip(trained.history, (rates[:3], rates[3:]), strict=True):
        assert row["lr_min"] == pytest.approx(min(part))
        assert row["lr_max"] == pytest.approx(max(part))


def test_the_report_draws_both_losses(trained):
    page = (trained.path / "report.html").read_text()
    assert "validation" in page
    assert "Loss" in page
