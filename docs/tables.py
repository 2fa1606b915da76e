"""Write the tables of README and docs anew: `make docs`. Nothing between the marks is typed by hand."""

import inspect
import json
import re
from pathlib import Path

from sceneseg.commands.models import catalogue
from sceneseg.config import load
from sceneseg.models import models

ROOT = Path(__file__).parents[1]
FACTS = ROOT / "docs" / "models.json"


def models_table(rows: list[dict]) -> str:
    """Return the models as a Markdown table."""
    lines = ["| model | parameters | GMACs | stride | recipes | source |", "|---|---:|---:|---:|---|---|"]
    for row in rows:
        cells = (
            f"[`{row['name']}`](src/sceneseg/models/{row['name']}.py)",
            f"{row['parameters'] / 1e6:.2f} M",
            f"{row['gmacs']:,.1f}",
            str(row["output_stride"]),
            recipes_of(row["name"]),
            re.sub(r'"([^"]*), "', r"*\1*, ", row["source"].replace('," ', ', "')),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def recipes_of(model: str) -> str:
    """Link the recipes of a model."""
    files = sorted((ROOT / "recipes").glob(f"*/{model}.yaml"))
    return ", ".join(f"[{f.parent.name}]({f.relative_to(ROOT)})" for f in files if load(f).model_name == model)


def starts_table(names: list[str]) -> str:
    """Return as Markdown which models start from published ImageNet weights, as their constructors say."""
    lines = ["| model | `pretrained: true` |", "|---|---|"]
    for name in names:
        parameters = inspect.signature(models.get(name)).parameters
        encoder = parameters["encoder"].default if "encoder" in parameters else None
        if "pretrained" not in parameters:
            said = f"no; train it: `--model.encoder {name}`"
        elif encoder == "plain":
            said = f"timm's weights of its encoder, any of timm's; `{encoder}` has none"
        elif encoder:
            said = f"timm's weights of its encoder, any of timm's (`{encoder}`)"
        else:
            said = "timm's weights"
        lines.append(f"| `{name}` | {said} |")
    return "\n".join(lines)


def put(file: Path, mark: str, text: str) -> None:
    """Replace what stands between the marks of a table."""
    start, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, _, rest = file.read_text().partition(start)
    _, _, after = rest.partition(end)
    file.write_text(f"{before}{start}\n{text}\n{end}{after}")


def between(file: Path, mark: str) -> str:
    """Return what stands between the marks of a table."""
    return file.read_text().partition(f"<!-- {mark} -->\n")[2].partition(f"\n<!-- end of {mark} -->")[0]


if __name__ == "__main__":
    rows = catalogue()
    FACTS.write_text(json.dumps(rows, indent=1) + "\n")
    put(ROOT / "README.md", "models", models_table(rows))
    put(ROOT / "docs" / "start.md", "starts", starts_table([row["name"] for row in rows]))
