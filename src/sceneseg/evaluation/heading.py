"""Heading of printed scores: what they were measured on, and what isn't as usual."""

from typing import Any

from sceneseg.wording import counted


def heading(protocol: dict[str, Any]) -> str:
    """Return what scores are of in one line: data set, split and images, and what else isn't as usual.

    Args:
        protocol: How they were measured, as metrics.json has it.
    """
    size, space = protocol.get("input_size", "native"), protocol.get("label_space", protocol["dataset"])
    parts = [
        f"{protocol['dataset']} {protocol['split']}",
        counted(protocol["images"], "image") if "images" in protocol else "",
        f"input {size[0]} x {size[1]}" if size != "native" else "",
        f"classes of {space}" if space != protocol["dataset"] else "",
    ]
    parts += ["absent classes count 0"] if protocol.get("absent") == "zero" else []
    return ", ".join(part for part in parts if part)
