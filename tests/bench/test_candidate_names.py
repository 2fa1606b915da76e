from pathlib import Path

import pytest

from sceneseg.bench.names import telling_names


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["unet", Path("runs/demo/fast_scnn")], ["unet", "fast_scnn"]),
        ([Path("runs/camvid/unet"), Path("runs/demo/unet")], ["camvid/unet", "demo/unet"]),
        ([Path("a/x/unet"), Path("b/x/unet"), Path("a/y/unet")], ["a/x/unet", "b/x/unet", "y/unet"]),
        (
            [Path("a/weights/best.safetensors"), Path("b/weights/best.safetensors")],
            ["a/weights/best", "b/weights/best"],
        ),
        (["unet", Path("runs/demo/unet")], ["unet", "demo/unet"]),
        (["unet", "unet", "unet-2"], ["unet", "unet-3", "unet-2"]),
    ],
)
def test_the_shortest_end_that_no_other_has(given, names):
    assert telling_names(given) == names


def test_here_has_a_name_and_a_folder_keeps_its_dots(tmp_path, monkeypatch):
    (tmp_path / "v1.5").mkdir()
    monkeypatch.chdir(tmp_path / "v1.5")
    assert telling_names([Path(".")]) == ["v1.5"]
