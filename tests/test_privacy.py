"""Nothing is sent anywhere: no verb opens a connection, and packages that would report their use are kept from it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from small_run import make_small_run

GUARD = """
import os, sys
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request"):
        seen.append(f"{event} {arguments[-1]!r}")
    if event == "import" and arguments[0] == "onnxruntime" and os.environ.get("ORT_DISABLE_TELEMETRY") != "1":
        seen.append("onnxruntime imported while it may report")
sys.addaudithook(watch)
"""
"""Notes connections that Python opens, and what would let native code open them."""


@pytest.fixture(scope="module")
def run(toy_root, tmp_path_factory):
    return make_small_run(tmp_path_factory.mktemp("runs") / "small", toy_root).path


def guarded(tmp_path: Path, *commands: list[object]) -> list[str]:
    """Run commands one after the other in a new process; return the connections that were tried."""
    code = GUARD + (
        "import json\n"
        "from sceneseg.cli.app import main\n"
        f"for command in json.loads({json.dumps([[*map(str, c)] for c in commands])!r}):\n"
        "    try: main(command)\n"
        "    except SystemExit as stop: assert not stop.code, (command, stop.code)\n"
        "if sys.modules.get('openvino_telemetry') is not None: seen.append('openvino_telemetry imported')\n"
        f"open({str(tmp_path / 'seen.json')!r}, 'w').write(json.dumps(seen))\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    return json.loads((tmp_path / "seen.json").read_text())


def python(code: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_the_guard_sees_what_it_should():
    tried = "import socket\ntry: socket.create_connection(('127.0.0.1', 9), 0.1)\nexcept OSError: pass\nprint(seen)"
    assert "socket.connect" in python(GUARD + tried)
    imported = "try: import onnxruntime\nexcept ImportError: pass\nprint(seen)"
    assert "may report" in python(GUARD + imported)


def test_no_verb_opens_a_connection(run, toy_root, tmp_path):
    pytest.importorskip("onnxruntime")
    photo = next(toy_root.rglob("*_leftImg8bit.png"))
    train = ["-m", "separable_unet", "--model.width", 4, "-p", toy_root, "--augment.crop-size", 32, 48, "-b", 2]
    short = [*train, "--data.workers", 0, "--train.steps-per-epoch", 2, "-e", 1]
    seen = guarded(
        tmp_path,
        ["train", *short, "--name", "one"],
        ["train", *short, "--name", "two", "--seed", 1],
        ["compare", "runs/one", "runs/two", "--no-latency", "--name", "both"],
        ["evaluate", "-w", "runs/one"],
        ["predict", "-w", "runs/one", photo],
        ["report", "runs/one"],
        ["summary", "-m", "fast_scnn"],
        ["plan", "-m", "fast_scnn", "-t", 64, 128, "--memory", "4GB"],
        ["export", "-w", "runs/one", "--to", "onnx", "--images", 2, "-o", "one.onnx"],
        ["export", "-w", "runs/one", "--to", "onnx", "--precision", "int8", "--images", 2, "-o", "int8.onnx"],
        ["export", "-w", "runs/one", "--to", "openvino", "--images", 2, "-o", "one.xml"],
        ["export", "-w", "runs/one", "--to", "torchscript", "--images", 2, "-o", "one.torchscript"],
        ["predict", "-w", "one.onnx", photo],
        ["predict", "-w", "runs/one", photo, "--engine", "openvino", "-r", "again"],
        ["find-lr", *train, "--data.workers", 0, "--steps", 10],
        ["data", "toy", "--out", "toy", "--count", 4, "--size", 32, 64],
        ["data", "doctor", "-d", "cityscapes", "-p", toy_root],
        ["data", "stats", "-d", "cityscapes", "-p", toy_root],
        ["data", "view", "-d", "cityscapes", "-p", toy_root],
        ["data", "pack", "-d", "cityscapes", "-p", toy_root, "--out", "packed"],
        ["data", "verify", "-p", "packed"],
        ["weights", "list"],
        ["weights", "verify", "runs/one"],
        ["weights", "card", "runs/one"],
        [
            "weights",
            "manifest",
            "runs/one",
            "--out",
            "published",
            "--url",
            "https://example.org/",
            "--licence",
            "Apache-2.0",
        ],
    )
    assert seen == []


def test_the_standalone_runner_keeps_onnxruntime_quiet(run, tmp_path):
    pytest.importorskip("onnxruntime")
    opened = "from sceneseg.standalone import Runner, RunnerError\n"
    opened += f"try: Runner({__file__!r})\nexcept RunnerError: pass\nprint('onnxruntime' in sys.modules, seen)"
    assert python(GUARD + opened).strip() == "True []"


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace isn't installed")
def test_onnxruntime_makes_no_connection_in_half_a_minute(tmp_path):
    """Native code doesn't pass Python's guard, so the system calls are traced; the look-up comes after some seconds."""
    onnx = pytest.importorskip("onnx")
    value = onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1])
    node = onnx.helper.make_node("Identity", ["x"], ["y"])
    out = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [1])
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", [value], [out]), opset_imports=[onnx.helper.make_opsetid("", 18)]
    )
    model.ir_version = 10
    onnx.save(model, tmp_path / "m.onnx")
    code = (
        "import time; from sceneseg.records.environment import import_onnxruntime as f;"
        f"s = f().InferenceSession({str(tmp_path / 'm.onnx')!r}, providers=['CPUExecutionProvider']); time.sleep(25)"
    )
    trace = tmp_path / "trace"
    subprocess.run(["strace", "-f", "-e", "trace=connect,sendto", "-o", trace, sys.executable, "-c", code], check=True)
    assert not [line for line in trace.read_text().splitlines() if "AF_INET" in line]
