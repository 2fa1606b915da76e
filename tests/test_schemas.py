"""The schemas of files are those of the records, and hold for the files of a run."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from sceneseg.records.environment import environment
from sceneseg.records.run_directory import write_json
from small_run import make_small_run

ROOT = Path(__file__).parents[1]
EARLIER = ROOT / "tests" / "records"
TYPES = {
    **{"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)},
    **{"integer": int, "number": (int, float)},
}


@pytest.fixture(scope="module")
def schemas():
    spec = importlib.util.spec_from_file_location("schemas", ROOT / "tools" / "schemas.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def files(schemas):
    return {file.name: file for file in (*schemas.RUN, *schemas.COMPARISON, *schemas.RESULTS, *schemas.EXPORTED)}


def problem(value: Any, schema: dict[str, Any], where: str = "") -> str:
    """Return what of a value its schema refuses, by the keywords that the schemas use; empty where nothing."""
    if "anyOf" in schema:
        found = [problem(value, one, where) for one in schema["anyOf"]]
        return "" if "" in found else found[0]
    if "enum" in schema:
        return "" if value in schema["enum"] else f"{where}: {value!r} is none of {schema['enum']}"
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return f"{where}: {value!r} is no {kind}"
    if kind == "array":
        first = schema.get("prefixItems", [])
        if len(value) < schema.get("minItems", 0) or (schema.get("items") is False and len(value) > len(first)):
            return f"{where}: {len(value)} items"
        kinds = [*first, *[schema["items"]] * (len(value) - len(first))]
        pairs = enumerate(zip(value, kinds, strict=True))
        return next(filter(None, (problem(v, k, f"{where}.{i}") for i, (v, k) in pairs)), "")
    if kind == "object":
        if missing := [key for key in schema.get("required", []) if key not in value]:
            return f"{where}: no {missing[0]}"
        known, others = schema.get("properties", {}), schema["additionalProperties"]
        kinds = {key: known.get(key, {} if others is True else others) for key in value}
        return next(filter(None, (problem(v, kinds[k], f"{where}.{k}") for k, v in value.items())), "")
    return ""


def test_the_documents_are_those_of_the_records(schemas):
    made = schemas.generated()
    for file, text in made.items():
        assert file.read_text(encoding="utf-8") == text, "run `make docs`"
    assert set(schemas.SCHEMAS.iterdir()) == set(made) - {schemas.PAGE}


def test_every_field_is_explained(schemas, files):
    for file in files.values():
        for kind in schemas._with_parts(file.kinds):
            assert all(schemas.descriptions(kind).values())


def test_the_files_of_a_run_fit_their_schemas(schemas, files, toy_root, tmp_path):
    run = make_small_run(tmp_path / "run", toy_root)
    write_json(run.environment, environment().to_dict())
    for name in ("metrics.json", "environment.json", "labels.json", "model.json", "samples/samples.json"):
        content = json.loads((run.path / name).read_text())
        assert problem(content, schemas.schema_of(files[name])) == "", name
    with safe_open(run.best, "np") as opened:
        header = json.loads(opened.metadata()["sceneseg"])
    assert problem(header, schemas.schema_of(files["weights/best.safetensors"])) == ""
    columns = run.history.read_text().splitlines()[0].split(",")
    assert set(columns) - {"mean_iou"} <= {field.name for field in schemas.dataclasses.fields(schemas.Epoch)}


def test_files_of_0_1_0_fit_the_schemas(schemas, files):
    found = [*EARLIER.glob("runs_0_1_0/**/*.json"), *EARLIER.glob("comparisons_0_1_0/*/*.json")]
    assert {file.name for file in found} > {"metrics.json", "plan.json", "latency.json", "progress.json"}
    for file in found:
        assert problem(json.loads(file.read_text()), schemas.schema_of(files[file.name])) == "", file


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("metrics.json", {"classes": {"road": {"iou": "high"}}}, "'high' is no number"),
        ("metrics.json", {"protocol": {"void": "never"}}, "'never' is none of"),
        ("metrics.json", {"protocol": {"input_size": [1, 2, 3]}}, "is none of"),
        ("environment.json", {"cores": 2.5}, "2.5 is no integer"),
        ("labels.json", {"name": "a"}, "no classes"),
        ("weights/best.safetensors", {"format": 1}, "no sceneseg_version"),
    ],
)
def test_schemas_refuse_other_files(schemas, files, name, content, complaint):
    assert complaint in problem(content, schemas.schema_of(files[name]))
