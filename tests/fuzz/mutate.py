"""Ways to damage a file: its bytes, its text, or one place of the document in it.

Each takes a `random.Random` and nothing else that changes, so that a seed says what came out.
"""

import copy
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Random = random.Random

NUMBERS = (
    *(0, 1, -1, 2, 7, 127, 128, 254, 255, 256, 1000, 65535, 65536, -(2**31), 2**31, 2**32, 2**53 + 1, 2**63, 2**64),
    *(0.5, -0.0, 1e-320, 1e30, 1e308, float("nan"), float("inf"), float("-inf"), 10**400),
)
TEXTS = (
    *("", " ", "0", "-1", "nan", "true", "null", "road", "../../x", "/etc/passwd", "a/b", "C:\\x", ".", ".."),
    *(
        "[bold]x[/red]",
        "<script>alert(1)</script>",
        "a|b\n# c",
        "x" * 300,
        "ä€𝄞",
        "\ud800",
        "\x00",
        "\x1b[31m",
        "{{ 7 }}",
    ),
    *("=1+1", "%s%n", "cuda:99", "fast_scnn", "2001-99-99"),
)
FOREIGN = (
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\xff\xff\xff\xff\x08\x06\0\0\0",
    b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.",
    b"PK\x05\x06" + 18 * b"\0",
    b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n",
    b"\xfe\xff\0{\0}",
    b"\xef\xbb\xbf{}",
    b"[" * 100_000,
    b"{}",
    b"[]",
    b"null",
    b"0",
    b'"x"',
    b"\0" * 64,
    b"",
)
"""Beginnings of other files, and files that hold next to nothing."""


def damage_bytes(data: bytes, rng: Random) -> bytes:
    """Change some bytes, or many."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        data = rng.choice(BYTES)(data, rng)
    return data


def damage_text(data: bytes, rng: Random) -> bytes:
    """Change a text: numbers, words, lines, or its encoding."""
    text = data.decode("utf-8", "replace")
    for _ in range(rng.choice((1, 1, 2))):
        text = rng.choice(TEXT)(text, rng)
    return text.encode(rng.choice(("utf-8",) * 8 + ("utf-16", "utf-8-sig", "latin-1")), "replace")


def damage_document(document: Any, rng: Random) -> Any:
    """Change one to three places of nested lists, mappings, arrays and plain values."""
    document = copy.deepcopy(document)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        document = _change(document, rng)
    return document


def anything(rng: Random, depth: int = 0) -> Any:
    """Return a value of any type, mostly one that isn't expected."""
    kind = rng.randrange(8)
    if kind < 3:
        return rng.choice(NUMBERS)
    if kind < 5:
        return rng.choice(TEXTS)
    if kind == 5:
        return rng.choice((None, True, False))
    if depth > 2:
        return rng.choice(([], {}))
    values = [anything(rng, depth + 1) for _ in range(rng.choice((0, 1, 2, 3, 300 if depth == 0 else 4)))]
    return values if kind == 6 else {str(rng.choice(TEXTS)): value for value in values}


def _change(document: Any, rng: Random) -> Any:
    """Change a place; the deeper ones are as likely as the others."""
    places = list(_places(document))
    if not places or rng.random() < 0.02:
        return anything(rng)
    holder, key = rng.choice(places)
    action = rng.randrange(10)
    if action == 0:
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[rng.choice((*TEXTS, 0, 10**9))] = holder.pop(key)
    elif action == 1:
        holder.insert(key, copy.deepcopy(holder[key]))
    elif action == 2:
        other, place = rng.choice(places)
        if place in other if isinstance(other, dict) else place < len(other):
            holder[key] = copy.deepcopy(other[place])
    elif action == 3 and isinstance(holder[key], list) and holder[key]:
        holder[key] = holder[key] * rng.choice((2, 40))
    elif action == 4 and isinstance(holder, dict):
        holder[rng.choice(TEXTS)] = anything(rng)
    else:
        holder[key] = _like(holder[key], rng)
    return document


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(document, dict | list):
        for key in list(document) if isinstance(document, dict) else range(len(document)):
            yield document, key
            yield from _places(document[key])


def _like(value: Any, rng: Random) -> Any:
    """Return something in a value's place: another of its kind, or of none."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return _other_array(value, rng)
    if rng.random() < 0.4 and isinstance(value, int | float) and not isinstance(value, bool):
        return rng.choice(NUMBERS)
    if rng.random() < 0.4 and isinstance(value, str):
        return rng.choice((rng.choice(TEXTS), value + rng.choice(TEXTS), value[::-1], value.upper()))
    return anything(rng)


def _other_array(value: Any, rng: Random) -> Any:
    """Return an array or tensor of another shape, type or content."""
    action = rng.randrange(6)
    if action == 0:
        return value[:0] if value.ndim else value
    if action == 1:
        return value[None]
    if action == 2:
        return value[1:] if value.ndim else value[None, None]
    if action == 3 and isinstance(value, np.ndarray):
        return value.astype(rng.choice(("f8", "U3", "?", "c8"))) if value.dtype.kind in "iufb" else value[..., None]
    if action == 4:
        return value * rng.choice((-1, 0)) if not isinstance(value, np.ndarray) or value.dtype.kind in "iuf" else value
    return anything(rng)


def _flip(data: bytes, rng: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        if changed:
            changed[_position(changed, rng)] ^= rng.choice((1, 2, 4, 8, 16, 32, 64, 128, 255))
    return bytes(changed)


def _cut(data: bytes, rng: Random) -> bytes:
    return data[: rng.choice((_position(data, rng), max(0, len(data) - 1), len(data) // 2, 0))]


def _remove(data: bytes, rng: Random) -> bytes:
    start, end = _range(data, rng)
    return data[:start] + data[end:]


def _repeat(data: bytes, rng: Random) -> bytes:
    start, end = _range(data, rng)
    return data[:end] + data[start:end] * rng.choice((1, 1, 20)) + data[end:]


def _zero(data: bytes, rng: Random) -> bytes:
    start, end = _range(data, rng)
    return data[:start] + bytes([rng.choice((0, 0, 255))]) * (end - start) + data[end:]


def _noise(data: bytes, rng: Random) -> bytes:
    start, end = _range(data, rng)
    return data[:start] + rng.randbytes(rng.choice((end - start, 4, 100))) + data[end:]


def _extreme(data: bytes, rng: Random) -> bytes:
    """Write a number that nobody expects into a field of 1, 2, 4 or 8 bytes."""
    width = rng.choice((1, 2, 4, 4, 8))
    value = rng.choice((0, 1, 2 ** (8 * width) - 1, 2 ** (8 * width - 1), 2 ** (8 * width - 1) - 1, 2 ** (4 * width)))
    start = _position(data, rng)
    return data[:start] + value.to_bytes(width, rng.choice(("little", "big"))) + data[start + width :]


def _swap(data: bytes, rng: Random) -> bytes:
    start, end = _range(data, rng)
    return data[end : 2 * end - start] + data[start:end] + data[:start]


def _foreign(data: bytes, rng: Random) -> bytes:
    other = rng.choice(FOREIGN)
    return rng.choice((other, other + data[len(other) :]))


BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    *(_flip, _flip, _flip, _extreme, _extreme, _extreme, _cut, _remove, _repeat, _zero, _noise, _swap, _foreign),
)


def _position(data: bytes | bytearray, rng: Random) -> int:
    """Choose a byte; half of the time in the head, where the sizes are."""
    return rng.randrange(min(len(data), rng.choice((64, 512, len(data), len(data)))) or 1) if data else 0


def _range(data: bytes, rng: Random) -> tuple[int, int]:
    start = _position(data, rng)
    return start, min(len(data), start + rng.choice((1, 2, 4, 16, 256, 4096)))


def _number(text: str, rng: Random) -> str:
    return _token(text, rng, r"-?\d+\.?\d*", str(rng.choice(NUMBERS)) if rng.random() < 0.9 else rng.choice(TEXTS))


def _word(text: str, rng: Random) -> str:
    return _token(text, rng, r"[^\W\d]\w*", rng.choice(TEXTS))


def _token(text: str, rng: Random, pattern: str, new: str) -> str:
    found = list(re.finditer(pattern, text))
    if not found:
        return text
    place = rng.choice(found)
    return text[: place.start()] + new + text[place.end() :]


def _line(text: str, rng: Random) -> str:
    lines = text.split("\n")
    i = rng.randrange(len(lines))
    lines[i : i + 1] = rng.choice(([], [lines[i]] * 2, [lines[i] * 2], [rng.choice(TEXTS)], [lines[i].strip()]))
    return "\n".join(lines)


def _insert(text: str, rng: Random) -> str:
    i = rng.randrange(len(text) + 1)
    return (
        text[:i]
        + rng.choice((*TEXTS, "[", "]", "{", "}", ":", ",", '"', "'", "\t", "&a ", "*a", "!!int ", "- ", "\n"))
        + text[i:]
    )


TEXT: tuple[Callable[[str, Random], str], ...] = (_number, _number, _word, _word, _line, _insert)
