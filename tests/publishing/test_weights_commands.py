"""Weights from a run to the world and back: manifest, list, get, verify, card."""

import json

import huggingface_hub
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from sceneseg import models
from sceneseg.api.publish import model_card
from sceneseg.cli import weights_card, weights_get, weights_list, weights_manifest, weights_verify
from sceneseg.cli.app import app
from sceneseg.datasets.cityscapes import LABEL_SPACE
from sceneseg.errors import ConfigError, RunError, TransferError
from sceneseg.inference.predictor import Preprocessing, SemanticModel
from sceneseg.records import run_directory

PROTOCOL = {"dataset": "cityscapes", "split": "val", "images": 2, "void": "ignore"}
CONFIG = """\
model: {name: separable_unet, width: 4}
data: {name: cityscapes, root: /home/somebody/private/cityscapes, train_split: train, options: {}}
augment: {crop_size: [512, 1024]}
optim: {name: adamw, lr: 0.01}
train: {epochs: 2, weights: null, freeze: [stem]}
"""


@pytest.fixture
def run(tmp_path):
    path = tmp_path / "runs" / "tiny"
    made = run_directory.RunDirectory(path)
    arguments = {"width": 4}
    network = models.create("separable_unet", num_classes=19, **arguments)
    model = SemanticModel(network, LABEL_SPACE, {"name": "separable_unet", **arguments}, Preprocessing((64, 128)))
    score = {"mean_iou": 0.5, "protocol": PROTOCOL}
    model.save(made.best, network.state_dict(), score=score, epoch=2)
    classes = {c.name: {"iou": 0.1 * (i % 10), "iiou": None} for i, c in enumerate(LABEL_SPACE.classes)}
    classes["train"] = {"iou": None, "iiou": None}
    run_directory.write_text(made.config, CONFIG)
    run_directory.write_json(made.labels, LABEL_SPACE.to_dict())
    metrics = {"protocol": PROTOCOL, "mean_iou": 0.5, "pixel_accuracy": 0.8, "classes": classes, "categories": {}}
    run_directory.write_json(made.metrics, metrics)
    return path


def published(run, server, tmp_path, **changes):
    weights_manifest.manifest(run, url=f"{server.url}/w", license="cc-by-nc-4.0", out=tmp_path / "out")
    manifest = yaml.safe_load((tmp_path / "out" / "manifest.yaml").read_text())
    manifest["weights"][0] |= changes
    server.serve("/w/manifest.yaml", yaml.safe_dump(manifest).encode())
    server.serve("/w/tiny.safetensors", (tmp_path / "out" / "tiny.safetensors").read_bytes(), breaks=[1000])
    return f"{server.url}/w/manifest.yaml"


def test_nothing_is_published_yet(capsys):
    weights_list.list_()
    out = capsys.readouterr().out
    assert "Nothing has been published yet" in out
    assert "--manifest FILE_OR_URL" in out


def test_from_a_run_to_the_world_and_back(run, server, tmp_path, capsys):
    address = published(run, server, tmp_path)
    weights_list.list_(manifest=address, json=True)
    listed = json.loads(capsys.readouterr().out.partition("\n[")[2].join(["[", ""]))
    assert listed[0]["score"] == {"mean_iou": 0.5}
    assert listed[0]["protocol"] == PROTOCOL
    assert "non-commercial" in listed[0]["data_terms"]
    weights_list.list_(manifest=address)
    assert "mean_iou 50.00%" in capsys.readouterr().out
    weights_get.get("tiny", manifest=address, out=tmp_path / "here")
    assert "license cc-by-nc-4.0" in capsys.readouterr().out
    fetched = tmp_path / "here" / "tiny.safetensors"
    assert fetched.read_bytes() == run_directory.RunDirectory(run).best.read_bytes()
    weights_verify.verify(fetched, manifest=address)
    out = capsys.readouterr().out
    for said in ("loaded strictly", "19 of cityscapes", "mean_iou 50.00% on cityscapes val, 2 images", "as tiny in"):
        assert said in out


def test_a_file_that_was_changed_on_the_server_is_refused(run, server, tmp_path):
    address = published(run, server, tmp_path, sha256="0" * 64)
    with pytest.raises(TransferError, match="changed by its publisher"):
        weights_get.get("tiny", manifest=address, out=tmp_path / "here")


def test_entries_stay_and_are_replaced(run, tmp_path):
    for name in ("one", "two", "two"):
        weights_manifest.manifest(run, url="https://example.org/w/", license="mit", out=tmp_path / "out", name=name)
    manifest = yaml.safe_load((tmp_path / "out" / "manifest.yaml").read_text())
    assert [entry["address"] for entry in manifest["weights"]] == [
        f"https://example.org/w/{name}.safetensors" for name in ("one", "two")
    ]
    assert (tmp_path / "out" / "two.md").is_file()
    with pytest.raises(ConfigError, match="url: expected an address"):
        weights_manifest.manifest(run, url="example.org", license="mit", out=tmp_path / "out")


def damage(run, change):
    """Write the run's weights with changed tensors or header."""
    file = run_directory.RunDirectory(run).best
    header, tensors = run_directory.read_header(file).to_dict(), load_file(file)
    change(header, tensors)
    save_file(tensors, file, {"sceneseg": json.dumps(header)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h, t: t.pop("head.bias"), r"don't fit the model .*Missing key.*head\.bias"),
        (lambda h, t: t.update({"extra": torch.zeros(1)}), "Unexpected key.*extra"),
        (lambda h, t: h["label_space"]["classes"].pop(), "size mismatch for head"),
        (lambda h, t: t["head.bias"].fill_(float("nan")), "head.bias holds values that aren't finite"),
        (lambda h, t: h.pop("input"), "its header doesn't say input"),
    ],
)
def test_verify_finds_what_is_wrong(run, change, message):
    damage(run, change)
    with pytest.raises(RunError, match=message):
        weights_verify.verify(run)


def test_verify_of_something_else(tmp_path):
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\0\0\0")
    with pytest.raises(RunError, match="not readable as safetensors"):
        weights_verify.verify(tmp_path / "cut.safetensors")


def test_the_card_says_what_the_run_knows_and_no_more(run, tmp_path):
    weights_card.card(run, out=tmp_path / "README.md", license="cc-by-nc-4.0")
    text = (tmp_path / "README.md").read_text()
    card = huggingface_hub.ModelCard(text)
    assert card.data.license == "cc-by-nc-4.0"
    (result, *_) = card.data.eval_results
    assert (result.metric_type, result.metric_value, result.dataset_split) == ("mean_iou", 0.5, "val")
    assert "The official val split has 500 images, here there were 2" in text
    assert "Not in the scored images, so nothing is known of them: train." in text
    assert "| Frozen | stem |" in text
    assert "/home/somebody" not in text
    assert "non-commercial" in text
    assert "Images are resized to 64 × 128" in text


def test_toy_scenes_are_called_what_they_are(run, tmp_path):
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "toy_scenes.json").write_text("{}")
    config = run_directory.RunDirectory(run).config
    config.write_text(config.read_text().replace("/home/somebody/private/cityscapes", str(tmp_path / "toy")))
    text = model_card(run, name="tiny", license="mit").text
    assert "trained on toy street scenes" in text
    assert "no photograph" in text
    assert huggingface_hub.ModelCard(text).data.datasets == ["toy_street_scenes"]
    assert str(tmp_path) not in text


def test_a_licence_that_nobody_chose_or_knows(run, tmp_path):
    weights_card.card(run, out=tmp_path / "none.md")
    assert huggingface_hub.ModelCard((tmp_path / "none.md").read_text()).data.license == "unknown"
    weights_card.card(run, out=tmp_path / "own.md", license="My Own")
    data = huggingface_hub.ModelCard((tmp_path / "own.md").read_text()).data
    assert (data.license, data.license_name) == ("other", "my-own")


def test_the_command_line_knows_them(capsys):
    for verb in ("list", "get", "verify", "card", "manifest"):
        with pytest.raises(SystemExit) as ended:
            app(["weights", verb, "--help"])
        assert ended.value.code == 0
