"""Write the tables of README and docs anew: `make docs`. Nothing between the marks is typed by hand."""

import inspect
import json
import re
from dataclasses import asdict
from pathlib import Path

import benchmark_tables

from sceneseg.api.models import list_models
from sceneseg.config.files import load
from sceneseg.losses import CLASSES, heads, losses
from sceneseg.models import models
from sceneseg.optim.optimizers import optimizers, usual_values
from sceneseg.transforms import transforms

ROOT = Path(__file__).parents[1]
FACTS = ROOT / "docs" / "models.json"
COMPARISON = ROOT / "docs" / "comparisons" / "camvid.json"


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


def losses_table() -> str:
    """Return the losses with their arguments as Markdown, as constructors and docstrings say."""
    lines = ["| `--loss.NAME` | arguments | what it is |", "|---|---|---|"]
    for name in losses.names():
        loss = losses.get(name)
        arguments = [
            f"`{key} {str(p.default).lower() if p.default is None else f'{p.default:g}'}`"
            for key, p in inspect.signature(loss).parameters.items()
        ]
        said = inspect.getdoc(loss).partition("\n\n")[0].replace("\n", " ").replace("**", "^").replace("|", "\\|")
        took = [head for head in heads(loss) if head != CLASSES]
        where = f" For models with a {took[0]} head." if took else ""
        parts = "" if hasattr(loss, "weight") or took else " Of the batch as a whole."
        lines.append(
            f"| [`{name}`](../src/sceneseg/losses/{name}.py) | {', '.join(arguments)} | {said}{where}{parts} |"
        )
    return "\n".join(lines)


def optimizers_table() -> str:
    """Return the optimizers with what they take where nothing is given, as Markdown."""
    lines = ["| `-f NAME` | learning rate | weight decay | momentum |", "|---|---:|---:|---:|"]
    for name in optimizers.builtin():
        usual = usual_values(name)
        momentum = f"{usual['momentum']:g}" if "momentum" in usual else ""
        lines.append(f"| `{name}` | {usual['lr']:g} | {usual['weight_decay']:g} | {momentum} |")
    return "\n".join(lines)


def transforms_table() -> str:
    """Return the transforms with their arguments as Markdown, as constructors and docstrings say."""
    lines = ["| name | applied to | arguments | what it is |", "|---|---|---|---|"]
    for name in transforms.names():
        transform = transforms.get(name)
        arguments = [
            f"`{key}`"
            if p.default is p.empty
            else f"`{key}: {list(p.default) if isinstance(p.default, tuple) else p.default}`"
            for key, p in inspect.signature(transform).parameters.items()
        ]
        said = inspect.getdoc(transform).partition("\n\n")[0].replace("\n", " ")
        link = f"[`{name}`](../src/sceneseg/transforms/{name}.py)"
        lines.append(f"| {link} | {transform.where} | {', '.join(arguments)} | {said} |")
    return "\n".join(lines)


def comparison_table(comparison: dict) -> str:
    """Return what a comparison found as Markdown: a line for each candidate."""
    lines = [
        "| model | mean IoU, % (95 %) | ms for an image, p50 (p95) | parameters | GMACs | steps | training |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in comparison["candidates"]:
        low, value, high = (f"{100 * row['mean_iou'][key]:.1f}" for key in ("low", "value", "high"))
        minutes, seconds = divmod(round(row["training_seconds"]), 60)
        cells = (
            *(f"`{row['name']}`", f"{value} ({low} to {high})", f"{row['p50_ms']:.1f} ({row['p95_ms']:.1f})"),
            *(f"{row['parameters'] / 1e6:.2f} M", f"{row['gmacs']:.2f}", f"{row['steps']:.0f}"),
            f"{minutes} min {seconds} s",
        )
        lines.append(f"| {' | '.join(cells)} |")
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
    rows = [asdict(model) for model in list_models()]
    FACTS.write_text(json.dumps(rows, indent=1) + "\n")
    put(ROOT / "README.md", "models", models_table(rows))
    for mark, text in benchmark_tables.sections().items():
        put(ROOT / "docs" / benchmark_tables.PAGE, mark, text)
    put(ROOT / "docs" / "start.md", "starts", starts_table([row["name"] for row in rows]))
    put(ROOT / "docs" / "compare.md", "camvid", comparison_table(json.loads(COMPARISON.read_text())))
    put(ROOT / "docs" / "training.md", "losses", losses_table())
    put(ROOT / "docs" / "training.md", "optimizers", optimizers_table())
    put(ROOT / "docs" / "data.md", "transforms", transforms_table())
