"""Commands that are killed at any moment leave no half files, and end with the same files when they are given again.

Each is killed (SIGKILL) before a random change of a file, or after a random time; then it is given again, sometimes
killed once more, until it ends. KILLS=100 chooses the number of kills of each command, SEED=7 other moments.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from sceneseg.records import run_directory
from sceneseg.records.run_directory import RunDirectory
from sceneseg.records.temporaries import is_temporary
from small_run import make_small_run

KILLS = int(os.environ.get("KILLS", "5"))
SEED = int(os.environ.get("SEED", "0"))
MOST = 12  # times that a command is given again before it counts as one that never ends
TIMES = ("seconds", "images_per_second", "data_wait")


@dataclass(frozen=True)
class Job:
    """A command that can be killed.

    Args:
        command: Its arguments, for an output folder.
        kind: sceneseg, or another call of the kill server.
        before: Prepares the output folder before the command is given again, and returns its arguments then.
        ended: Exit codes of a command that did all it should.
        differs: Names of files that differ from run to run.
        whole: Whether each file, once it has its name, is that of the unbroken command.
    """

    command: Callable[[Path], list[str]]
    kind: str = "sceneseg"
    before: Callable[[Path, list[str]], list[str]] = lambda out, command: command
    ended: tuple[int, ...] = (0,)
    differs: frozenset[str] = field(default_factory=frozenset)
    whole: bool = True


class Server:
    """The process that runs commands in children, see `kill_server`."""

    def __init__(self, *modules: str) -> None:
        source = Path(run_directory.__file__).parents[2]
        environment = os.environ | {"PYTHONPATH": str(source), "OMP_NUM_THREADS": "1", "no_proxy": "127.0.0.1"}
        command = [sys.executable, str(Path(__file__).with_name("kill_server.py")), *modules]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, job: Job, arguments: list[str], log: Path, **kill: Any) -> dict[str, Any]:
        request = {"call": job.kind, "arguments": arguments, "at": None, "after": None, "alone": False, "log": str(log)}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request | kill) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer


@pytest.fixture(scope="module")
def light() -> Iterator[Server]:
    yield from running("sceneseg.cli.app", "cv2", "numpy", "sceneseg.packing.pack", "sceneseg.datasets.packed")


@pytest.fixture(scope="module")
def heavy() -> Iterator[Server]:
    yield from running(
        *("sceneseg.cli.app", "torch", "cv2", "lightning_fabric", "sceneseg.training.start", "sceneseg.api.train"),
        *("sceneseg.api.predict", "sceneseg.evaluation.submission", "sceneseg.doctor", "sceneseg.packing.pack"),
        *("sceneseg.fetching.datasets", "sceneseg.publishing.files", "sceneseg.tasks.semantic"),
    )


def running(*modules: str) -> Iterator[Server]:
    server = Server(*modules)
    yield server
    server.process.communicate()
    assert server.process.returncode == 0


def check(server: Server, job: Job, folder: Path, kills: int) -> None:
    """Kill a command so many times, each at another moment, and compare what comes of it with the unbroken one."""
    rng = random.Random(f"{SEED} {job.command(Path())}")
    done = server.run(job, job.command(folder / "whole"), log := folder / "log.txt")
    assert done["code"] in job.ended, log.read_text()
    expected = contents(folder / "whole", job.differs)
    killed = 0
    while killed < kills:
        out = folder / f"killed-{killed}"
        arguments, attempts, more = job.command(out), 0, True
        while True:
            moment = moment_of(rng, done) if more else {}
            found = server.run(job, arguments, log, alone=bool(moment) and rng.random() < 0.3, **moment)
            if found["code"] != -9:
                break
            killed, attempts, more = killed + 1, attempts + 1, rng.random() < 0.4
            assert attempts < MOST, log.read_text()
            said = f"after {moment}: {log.read_text()[-2000:]}"
            look_for_halves(out, expected if job.whole else None, said)
            arguments = job.before(out, job.command(out))
        assert found["code"] in job.ended, log.read_text()
        assert contents(out, job.differs) == expected, log.read_text()[-2000:]
        shutil.rmtree(out)


def moment_of(rng: random.Random, done: dict[str, Any]) -> dict[str, Any]:
    if rng.random() < 0.6:
        return {"at": rng.randint(1, done["events"])}
    return {"after": rng.uniform(0.02, done["seconds"])}


def look_for_halves(out: Path, expected: dict[str, Any] | None, said: str) -> None:
    """See whether every file that has its name is whole."""
    for file in sorted(out.rglob("*")) if out.is_dir() else []:
        parts = file.relative_to(out).parts
        if not file.is_file() or any(is_temporary(p) or p in HALF for p in parts) or file.suffix in {".part", ".csv"}:
            continue
        name = "/".join(parts)
        assert file.stat().st_size or file.name in EMPTY, f"{name} is empty {said}"
        if expected is not None and name in expected and file.name not in CHANGES:
            assert meaning(file) == expected[name], f"{name} isn't whole {said}"


HALF = {"unpacking", "tensorboard", ".arriving"}
EMPTY = {".lock"}
CHANGES = {"pack.unfinished.json", "classes.json"}


def contents(folder: Path, differs: frozenset[str]) -> dict[str, Any]:
    """Return every file of a folder by its name; those that differ from run to run without what they hold."""
    found: dict[str, Any] = {}
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if not {"tensorboard"} & set(parts):
            found["/".join(parts)] = meaning(file) if file.is_file() and file.name not in differs else None
    return found


def meaning(file: Path) -> Any:
    """Return what a file says, without the time when it was written."""
    if file.name == "history.csv":
        return [{k: v for k, v in row.items() if k not in TIMES} for row in run_directory.read_history(file)]
    if file.name == "predictions.csv":
        return sorted(file.read_text().splitlines())
    if file.suffix == ".zip":
        with zipfile.ZipFile(file) as archive:
            return {info.filename: info.CRC for info in archive.infolist()}
    if file.parent.name == "weights" and file.suffix == ".safetensors" and file.with_name("best.safetensors").exists():
        return {name: tensor.numpy().tobytes() for name, tensor in run_directory.load_weights(file).items()}
    return hashlib.sha256(file.read_bytes()).hexdigest()


def packing(toy_root: Path) -> Job:
    return Job(lambda out: ["data", "pack", "-d", "cityscapes", "-p", str(toy_root), "--out", str(out)])


def unpacking(pack: Path) -> Job:
    return Job(lambda out: ["data", "unpack", "-p", str(pack), "--out", str(out)])


@pytest.fixture(scope="module")
def pack(light, toy_root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills")
    assert light.run(packing(toy_root), packing(toy_root).command(folder / "pack"), folder / "log")["code"] == 0
    return folder / "pack"


def test_packing_and_unpacking_survive_a_few_kills(light, toy_root, pack, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    check(light, packing(toy_root), tmp_path / "a", 2)
    check(light, unpacking(pack), tmp_path / "b", 2)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["safetensors", "tfrecord", "webdataset"])
def test_pack(light, toy_root, tmp_path, format):
    job = packing(toy_root)
    check(light, Job(lambda out: [*job.command(out), "--format", format]), tmp_path, KILLS)


@pytest.mark.slow
def test_unpack(light, pack, tmp_path):
    check(light, unpacking(pack), tmp_path, KILLS)


@pytest.mark.slow
def test_repair(heavy, toy_root, tmp_path):
    root = tmp_path / "root"
    for kind, source in (("images", "leftImg8bit"), ("masks", "gtFine")):
        for split in ("train", "val"):
            (root / kind / split).mkdir(parents=True)
            for i, file in enumerate(sorted((toy_root / source / split).rglob("*.png"))):
                if kind == "images" or file.name.endswith("labelIds.png"):
                    shutil.copy(file, root / kind / split / f"s{i // (1 if kind == 'images' else 3)}.png")
    names = ["road", "other", "car"]
    for mask in (root / "masks").rglob("*.png"):
        ids = np.array(Image.open(mask))
        Image.fromarray(np.where(ids == 7, 1, np.where(ids == 26, 3, 2)).astype(np.uint8)).save(mask)
    (root / "data.yaml").write_text(yaml.safe_dump({"names": names}))  # ids from 1 on: an error that is repaired
    command = ["data", "doctor", "-d", "folder", "-p", str(root), "--repair"]

    def again(out: Path, arguments: list[str]) -> list[str]:
        finished = (out / "data.yaml").is_file() and not (out / ".sceneseg-repair").exists()
        return arguments[:-2] if finished else arguments  # killed behind the last file: a finished one is refused

    check(heavy, Job(lambda out: [*command, str(out)], before=again, ended=(0, 1)), tmp_path, KILLS)


def training(toy_root: Path) -> list[str]:
    return [
        *("-m", "fast_scnn", "--model.width", "0.25", "--model.dropout", "0.3", "--train.ema", "0.9", "--seed", "3"),
        *("-d", "cityscapes", "-p", str(toy_root), "--data.workers", "0", "-b", "2", "-e", "2"),
        *("--train.steps-per-epoch", "3", "--augment.crop-size", "32", "64", "--train.device", "cpu"),
        *("--train.checkpoint-minutes", "0"),
    ]


RUN = frozenset({"environment.json", "report.html", "state.ckpt", "config.yaml"})


@pytest.mark.slow
def test_train(heavy, toy_root, tmp_path):
    def again(out: Path, command: list[str]) -> list[str]:
        if not RunDirectory(out / "run").state.is_file():  # as the error says: start it anew
            shutil.rmtree(out, ignore_errors=True)
            return command
        return ["train", "-r", str(out / "run")]

    command = ["train", *training(toy_root), "--name", "run", "--runs"]
    job = Job(lambda out: [*command, str(out)], before=again, differs=RUN, whole=False)
    check(heavy, job, tmp_path, KILLS)


@pytest.mark.slow
def test_compare(heavy, toy_root, tmp_path):
    differs = RUN | {"comparison.html", "comparison.json", "progress.json", "plan.json"}
    vary = ["--vary", "optim.name=sgd,adamw", "--no-latency", "--name", "two", "--runs"]
    job = Job(lambda out: ["compare", *training(toy_root), *vary, str(out)], differs=differs, whole=False)
    check(heavy, job, tmp_path, KILLS)


@pytest.fixture(scope="module")
def run(toy_root, tmp_path_factory):
    return make_small_run(tmp_path_factory.mktemp("run") / "run", toy_root)


@pytest.mark.slow
def test_predict(heavy, run, toy_root, tmp_path):
    pictures = str(toy_root / "leftImg8bit" / "train")
    command = ["predict", "-w", str(run.path), pictures, "--device", "cpu", "--skip-existing", "-r"]
    check(heavy, Job(lambda out: [*command, str(out)]), tmp_path, KILLS)


@pytest.mark.slow
def test_submission(heavy, run, tmp_path):
    command = ["evaluate", "-w", str(run.path), "--split", "test", "--device", "cpu", "--zip", "--submission"]
    check(heavy, Job(lambda out: [*command, str(out / "sub")]), tmp_path, KILLS)


@pytest.mark.slow
def test_weights_get(heavy, server, tmp_path):
    body = np.random.default_rng(0).bytes(3_000_000)
    server.serve("/w/tiny.safetensors", body)
    entry = {"name": "tiny", "address": f"{server.url}/w/tiny.safetensors", "size": len(body), "licence": "mit"}
    manifest = tmp_path / "manifest.yaml"
    entry["sha256"] = hashlib.sha256(body).hexdigest()
    manifest.write_text(yaml.safe_dump({"format": 1, "weights": [entry]}))
    command = ["weights", "get", "tiny", "--manifest", str(manifest), "--out"]
    check(heavy, Job(lambda out: [*command, str(out)]), tmp_path, KILLS)


@pytest.mark.slow
def test_data_get(heavy, server, tmp_path):
    archive = tmp_path / "set.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        for i in range(8):
            opened.writestr(f"train/{i}.png", np.random.default_rng(i).bytes(200_000))
    server.serve("/set.zip", archive.read_bytes())
    size = str(archive.stat().st_size)
    job = Job(lambda out: [f"{server.url}/set.zip", size, str(out / "set")], "fetch")
    check(heavy, job, tmp_path, KILLS)
