"""Formatting of numbers and plain data, on every page alike."""

import math
from datetime import datetime
from typing import Any

LABELS = {
    "gpu": "GPU",
    "cpu": "CPU",
    "memory_gb": "Memory, GB",
    "tta": "Test-time augmentation",
    "sceneseg": "sceneseg",
    "torch": "PyTorch",
}


def percent(value: float | None) -> str:
    """Write a share in [0, 1] as people quote it, "71.3"; an en dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{100 * value:.1f}"


def number(value: float) -> str:
    """Write a number of any size with four digits: 0.312, 6e-5."""
    return f"{value:.4g}".replace("e-0", "e-")


def rate(value: float) -> str:
    """Write a learning rate with two digits: 2.8e-3."""
    return f"{value:.1e}".replace("e-0", "e-").replace("e+00", "").replace("e+0", "e+")


def count(value: float) -> tuple[str, str]:
    """Write a large number shortly: 1138051 becomes "1.14" and "million"."""
    for size, word in ((1e9, "billion"), (1e6, "million"), (1e3, "thousand")):
        if value >= size:
            return f"{value / size:.3g}", word
    return f"{value:g}", ""


def duration(seconds: float) -> str:
    """Write a time in its two largest units: "9 s", "4 min 48 s", "31 h 5 min", "2 h"."""
    minutes, rest = divmod(round(seconds), 60)
    large, small = (f"{minutes} min", f"{rest} s") if minutes < 60 else (f"{minutes // 60} h", f"{minutes % 60} min")
    if not minutes:
        return small
    return large if small.startswith("0 ") else f"{large} {small}"


def date(created: str) -> str:
    """Write the day of an ISO time stamp, "12 May 2026"; anything else stays as it is."""
    try:
        day = datetime.fromisoformat(created)
    except ValueError:
        return created
    return f"{day.day} {day:%B %Y}"


def label(key: str) -> str:
    """Write the key of a fact as a label: "split_hash" becomes "Split hash"."""
    return LABELS.get(key, key.replace("_", " ").capitalize())


def words(value: Any, key: str = "") -> str:
    """Write plain data without brackets: what is a size with ×, other lists with commas."""
    if isinstance(value, dict):
        return ", ".join(f"{k} {words(v, k)}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return (" × " if key.endswith("size") else ", ").join(map(words, value))
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    return number(value) if isinstance(value, float) else str(value)


def milliseconds(value: float) -> str:
    """Write a time with about three digits: "8.14", "22.4", "1,027"."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
