"""Learning-rate range tests as one image: a curve for each optimizer, with the rates it suggests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from sceneseg.optim.lr_range import RangeTest
from sceneseg.records.run_directory import atomic
from sceneseg.report.formatting import rate

COLORS = (
    *("#1f5fd0", "#d9480f", "#2b8a3e", "#9c36b5", "#c92a2a", "#0b7285"),
    *("#e67700", "#5f3dc4", "#66800b", "#a61e4d", "#495057"),
)
"""Distinct to the eye, dark enough for thin lines on white; no optimizer needs a twelfth."""
INK, MUTED, GRID = "#171a1f", "#59626e", "#e2e5ea"
DPI = 150
ROOM = 0.06
"""Part of the height left free above and below the curves."""


def draw_range_tests(tests: Sequence[RangeTest], title: str, file: Path) -> None:
    """Write the image.

    Thin dots are single batches, the line is smoothed, the ring is the suggested rate (valley) and the bar across the
    line the steepest place.

    Args:
        tests: One for each optimizer.
        title: Which model and data.
        file: PNG to write.
    """
    figure = Figure(figsize=(9.6, 5.4), dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    axes.set_xscale("log")
    _limits(axes, tests)
    for test, color in zip(tests, COLORS * (1 + len(tests) // len(COLORS)), strict=False):
        _draw(axes, test, color, dots=len(tests) <= 3)
    axes.set_title(title, loc="left", fontsize=12, color=INK, pad=12)
    axes.set_xlabel("learning rate", color=MUTED)
    axes.set_ylabel("training loss", color=MUTED)
    axes.xaxis.set_major_locator(LogLocator(numticks=20))
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", colors=MUTED, length=0)
    axes.spines[:].set_visible(False)
    axes.plot([], [], "o", color=MUTED, mfc="white", mew=2, ms=8, label="suggested (valley)")
    axes.plot([], [], "|", color=MUTED, mew=2, ms=12, label="steepest descent")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9, labelcolor=INK, borderaxespad=0)
    with atomic(file) as temporary:
        canvas.print_png(str(temporary))  # type: ignore[no-untyped-call]


def _draw(axes: Axes, test: RangeTest, color: str, dots: bool) -> None:
    label = f"{test.optimizer}: {'no suggestion' if test.valley is None else rate(test.valley)}"
    if dots:
        axes.plot(test.rates, test.losses, ".", color=color, ms=3, alpha=0.35)
    axes.plot(test.rates, test.smoothed, color=color, linewidth=2, label=label, solid_capstyle="round")
    if test.valley is None or test.steepest is None:
        return
    for at, mark in ((test.steepest, {"marker": "|", "ms": 14}), (test.valley, {"marker": "o", "ms": 9})):
        height = np.interp(np.log(at), np.log(test.rates), test.smoothed)
        axes.plot(at, height, color=color, mfc="white", mew=2, zorder=3, **mark)  # type: ignore[arg-type]


def _limits(axes: Axes, tests: Sequence[RangeTest]) -> None:
    """Show where losses fall, and of an explosion only its beginning."""
    axes.set_xlim(min(test.rates[0] for test in tests), max(test.rates[-1] for test in tests))
    low = min(test.smoothed.min() for test in tests)
    high = max(test.losses[0] for test in tests)
    room = ROOM * (high - low) or abs(high) or 1.0
    axes.set_ylim(low - room, high + 4 * room)
