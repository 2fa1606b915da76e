"""Every verb once on the command line and once in Python, with the same result; the functions print nothing."""

import filecmp
import inspect
import json
import re
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest

import sceneseg
from sceneseg.api import data, models
from sceneseg.cli import app
from sceneseg.fetching.datasets import Archive, Source
from sceneseg.training.planning import show_bytes

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture
def command(capsys, monkeypatch):
    """Run a command in this process; return what it printed, line ends as blanks."""

    monkeypatch.setenv("COLUMNS", "200")

    def command(line: str, code: int = 0) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            app.main(line.split())
        printed = capsys.readouterr()
        assert (stop.value.code or 0) == code, printed.err
        return " ".join(printed.out.split())

    return command


@pytest.fixture
def python(capsys):
    """Call a public function; return its record, after looking whether it printed anything."""

    def python(verb: str, /, *values, **arguments):
        capsys.readouterr()
        record = getattr(sceneseg, verb)(*values, **arguments)
        assert capsys.readouterr() == ("", "")
        return record

    return python


def same(one: Path, other: Path) -> bool:
    """Return whether two files, or the files in two folders, have the same names and bytes."""
    names = [
        sorted(str(f.relative_to(d)) for d in [folder] for f in d.rglob("*") if f.is_file()) for folder in (one, other)
    ]
    return names[0] == names[1] and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in names[0] or [""]
    )


@pytest.mark.usefixtures("workplace")
class TestData:
    """The verbs of `sceneseg data`."""

    def test_toy(self, command, python):
        assert "3 scenes in a." in command("data toy --out a --count 3 --size 32 64 --seed 1")
        made = python("make_toy", "b", count=3, size=(32, 64), seed=1)
        assert sum(made.scenes.values()) == 3
        assert same(Path("a"), made.path)

    def test_get(self, command, python, server, monkeypatch):
        listed = command("data get")
        assert all(source.name in listed and source.terms in listed for source in python("list_data"))
        with zipfile.ZipFile("set.zip", "w") as archive:
            archive.writestr("train/a.png", b"a")
        server.serve("/set.zip", Path("set.zip").read_bytes())
        archives = (Archive(f"{server.url}/set.zip", 100),)
        source = Source("toyset", "Toy", "Free.", "https://example.org", archives, ("train",))
        monkeypatch.setattr(data, "find_source", lambda _: source)
        command("data get toyset --out a --accept-terms")
        assert same(Path("a"), python("get_data", "toyset", "b", accept_terms=True).path)

    def test_doctor(self, command, python):
        next(Path("data/toy/gtFine/val").rglob("*_labelIds.png")).write_bytes(b"damaged")
        printed = command("data doctor -d cityscapes -p data/toy --repair a", code=1)
        found = python("doctor", "cityscapes", "data/toy")
        assert f"{len(found.errors)} error, {len(found.warnings)} warning" in printed
        assert all(finding.kind in printed and finding.cure in printed for finding in found.findings)
        repaired = python("repair", found, "b")
        assert f"{repaired.pairs} pairs written to a" in printed
        assert same(Path("a"), Path("b"))

    def test_stats(self, command, python):
        printed = command("data stats -d cityscapes -p data/toy --json a.json --picture a.png --examples 2")
        found = python("statistics", "cityscapes", "data/toy", json="b.json", picture="b.png", examples=2)
        for one in found.classes:
            assert f"{one.name} {one.pixels:,} {one.share:.3%} {one.images:,}" in printed
        assert same(Path("a.json"), Path("b.json"))
        assert same(Path("a.png"), Path("b.png"))

    @pytest.mark.parametrize("augment", [False, True])
    def test_view(self, command, python, augment):
        printed = command(f"data view -d cityscapes -p data/toy --out a.png {'--augment' if augment else '--count 2'}")
        options = {"augment": True} if augment else {"count": 2}
        drawn = python("view", "cityscapes", "data/toy", out="b.png", **options)
        assert augment or ", ".join(drawn.scenes) in printed
        assert same(Path("a.png"), drawn.path)

    def test_pack_unpack_verify(self, command, python):
        printed = command("data pack -d cityscapes -p data/toy --split val --out a --format webdataset")
        packed = python("pack", "cityscapes", "data/toy", split="val", out="b", format="webdataset")
        assert f"{packed.scenes} scenes in a/val, {packed.written} of them written now" in printed
        assert same(Path("a"), Path("b"))
        printed = command("data unpack -p a --split val --out c")
        unpacked = python("unpack", "b", split="val", out="d")
        assert f"{unpacked.scenes} scenes in c" in printed
        assert same(Path("c"), unpacked.path)
        printed = command("data verify -p a --split val")
        checked = python("verify_pack", "b", split="val")
        assert f"{checked.scenes} scenes in {checked.shards} shard: as they were packed" in printed


@pytest.mark.usefixtures("workplace")
class TestWeights:
    """The verbs of `sceneseg weights`."""

    def test_manifest_list_get_verify(self, command, python, server):
        options = f"--url {server.url}/w --license cc-by-nc-4.0 --name small"
        command(f"weights manifest runs/small {options} --out a")
        folder = python(
            "make_manifest", "runs/small", url=f"{server.url}/w", license="cc-by-nc-4.0", name="small", out="b"
        )
        assert same(Path("a"), folder.path)
        for file in folder.path.iterdir():
            server.serve(f"/w/{file.name}", file.read_bytes())
        address = f"{server.url}/w/manifest.yaml"
        printed = command(f"weights list --json --manifest {folder.manifest}")
        listed = python("list_weights", folder.manifest)
        assert json.loads(printed) == [asdict(entry) for entry in listed.entries]
        command(f"weights get small --manifest {address} --out c")
        fetched = python("get_weights", "small", manifest=address, out="d")
        assert same(Path("c"), Path("d"))
        printed = command(f"weights verify c/small.safetensors --manifest {folder.manifest}")
        verified = python("verify_weights", fetched.path, manifest=listed)
        facts = verified.summary
        for text in (
            verified.sha256,
            verified.published,
            facts.model,
            f"{facts.parameters:,} parameters",
            facts.version,
        ):
            assert text in printed

    def test_card(self, command, python):
        command("weights card runs/small --out a.md --license mit --name Small")
        card = python("model_card", "runs/small", out="b.md", license="mit", name="Small")
        assert Path("a.md").read_text() == card.path.read_text() == card.text

    def test_import(self, command, python, shared_data):
        file = shared_data / "parity" / "espnet_city" / "espnet_p_2_q_8.pth"
        printed = command(f"weights import --from espnet --file {file} --out a.safetensors")
        made = python("import_weights", file, "b.safetensors", origin="espnet")
        assert f"{made.model} for the {len(made.classes)} classes of {made.label_space}" in printed
        assert same(Path("a.safetensors"), made.path)

    def test_the_older_spelling_of_license(self, command):
        command("weights card runs/small --out a.md --license mit")
        command("weights card runs/small --out b.md --licence mit")
        assert same(Path("a.md"), Path("b.md"))


@pytest.mark.usefixtures("workplace")
class TestModels:
    """The verbs about models and trainings."""

    def test_models(self, command, python, monkeypatch):
        monkeypatch.setattr(
            models, "segmentation_models", lambda: ["fast_scnn", "separable_unet"]
        )  # each takes a while
        assert json.loads(command("models --json")) == [asdict(model) for model in python("list_models")]
        assert "fast_scnn 1.14 M" in command("models")

    def test_summary(self, command, python):
        printed = command("summary -m separable_unet --model.width 4 --size 64 96 --diagram a.svg")
        counted = python("summarize", {"name": "separable_unet", "width": 4}, size=(64, 96), diagram="b.svg")
        for part in counted.cost.parts:
            assert f"{part.name} {' x '.join(map(str, part.output))} {part.parameters:,}" in printed
        assert f"parameters {counted.cost.parameters:,}" in printed
        assert same(Path("a.svg"), Path("b.svg"))

    def test_plan(self, command, python):
        printed = command("plan -m fast_scnn --augment.crop-size 64 128 -b 4 --memory 1GB")
        planned = python("plan", "fast_scnn", crop_size=(64, 128), batch_size=4, memory="1GB")
        assert f"fast_scnn, batch of {planned.step.batch}, 1.00 GB" in printed
        assert f"The whole batch fits: {show_bytes(planned.peak)} at the peak." in printed
        assert "Not even one sample fits" in command("plan -m fast_scnn -t 64 128 --memory 1MB", code=1)
        assert not python("plan", "fast_scnn", target_size=(64, 128), memory="1MB").fits

    def test_find_lr(self, command, python):
        printed = command("find-lr --config runs/small/config.yaml --steps 10 -f sgd,adamw --runs a")
        found = python("find_lr", config="runs/small/config.yaml", steps=10, optimizer="sgd,adamw", runs="b")
        assert [test.optimizer for test in found.tests] == ["sgd", "adamw"]
        assert all(f"{test.optimizer} " in printed for test in found.tests)
        for name in ("find_lr.json", "find_lr.csv", "find_lr.png", "config.yaml"):
            assert same(Path("a") / found.path.name / name, found.path / name)

    def test_report(self, command, python):
        printed = command("report runs/small")
        page = Path("runs/small/report.html").read_bytes()
        written = python("report", "runs/small")
        assert f"mean IoU {written.mean_iou:.2%} (validation) report {written.path}" in printed
        assert written.path.read_bytes() == page

    @pytest.mark.slow
    def test_verify_resume(self, command, python):
        printed = command("verify-resume --steps 8 --device cpu")
        proof = python("verify_resume", steps=8, device="cpu")
        assert proof.identical
        assert "every weight has the same bits" in printed


def table() -> dict[str, list[str]]:
    """Return the commands of the table in docs/python.md with the functions of each."""
    rows = re.findall(r"^\| `sceneseg ([^`]+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    return {verb: re.findall(r"`(\w+)`", functions) for verb, functions in rows}


def test_every_command_has_a_function():
    def verbs(group, path: str = "") -> set[str]:
        found = set()
        for name in group:
            if not name.startswith("-"):
                inner = group[name]
                found |= verbs(inner, f"{path}{name} ") or {f"{path}{name}"}
        return found

    assert table().keys() == verbs(app.app)
    assert {name for names in table().values() for name in names} <= set(sceneseg.__all__)


def test_every_function_has_a_command():
    ours = [name for name in sceneseg.__all__ if inspect.isfunction(getattr(sceneseg, name))]
    verbs = [name for name in ours if getattr(sceneseg, name).__module__.startswith("sceneseg.api.")]
    assert set(verbs) <= {name for names in table().values() for name in names}
