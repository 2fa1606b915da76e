"""The tables of docs/benchmarks.md, made from what the scripts in benchmarks/ have written."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
PAGE = "benchmarks.md"
Plain = dict[str, Any]


def sections() -> dict[str, str]:
    """Return what stands between the marks of the page: name of the mark -> Markdown."""
    return {name: section(name, make) for name, make in TABLES.items()}


def section(name: str, make: Callable[[Plain], str]) -> str:
    """Return the tables of a benchmark and under which circumstances they were made."""
    file = RESULTS / f"{name}.json"
    if not file.is_file():
        benchmark, _, device = name.partition("-")
        what, option = ("Not run on a GPU", f" --device {device}") if device else ("Not run yet", "")
        return f"{what}: `python benchmarks/{benchmark}.py{option}`."
    record = json.loads(file.read_text())
    return f"{make(record)}\n\n{circumstances(record)}"


def circumstances(record: Plain) -> str:
    """Say where, when and by which command figures were found."""
    found = record["environment"]
    packages = {name: version for name, version in found["packages"].items() if version and name in SHOWN_PACKAGES}
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    trial = "**A short trial, not the benchmark.** " if record["quick"] else ""
    processor = found["gpu"] or f"{found['cpu']}, {found['cores']} cores"
    rounds = f"{record['settings']['rounds']} rounds, " if "rounds" in record["settings"] else ""
    return f"{trial}`python benchmarks/{found['command']}`: {processor}; {rounds}{found['created'][:10]}; {versions}."


SHOWN_PACKAGES = {
    *("torch", "numpy", "numba", "onnxruntime", "openvino", "torchmetrics", "cityscapesscripts", "albumentations"),
    *("torchvision", "segmentation-models-pytorch"),
}


def evaluation(record: Plain) -> str:
    """Scoring: arrays, then files."""
    streets, noise = (record["results"]["arrays"][kind] for kind in ("streets", "noise"))
    rows = [
        [name, ms(streets["cpu_ms"][name]), times(streets, name), ms(noise["cpu_ms"][name]), times(noise, name)]
        for name in fastest_first(streets["cpu_ms"])
    ]
    arrays = table(["arrays, one thread", "streets, ms", "sceneseg is", "noise, ms", "sceneseg is"], rows)
    helper = record["settings"]["cityscapesscripts_c_helper"]
    parts = [arrays, goals(_array_goals(streets))]
    for case in record["results"]["files"]:
        what = "files, all scores with iIoU" if case["instances"] else "files, without iIoU"
        cpu, wall = case["cpu_ms"], case["wall_ms"]
        rows = [[name, ms(cpu[name]), times(case, name), ms(wall[name])] for name in fastest_first(cpu)]
        rows += [[name, "", "", ms(wall[name])] for name in wall if name not in cpu]
        parts.append(table([what, "CPU time, ms", "sceneseg is", "on the clock, ms"], rows))
        if case["instances"]:
            parts.append(goals([("cityscapesScripts from files", 2.5, case["speedup"]["cityscapesScripts"])]))
    said = "is built and measured, too" if helper else "isn't built: its package on PyPI has none"
    parts.append(f"Per pair of 1024x2048. All counts are equal. cityscapesScripts' helper in C {said}.")
    if record["settings"]["np_in1d_restored"]:
        parts[-1] += (
            " Its program calls `np.in1d`, which this NumPy has no more: the script puts it back, as `np.isin`."
        )
    return "\n\n".join(parts)


def _array_goals(found: Plain) -> list[tuple[str, float, float]]:
    return [
        ("torchmetrics' confusion matrix", 100, found["speedup"]["torchmetrics MulticlassConfusionMatrix"]),
        ("np.bincount", 7, found["speedup"]["np.bincount"]),
    ]


def prediction(record: Plain) -> str:
    """Prediction: the last step, then the whole."""
    rows = [
        [
            f"{case['logits']}, stride {case['stride']}, {threads(case['threads'])}",
            *(ms(case["wall_ms"][name]) for name in ("torch eager", "sceneseg")),
            f"{case['speedup']['sceneseg']:.1f} ×",
            *(f"{case['peak_mib'][name]:,.0f}" for name in ("torch eager", "sceneseg")),
            f"{case['different_pixels']:,}",
        ]
        for case in record["results"]["last_step"]
    ]
    head = [
        "last step",
        "torch eager, ms",
        "sceneseg, ms",
        "faster",
        "torch, MiB",
        "sceneseg, MiB",
        "pixels that differ",
    ]
    one_thread = [c for c in record["results"]["last_step"] if c["threads"] == 1 and c["logits"] == "street"]
    reached = [(f"torch eager, stride {c['stride']}", 50.0, c["speedup"]["sceneseg"]) for c in one_thread]
    parts = [table(head, rows), goals(reached)]
    for number in sorted({row["threads"] for row in record["results"]["whole"]}):
        parts += _whole([row for row in record["results"]["whole"] if row["threads"] == number])
    if not record["settings"]["trained"]:
        parts.append("The network is untrained: that tells speed; equal pixels mean nothing for int8.")
    return "\n\n".join(part for part in parts if part)


def _whole(results: Sequence[Plain]) -> list[str]:
    measured = sorted((row for row in results if row["whole"]), key=lambda row: row["whole"]["p50_ms"])
    rows = [
        [
            ours(row["engine"]),
            ms(row["whole"]["p50_ms"]),
            ms(row["whole"]["p95_ms"]),
            "" if row["speedup"] is None else f"{row['speedup']:.2f} ×",
            ms(row["network"]["p50_ms"]) if row["network"] else "",
            "" if row["equal_pixels"] is None else f"{row['equal_pixels']:.2%}",
            f"{row['memory']['peak_mib'] or 0:,.0f}",
        ]
        for row in measured
    ]
    title = f"whole prediction, {results[0]['name']}, {threads(results[0]['threads'])}"
    head = [title, "p50, ms", "p95, ms", "faster than eager", "network, ms", "pixels as eager", "peak, MiB"]
    best = next((row for row in measured if row["engine"].startswith("sceneseg")), None)
    other = next((row for row in measured if not row["engine"].startswith("sceneseg")), None)
    found = [table(head, rows)]
    if best and other:
        ratio = other["whole"]["p50_ms"] / best["whole"]["p50_ms"]
        found.append(
            goals([("eager", 7, best["speedup"] or 0), (f"the fastest other engine ({other['engine']})", 1, ratio)])
        )
    plain = next((row for row in measured if row["engine"] == "sceneseg"), None)
    if best and plain and plain is not best and plain["speedup"]:
        found.append(f"`sceneseg predict` without `--engine` is the row sceneseg: {plain['speedup']:.2f} × eager.")
    failed = [f"{row['engine']}: {row['error']}" for row in results if row["error"]]
    return found + ([f"Not measured: {'; '.join(failed)}."] if failed else [])


def training(record: Plain) -> str:
    """Training: steps, then scores."""
    rows = [
        [
            f"{_what(row)}, {ours(row['loop'])}, {row['settings']}",
            ms(row["step_ms"]),
            f"{row['speedup']:.2f} ×",
            f"{row['speedup_at_same_settings']:.2f} ×",
            f"{row['data_wait']:.1%}",
            f"{row['peak_mib'] or 0:,.0f}",
        ]
        for row in record["results"]["steps"]
    ]
    head = [
        "step",
        "ms",
        "faster than plain float32",
        "than plain at the same settings",
        "waiting for data",
        "peak, MiB",
    ]
    reached = []
    for row in record["results"]["steps"]:
        if row["loop"] == "sceneseg":
            wanted = 0.98 if row["settings"] == "float32" else 2.0
            reached.append((f"plain float32, {_what(row)}, {row['settings']}", wanted, row["speedup"]))
    parts = [table(head, rows), goals(reached), _first_losses(record["results"]["steps"])]
    if scores := record["results"]["scores"]:
        rows = [
            [
                *(name, percent(run["mean"]), percent(run["spread"]), ", ".join(map(percent, run["mean_iou"]))),
                f"{100 * run['difference']:+.1f} ± {100 * (run['standard_error'] or 0):.1f}",
                f"{fmean(run['seconds']):.0f}",
            ]
            for name, run in scores["loops"].items()
        ]
        head = [f"mean IoU after {record['settings']['steps']} steps", "mean", "standard deviation", "each seed"]
        parts.append(table([*head, "points over plain, standard error", "s"], rows))
    return "\n\n".join(parts)


def _what(row: Plain) -> str:
    return f"{row['network']} {row['batch']} × {row['size'][0]} × {row['size'][1]}"


def _first_losses(steps: Iterable[Plain]) -> str:
    """Compare the losses of both loops in float32, which should be equal but for rounding."""
    found: dict[str, list[Plain]] = {}
    for row in steps:
        if row["settings"] == "float32":
            found.setdefault(_what(row), []).append(row)
    said = []
    for what, (plain, own) in found.items():
        last = f"{plain['mean_loss'][-1]:.4f} and {own['mean_loss'][-1]:.4f}"
        said.append(f"{what} {plain['first_loss']:.6f} and {own['first_loss']:.6f} (mean of the timed steps: {last})")
    return f"First loss, float32, plain and ours: {'; '.join(said)}."


def loss(record: Plain) -> str:
    """The loss alone."""
    rows = []
    for case in record["results"]:
        for name in fastest_first(case["cpu_ms"]):
            gradient = "" if case["gradient_error"] is None else f"{case['gradient_error'][name]:.1e}"
            label = f"{case['classes']} classes, stride {case['stride']}: {ours(name)}"
            memory = f"{case['peak_mib'][name]:,.0f}"
            rows.append([label, ms(case["cpu_ms"][name]), f"{case['speedup'][name]:.2f} ×", memory, gradient])
    return table(
        ["loss and gradient, one thread", "ms", "faster than eager", "peak, MiB", "error of the gradient"], rows
    )


def training_input(record: Plain) -> str:
    """Training input."""
    rows = [
        [ours(row["pipeline"]), f"{row['images_per_second']:,.1f}", f"{row['ratio']:.2f} ×"]
        for row in sorted(record["results"], key=lambda row: -row["images_per_second"])
    ]
    return table(["pipeline, one core", "images per second", "mmsegmentation is 1"], rows)


def export(record: Plain) -> str:
    """Exported files: what each loses."""
    rows = []
    for row in record["results"]:
        iou = row["mean_iou"]
        change = f"{round(100 * (iou['exported'] - iou['model']), 2) + 0.0:+.2f}"  # + 0.0: no -0.00
        kept = "passes" if row["passed"] else "**is refused**"
        name = f"`{row['format']}`, {row['precision']}"
        rows.append([name, change, f"{row['pixels_equal']:.3%}", f"{row['file_mb']:.1f}", kept])
    settings, first = record["settings"], record["results"][0]
    said = (
        f"{settings['model']}, mean IoU {percent(first['mean_iou']['model'])} in float32 on {first['images']} images "
        f"of the validation split; int8 has its ranges from {settings['calibration']} training images."
    )
    return f"{table(['file', 'mean IoU, points', 'equal pixels', 'MB', 'the gate'], rows)}\n\n{said}"


def scale(record: Plain) -> str:
    """What grows with the number of images: seconds and memory at each number, and of an image."""
    found = {(row["what"], row["images"]): row for row in record["results"]}
    sizes = sorted({images for _, images in found})
    rows = []
    for what in dict.fromkeys(row["what"] for row in record["results"]):
        measured = [found.get((what, images)) for images in sizes]
        cells = ["" if row is None else f"{row['cpu_s']:,.1f} s, {row['peak_mib']:,.0f} MiB" for row in measured]
        first, *_, last = (row for row in measured if row is not None)
        more = last["images"] - first["images"]
        each = (last["cpu_s"] - first["cpu_s"]) / more * 1e6, (last["peak_mib"] - first["peak_mib"]) / more * 2**20
        rows.append([what, *cells, f"{each[0]:,.0f} µs, {each[1]:,.0f} bytes"])
    return table(["CPU time and memory", *(f"{images:,}" for images in sizes), "each further image"], rows)


TABLES: dict[str, Callable[[Plain], str]] = {
    "prediction": prediction,
    "prediction-cuda": prediction,
    "training": training,
    "training-cuda": training,
    "evaluation": evaluation,
    "export": export,
    "loss": loss,
    "input": training_input,
    "scale": scale,
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose first column is words and whose others are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *([ours(row[0]), *row[1:]] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def goals(reached: Iterable[tuple[str, float, float]]) -> str:
    """Say of each goal whether it was reached: (against what, how many times faster, found)."""
    words = []
    for against, goal, found in reached:
        verdict = "reached" if found >= goal else "**missed**"
        words.append(f"{against}: goal {goal:g} ×, found {found:.{1 if found >= 10 else 2}f} × ({verdict})")
    return f"Faster than {'; '.join(words)}." if words else ""


def ours(name: str) -> str:
    """Set what is ours in bold."""
    return f"**{name}**" if name.startswith("sceneseg") and "**" not in name else name


def fastest_first(milliseconds: dict[str, float]) -> list[str]:
    """Return names by their times."""
    return sorted(milliseconds, key=lambda name: milliseconds[name])


def times(found: Plain, name: str) -> str:
    """Say how many times faster ours is than another."""
    return "" if name == "sceneseg" else f"{found['speedup'][name]:.1f} × faster"


def ms(value: float) -> str:
    """Write milliseconds with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def percent(value: float | None) -> str:
    """Write a part in percent."""
    return "" if value is None else f"{100 * value:.1f} %"


def threads(number: int) -> str:
    """Write a number of threads."""
    return "1 thread" if number == 1 else f"{number} threads"
