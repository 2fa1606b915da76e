"""Schemas of the files in a run directory, from the records that read them: docs/run_directory.md, docs/schemas."""

import dataclasses
import json
import re
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sceneseg.datasets.contents import Contents
from sceneseg.labels import LabelSpace
from sceneseg.records.answers import Answer
from sceneseg.records.comparison_plan import ComparisonPlan
from sceneseg.records.environment import Environment
from sceneseg.records.experiment_progress import ExperimentProgress
from sceneseg.records.export_description import ExportDescription
from sceneseg.records.header import WeightsHeader
from sceneseg.records.history import Epoch
from sceneseg.records.joint_scores import JointScores
from sceneseg.records.latency import LatencyRecord
from sceneseg.records.model_cost import ModelCost
from sceneseg.records.predictions import Row
from sceneseg.records.sample_scores import SampleScore
from sceneseg.records.scores import Scores

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "run_directory.md"
SCHEMAS = ROOT / "docs" / "schemas"


@dataclass(frozen=True)
class ClassNames:
    """The class names of a classifier.

    Args:
        name: Of the data set.
        classes: In the order of the outputs.
    """

    name: str
    classes: list[str]


@dataclass(frozen=True)
class AcceptedChange:
    """Other data that a resumed run was allowed to resume with.

    Args:
        step: After which they changed.
        changes: What changed, in words.
    """

    step: int
    changes: str


@dataclass(frozen=True)
class DataRecord:
    """Which data a run learns from and is scored on; a resumed run compares them.

    Args:
        accepted: Changes of the data.
        splits: What "train" and "val" hold.
    """

    accepted: list[AcceptedChange]
    splits: dict[str, Contents]


@dataclass(frozen=True)
class File:
    """A file that is read as records.

    Args:
        name: In the run directory, the comparison's folder or the results folder.
        kinds: What it holds, one of these.
        text: What it is.
        many: Whether it holds a list or a table of them.
    """

    name: str
    kinds: tuple[type, ...]
    text: str
    many: bool = False

    @property
    def schema(self) -> str:
        """Name of the schema; empty for a table, which has none."""
        return "" if self.name.endswith(".csv") else f"{Path(self.name).stem}.schema.json"


RUN = (
    File("metrics.json", (Scores,), "Scores of the best weights on the validation split, with their protocol."),
    File("environment.json", (Environment,), "Where and with what the run was made."),
    File("labels.json", (LabelSpace, ClassNames), "What the outputs mean; of a classifier the names of its classes."),
    File("model.json", (ModelCost,), "What the model costs."),
    File("data.json", (DataRecord,), "Which data the run learns from and is scored on."),
    File("history.csv", (Epoch,), "A row for each epoch.", many=True),
    File("samples/samples.json", (SampleScore,), "Scores of the scenes whose images lie next to it.", many=True),
    File("answers.csv", (Answer,), "A classifier's answer to each image.", many=True),
    File("weights/best.safetensors", (WeightsHeader,), "The header of a weights file, under the key `sceneseg`."),
)
COMPARISON = (
    File("plan.json", (ComparisonPlan,), "What is compared."),
    File("progress.json", (ExperimentProgress,), "What became of each training."),
    File("latency.json", (LatencyRecord,), "How long predictions take."),
    File("label_space.json", (JointScores,), "The label space that candidates of unlike ones are scored in."),
)
RESULTS = (File("predictions.csv", (Row,), "Which result belongs to which source.", many=True),)
EXPORTED = (File("sceneseg.json", (ExportDescription,), "Description of an exported file, in its metadata."),)

HEAD = """# Files of a run

<!-- Written by tools/schemas.py (`make docs`) from the records in src/sceneseg/records; don't edit. -->

A run directory, `runs/NAME`, also holds `config.yaml` (every setting, resolved), `confusion.npz` (counts of each
validation image), `state.ckpt` (what resuming needs) and `report.html`; each evaluation under `evaluations/` has a
`metrics.json` of its own. JSON files have a [JSON Schema](schemas).

**How versions are read.** A file without the key `format` is of format 1, which every version so far writes; one of a
higher format is refused with the advice to update. Within a format, keys are only added: what a file of an earlier
version doesn't have is null or empty, and what an earlier version doesn't know it keeps or leaves out. Files of every
version from 0.1.0 on are read.
"""


def main() -> None:
    """Write the page and the schemas."""
    SCHEMAS.mkdir(exist_ok=True)
    for file, text in generated().items():
        file.write_text(text, encoding="utf-8")


def generated() -> dict[Path, str]:
    """Return every file with its text."""
    sections = (
        *(("The run directory", RUN), ("The folder of a comparison", COMPARISON)),
        *(("A results folder", RESULTS), ("An exported file", EXPORTED)),
    )
    parts = [HEAD]
    for title, files in sections:
        parts += [f"## {title}\n", *(_section(file) for file in files)]
    described = [file for _, files in sections for file in files if file.schema]
    schemas = {SCHEMAS / file.schema: json.dumps(schema_of(file), indent=2) + "\n" for file in described}
    return {PAGE: "\n".join(parts)} | schemas


def schema_of(file: File) -> dict[str, Any]:
    """Return the JSON Schema of a file."""
    kinds = [schema(kind) for kind in file.kinds]
    whole = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    whole = {"type": "array", "items": whole} if file.many else whole
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": file.name, **whole}


def schema(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of what `sceneseg.plain.as_record` takes for a type."""
    origin, parts = get_origin(kind), get_args(kind)
    if kind in (Any, object):
        return {}
    if dataclasses.is_dataclass(kind):
        return _object(kind)
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema(part) for part in parts]}
    if origin is Literal:
        return {"enum": list(parts)}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema(parts[1])}
    if origin is list or (origin is tuple and parts[-1] is Ellipsis):
        return {"type": "array", "items": schema(parts[0])}
    if origin is tuple:
        return {"type": "array", "prefixItems": [schema(p) for p in parts], "minItems": len(parts), "items": False}
    return {"type": PLAIN[kind]}


PLAIN = {float: "number", int: "integer", str: "string", bool: "boolean", types.NoneType: "null"}


def _object(kind: Any) -> dict[str, Any]:
    hints, beside = get_type_hints(kind), [f for f in dataclasses.fields(kind) if f.metadata.get("beside")]
    named = [f for f in dataclasses.fields(kind) if f not in beside]
    texts = descriptions(kind)
    properties = {f.name: schema(hints[f.name]) | {"description": texts[f.name]} for f in named}
    rest = [get_args(hints[f.name])[1] for f in beside]
    return {
        "type": "object",
        "description": (kind.__doc__ or "").splitlines()[0],
        "properties": properties,
        "required": [f.name for f in named if f.default is f.default_factory is dataclasses.MISSING],
        "additionalProperties": True if {Any, object} & {*rest} else schema(rest[0]) if rest else True,
    }


def descriptions(kind: Any) -> dict[str, str]:
    """Return what a dataclass's docstring says of each field."""
    listed = (kind.__doc__ or "").partition("Args:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^ {8}(\w+): (.*(?:\n {9,}.*)*)", listed, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _section(file: File) -> str:
    link = f" ([schema](schemas/{file.schema}))" if file.schema else ""
    tables = [_table(kind) for kind in _with_parts(file.kinds)]
    return f"### `{file.name}`\n\n{file.text}{link}\n\n" + "\n".join(tables)


def _with_parts(kinds: tuple[type, ...]) -> list[Any]:
    """Return dataclasses and those that they are made of, each once."""
    found: dict[Any, None] = {}

    def add(kind: Any) -> None:
        if dataclasses.is_dataclass(kind) and kind not in found:
            found[kind] = None
            for hint in get_type_hints(kind).values():
                add(hint)
        for part in get_args(kind):
            add(part)

    for kind in kinds:
        add(kind)
    return list(found)


def _table(kind: Any) -> str:
    hints, texts = get_type_hints(kind), descriptions(kind)
    rows = []
    for f in dataclasses.fields(kind):
        key = f"*further {f.name}*" if f.metadata.get("beside") else f"`{f.name}`"
        rows.append(f"| {key} | {_words(hints[f.name])} | {texts[f.name].replace('|', chr(92) + '|')} |")
    head = f"**{kind.__name__}**: {(kind.__doc__ or '').splitlines()[0]}"
    return "\n".join([head, "", "| key | type | meaning |", "|---|---|---|", *rows, ""])


def _words(kind: Any) -> str:
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(_words, parts)))
    if origin is Literal:
        return " or ".join(f'"{part}"' for part in parts)
    if origin is dict:
        return f"mapping to {_words(parts[1])}"
    if origin in (list, tuple):
        number = "" if origin is list or parts[-1] is Ellipsis else f"{len(parts)} "
        item = _words(parts[0])
        return f"list of {number}{item}{'s' if item.endswith(('number', 'text')) else ''}"
    return WORDS.get(kind) or str(kind.__name__)


WORDS = {float: "number", int: "whole number", str: "text", bool: "true or false", types.NoneType: "null"}
WORDS |= {Any: "any", object: "any"}


if __name__ == "__main__":
    main()
