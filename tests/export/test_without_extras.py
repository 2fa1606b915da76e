"""Exporting with the core packages alone: TorchScript works, everything else says what to install."""

import subprocess
import sys

import pytest

from small_run import make_small_run

EXTRAS = ("onnx", "onnxscript", "onnxruntime", "openvino")


@pytest.fixture(scope="module")
def run(toy_root, tmp_path_factory):
    return make_small_run(tmp_path_factory.mktemp("runs") / "small", toy_root).path


def sceneseg(*arguments: object) -> subprocess.CompletedProcess:
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({EXTRAS!r}));"
        f"from sceneseg.cli.app import main; main({[*map(str, arguments)]!r})"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("to", ["onnx", "openvino", "tensorrt"])
def test_the_missing_package_and_its_extra_are_named(run, tmp_path, to):
    done = sceneseg("export", "-w", run, "--to", to, "--images", 0)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "pip install onnx onnxscript onnxruntime openvino" in done.stderr
    assert "[export]" in done.stderr


def test_torchscript_needs_none_of_them(run, tmp_path):
    done = sceneseg("export", "-w", run, "--to", "torchscript", "--images", 0, "-o", tmp_path / "net.torchscript")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "net.torchscript").is_file()
