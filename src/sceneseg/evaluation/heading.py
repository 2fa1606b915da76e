"""Heading of printed scores: what they were measured on, and what isn't as usual."""

from sceneseg.records.protocol import Protocol
from sceneseg.wording import counted


def heading(protocol: Protocol) -> str:
    """Return what scores are of in one line: data set, split and images, and what else isn't as usual.

    Args:
        protocol: How they were measured.
    """
    size, space = protocol.input_size or "native", protocol.label_space or protocol.dataset
    parts = [
        f"{protocol.dataset} {protocol.split}",
        counted(protocol.images, "image") if protocol.images is not None else "",
        f"input {size[0]} x {size[1]}" if size != "native" else "",
        f"classes of {space}" if space != protocol.dataset else "",
    ]
    parts += ["absent classes count 0"] if protocol.absent == "zero" else []
    return ", ".join(part for part in parts if part)
