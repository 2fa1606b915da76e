"""Exported files predict as the weights do, from the command line and from Python."""

import sys

import numpy as np
import onnx
import pytest
from PIL import Image

import sceneseg
from sceneseg.cli.app import main
from sceneseg.cli.predict import predict
from sceneseg.errors import ConfigError, ModelError, RunError
from sceneseg.export import formats
from sceneseg.export._description import describe
from sceneseg.export.onnx import finish
from sceneseg.export.plan import make_plan


@pytest.fixture(scope="module")
def files(model, body, tmp_path_factory):
    """One model in three formats."""
    folder = tmp_path_factory.mktemp("files")
    onnx.save(finish(body, model, make_plan(model)), folder / "street.onnx")
    for to in ("openvino", "torchscript"):
        maker = formats.get(to)
        plan = make_plan(model, engine=maker.engine)
        maker(model, plan, []).save(folder / f"street{maker.suffix}", describe(model, plan))
    return folder


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".torchscript"])
def test_the_same_files_come_out(model, files, pictures, tmp_path, capsys, suffix):
    Image.fromarray(pictures[1]).save(tmp_path / "photo.png")
    predict(tmp_path / "photo.png", weights=files / f"street{suffix}", results=tmp_path / "exported")
    model.predict(tmp_path / "photo.png").save(tmp_path / "weights")
    assert "1 predicted" in capsys.readouterr().out
    written = [sorted(p.name for p in (tmp_path / part).glob("photo*")) for part in ("weights", "exported")]
    assert written[0] == written[1] == ["photo_color.png", "photo_labelIds.png", "photo_overlay.jpg"]
    for name in written[0]:
        ours, theirs = (np.asarray(Image.open(tmp_path / part / name)) for part in ("weights", "exported"))
        assert (np.abs(ours.astype(int) - theirs) > 2).mean() < 0.01


@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".torchscript"])
def test_a_video(model, files, pictures, tmp_path, write_video, monkeypatch, capsys, suffix):
    av = pytest.importorskip("av")
    write_video(tmp_path / "street.mp4", [pictures[0], pictures[0][:, ::-1]])
    asked = ["predict", "-w", files / f"street{suffix}", tmp_path / "street.mp4", "-r", tmp_path / "out"]
    monkeypatch.setattr(sys, "argv", ["sceneseg", *map(str, asked)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "street.mp4: 2 frames, " in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["predictions.csv", "street_overlay.mp4"]
    frames = []
    for file in (tmp_path / "street.mp4", tmp_path / "out" / "street_overlay.mp4"):
        with av.open(str(file)) as video:
            frames.append([frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)])
    assert len(frames[1]) == 2
    for plain, painted in zip(*frames, strict=True):
        wanted = model.predict(plain).overlay(legend=False)
        assert np.abs(painted.astype(int) - wanted).mean() < 10 < np.abs(painted.astype(int) - plain).mean()


def test_a_split_of_a_data_set(files, toy_root, tmp_path):
    predict(weights=files / "street.onnx", data="cityscapes", root=str(toy_root), split="val", results=tmp_path)
    assert len(list(tmp_path.glob("*_labelIds.png"))) == len(list((toy_root / "leftImg8bit" / "val").rglob("*.png")))


@pytest.mark.parametrize("option", [{"engine": "openvino"}, {"device": "cpu"}, {"target_size": (64, 96)}])
def test_what_is_settled_in_the_file_cannot_be_chosen(files, tmp_path, option):
    [name] = option
    with pytest.raises(ConfigError, match=f"{name} can't be chosen for .*street.onnx"):
        predict(tmp_path / "photo.png", weights=files / "street.onnx", **option)


def test_python_has_it_too(model, body, files, pictures, opened):
    exported = sceneseg.ExportedModel.load(files / "street.onnx").predict(pictures[0])
    wanted = model.predict(pictures[0])
    assert (exported.labels == wanted.labels).mean() > 0.999
    assert exported.shares.keys() == wanted.shares.keys()
    with pytest.raises(ModelError, match="gives probabilities"):
        _ = exported.probabilities
    for output in ("probabilities", "coarse"):
        found = opened(body, model, make_plan(model, output)).predict(pictures[1])
        assert np.abs(found.probabilities - model.predict(pictures[1]).probabilities).max() < 1e-3


@pytest.mark.parametrize(
    ("suffix", "complaint"),
    [(".onnx", "ONNX Runtime can't load"), (".xml", "OpenVINO can't"), (".torchscript", "not r")],
)
def test_a_broken_file_gets_one_sentence(tmp_path, suffix, complaint):
    file = tmp_path / f"street{suffix}"
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(RunError, match=complaint) as raised:
        predict(tmp_path / "photo.png", weights=file)
    assert "\n" not in str(raised.value)


def test_other_verbs_want_weights(files):
    with pytest.raises(RunError, match="exported files are for `sceneseg predict` alone"):
        sceneseg.load(files / "street.onnx")
