"""The rules of the house that no linter knows."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sceneseg
from sceneseg.bench.engines import engines
from sceneseg.datasets import datasets
from sceneseg.export import formats
from sceneseg.losses import losses
from sceneseg.metrics import metrics
from sceneseg.models import models
from sceneseg.optim.optimizers import optimizers
from sceneseg.optim.schedules import schedules
from sceneseg.registry import Registry
from sceneseg.tasks import tasks
from sceneseg.training.trackers import trackers
from sceneseg.transforms import transforms

SOURCE = Path(sceneseg.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))
SHELVES: list[Registry] = [
    *(models, datasets, losses, metrics, transforms, optimizers, schedules, formats, engines, tasks, trackers),
]


def python(code: str, *options: str) -> str:
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_files_stay_short(file):
    assert len(file.read_text().splitlines()) <= 400


QUESTIONS = {"what", "where", "how", "which", "who", "whose", "from", "say", "says", "let", "lets"}
"""Words that open no docstring: things are named by nouns, functions by verbs. "Whether" is for booleans."""


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_docstrings_open_with_a_noun_or_a_verb(file):
    tree = ast.parse(file.read_text())
    documented = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    firsts = {n.name: (ast.get_docstring(n) or "-").split()[0] for n in documented}
    assert not {name: word for name, word in firsts.items() if word.strip(".,:;`").lower() in QUESTIONS}
    assert (ast.get_docstring(tree) or "-").split()[0].strip(".,:;`").lower() not in QUESTIONS | {"whether"}


def test_no_room_for_leftovers():
    words = {"utils", "util", "common", "helpers", "helper", "misc"}
    assert not [f for f in FILES if words & {f.stem, f.parent.name}]


@pytest.mark.parametrize("shelf", SHELVES, ids=lambda s: s.kind)
def test_every_name_on_a_shelf_is_its_file(shelf):
    assert shelf.names()
    for name in shelf.names():
        assert shelf.get(name).__module__ == f"{shelf.package}.{name}"


def test_no_architecture_imports_another():
    for name in models.names():
        tree = ast.parse((SOURCE / "models" / f"{name}.py").read_text())
        imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
        others = {f"sceneseg.models.{other}" for other in models.names()}
        assert not imported & others


WRITES = {
    *("write_text", "write_bytes", "tofile", "imwrite", "savefig", "print_png", "print_svg", "copyfile", "copy2"),
    *("copytree", "savez", "savez_compressed", "save_file", "save_model", "mkstemp", "mkdtemp", "TemporaryDirectory"),
    *("NamedTemporaryFile", "ZipFile", "symlink_to", "hardlink_to"),
}
OTHERS_SAVE = {"np", "numpy", "torch", "jit", "onnx", "package", "PillowImage", "Image", "fromarray", "picture"}
WRITES_ITSELF = {
    "bench/memory.py": "a switch of the kernel, not a file",
    "bench/worker.py": "into the temporary folder of its parent",
    "api/benchmark.py": "into a temporary folder",
    "export/onnx.py": "at the path of `Exporter.write`, a temporary folder",
    "export/openvino.py": "likewise",
    "export/tensorrt.py": "likewise",
    "export/torchscript.py": "likewise",
    "fetching/datasets/unpacking.py": "below a folder that is renamed when it is whole",
    "fetching/transfer.py": "a .part, which is resumed, and renamed when it is complete",
    "inference/visualization.py": "into memory",
    "metrics/counts_file.py": "at the path of `SemanticCounts.save`, a temporary file",
    "shards/index.py": "a line at a time, of which the last may be torn",
    "shards/tfrecord.py": "at the path of `pack`, a temporary file",
    "shards/webdataset.py": "at the path of `pack`, a temporary file",
    "records/predictions.py": "a line at a time, of which the last may be torn",
    "records/temporaries.py": "what all others use",
    "standalone.py": "a hidden file that is renamed; it can't import the rest",
    "toy/writing.py": "below a folder that is renamed when it is whole",
    "training/processes.py": "to /dev/null",
}
"""Modules that write files otherwise than by `records.run_directory.atomic` or into a `temporary_folder`, and how."""


def writes(tree: ast.AST, inside: bool = False) -> list[int]:
    """Return the lines with calls that write files, outside of `with atomic(...)` and `with temporary_folder(...)`."""
    if isinstance(tree, ast.With):
        calls = [item.context_expr for item in tree.items if isinstance(item.context_expr, ast.Call)]
        inside = inside or any(name_of(call.func) in {"atomic", "temporary_folder"} for call in calls)
    found = [tree.lineno] if isinstance(tree, ast.Call) and not inside and is_writing(tree) else []
    return found + [line for child in ast.iter_child_nodes(tree) for line in writes(child, inside)]


def is_writing(call: ast.Call) -> bool:
    name, of = name_of(call.func), name_of(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name == "save":
        return of in OTHERS_SAVE
    if name == "open":
        given = [*call.args, *(k.value for k in call.keywords if k.arg == "mode")]
        words = [
            n.value for a in given for n in ast.walk(a) if isinstance(n, ast.Constant) and isinstance(n.value, str)
        ]
        return any(set(word) <= set("rwaxbt+") and set(word) & set("wax+") for word in words)
    return (
        name in WRITES
        and (isinstance(call.func, ast.Attribute) or not name.startswith("write_"))
        and of
        not in {
            "run_directory",
            "visualization",
        }
    )


def name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return name_of(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_files_appear_whole_or_not_at_all():
    found = {str(f.relative_to(SOURCE)): lines for f in FILES if (lines := writes(ast.parse(f.read_text())))}
    assert found.keys() <= WRITES_ITSELF.keys(), {f: found[f] for f in found.keys() - WRITES_ITSELF.keys()}
    assert found.keys() == WRITES_ITSELF.keys(), f"no more: {WRITES_ITSELF.keys() - found.keys()}"


@pytest.mark.parametrize(
    "code",
    [
        *("file.write_text('x')", "open(f, 'w')", "f.open('ab')", "np.save(f, a)", "torch.save(s, f)"),
        *(
            "shutil.copyfile(a, b)",
            "PillowImage.fromarray(p).save(f)",
            "cv2.imwrite(f, p)",
            "open(f, mode='r+')",
            "f.open('ab' if more else 'wb')",
        ),
    ],
)
def test_a_file_that_is_written_otherwise_is_seen(code):
    assert writes(ast.parse(code)) == [1]
    assert not writes(ast.parse(f"with atomic(f) as temporary:\n    {code}"))


ROOMS = ("datasets", "doctor", "fetching", "packing", "publishing", "records", "shards", "toy")
FILES_WITHOUT_OPTIONS = [f for f in FILES if f.parent != SOURCE and f.relative_to(SOURCE).parts[0] in ROOMS]
FILES_WITHOUT_OPTIONS += [SOURCE / name for name in ("id_lookup.py", "labels.py", "ranges.py", "wording.py")]


@pytest.mark.parametrize("file", FILES_WITHOUT_OPTIONS, ids=lambda f: str(f.relative_to(SOURCE)))
def test_the_library_names_arguments_where_the_command_line_has_options(file):
    texts = [
        n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    ]
    assert not [(n.lineno, n.value) for n in texts if re.search(r"(^|[\s(`'\"])(--[a-z]|-[a-z]\b)", n.value)]


def test_listing_a_shelf_imports_none_of_it():
    out = python(
        "import sys; from sceneseg.models import models; names = models.names();"
        "print([m for m in sys.modules if m.startswith('torch') or m in {f'sceneseg.models.{n}' for n in names}])"
    )
    assert out.strip() == "[]"


@pytest.mark.parametrize(
    ("code", "threads"),
    [
        ("import cv2; cv2.setNumThreads(2)\nimport sceneseg.datasets.base", 2),  # of the program that imports us
        ("from sceneseg.cli.app import main\ntry: main(['models', '-x'])\nexcept SystemExit: pass\nimport cv2", 1),
    ],
)
def test_threads_of_opencv_are_those_of_the_program(code, threads):
    assert int(python(f"{code}\nprint(cv2.getNumThreads())").split()[-1]) == threads


def test_help_needs_no_torch():
    code = (
        "import sys, json\n"
        "from sceneseg.cli.app import app\n"
        "for verb in ('train', 'evaluate', 'predict', 'report', 'summary', 'data toy'):\n"
        "    try: app([*verb.split(), '--help'])\n"
        "    except SystemExit: pass\n"
        "print(); print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    loaded = set(json.loads(python(code).splitlines()[-1]))
    assert not loaded & {"torch", "timm", "numba", "cv2", "lightning_fabric", "matplotlib"}


def test_public_names_exist_and_importing_warns_of_nothing():
    out = python(
        "import sceneseg\nfor n in sceneseg.__all__: getattr(sceneseg, n)\nprint(len(dir(sceneseg)))", "-Werror"
    )
    assert int(out) > len(sceneseg.__all__)


def test_type_checkers_know_the_public_names():
    tree = ast.parse((SOURCE / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imported = {a.asname or a.name for node in block.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assigned = {target.id for node in block.body if isinstance(node, ast.Assign) for target in node.targets}
    assert (imported | assigned) - {"create"} == set(sceneseg.__all__)


@pytest.mark.parametrize("name", ["doctor", "report"])
def test_a_function_wins_over_the_room_of_its_name(name):
    code = f"import sceneseg, sceneseg.{name}; from sceneseg.{name} import __path__; print(callable(sceneseg.{name}))"
    assert python(code).strip() == "True"


def test_unknown_public_name():
    with pytest.raises(AttributeError, match="lod"):
        _ = sceneseg.lod  # type: ignore[attr-defined]


def per_thousand_lines(count: int, files: list[Path]) -> float:
    return 1000 * count / sum(len(f.read_text().splitlines()) for f in files)


def test_free_dictionaries_stay_at_the_doors():
    """Data with a shape is a record, free data that is only read a Mapping of objects."""
    texts = [f.read_text() for f in FILES]
    assert per_thousand_lines(sum(text.count("dict[str, Any]") for text in texts), FILES) <= 1.0
    assert not [line for text in texts for line in re.findall(r"(?m)^\w+(?:: \w+)? = dict\[str, Any\]$", text)]


def test_reports_read_records():
    files = [f for f in FILES if f.relative_to(SOURCE).parts[0] == "report"]
    keys = [
        node
        for f in files
        for node in ast.walk(ast.parse(f.read_text()))
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and type(node.slice.value) is str
    ]
    assert per_thousand_lines(len(keys), files) <= 10
