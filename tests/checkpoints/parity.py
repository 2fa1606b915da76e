"""Fixtures of foreign networks: weights that follow from names and shapes, and what the authors' code made of them.

A fixture is a few kilobytes: the names and shapes of a foreign network's tensors, how its authors nest them in a file,
and the logits that the authors' own code gave at sampled places for weights and an image that anybody can compute
again. The scripts in ``tools/oracles`` write fixtures where the authors' code is installed; the tests build the same
file, import it, and compare.

This file needs PyTorch and NumPy alone, so that it also runs beside old versions of the authors' code.
"""

import io
import json
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FOLDER = Path(__file__).parent / "fixtures"
TOLERANCE = 1e-5
"""Of the largest logit."""
PLACES = 48
MOST_VALUES = 2000
"""Of a fixture; with many classes it has fewer places."""


@dataclass(frozen=True)
class Facts:
    """What a fixture says beside the numbers.

    Args:
        origin: Registry name of the origin that must be recognized.
        variant: Which of its networks this is, for people.
        size: (height, width) of the image.
        wrap: Keys under which the authors nest the tensors, the outermost first.
        prefix: Before all names.
        extra: Further tensors of the file, name -> shape, such as a loss's class weights.
        beside: Further contents of the outermost level, such as mmsegmentation's "meta".
        folder: Files of a folder beside the weights, name -> content; the weights are safetensors then.
        arguments: That the import must find.
        tolerance: Of the largest logit.
        cause: Why it is larger than `TOLERANCE`, if it is.
        slow: Whether the network is too large for every run of the tests.
    """

    origin: str
    variant: str
    size: tuple[int, int] = (96, 160)
    wrap: tuple[str, ...] = ()
    prefix: str = ""
    extra: dict[str, list[int]] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    folder: dict[str, Any] = field(default_factory=dict)
    arguments: dict[str, Any] = field(default_factory=dict)
    tolerance: float = TOLERANCE
    cause: str = ""
    slow: bool = False

    @property
    def name(self) -> str:
        """Name of the fixture's file."""
        return f"{self.origin}-{self.variant}"


@dataclass(frozen=True)
class Fixture:
    """A fixture that was read.

    Args:
        facts: What it says.
        shapes: Name -> shape and type of the foreign network's tensors.
        logits: (classes, places) of the authors' code.
        largest: Of the absolute logits anywhere.
    """

    facts: Facts
    shapes: dict[str, tuple[list[int], str]]
    logits: np.ndarray
    largest: float


def write_fixture(facts: Facts, network: torch.nn.Module, forward: Callable[[Tensor], Tensor]) -> Path:
    """Give a foreign network weights by rule, run it, and store what came out.

    Args:
        facts: Of the file.
        network: The authors' module, whose `state_dict` is what they save.
        forward: Maps an RGB image (1, 3, H, W) in [0, 1] to the logits (1, C, H, W) at its size by the authors' code,
            their normalization and their last enlargement included.
    """
    shapes = {key: (list(value.shape), str(value.dtype)) for key, value in network.state_dict().items()}
    network.load_state_dict(made_state(shapes))
    network.eval()
    with torch.inference_mode():
        logits = forward(made_image(*facts.size))
    assert tuple(logits.shape[-2:]) == tuple(facts.size), logits.shape
    assert torch.isfinite(logits).all()
    assert float(logits.std()) > 0
    rows, columns = places(facts.size, logits.shape[1])
    text = json.dumps({"facts": asdict(facts), "shapes": shapes, "largest": float(logits.abs().max())})
    packed = np.frombuffer(zlib.compress(text.encode(), 9), np.uint8)
    FOLDER.mkdir(exist_ok=True)
    file = FOLDER / f"{facts.name}.npz"
    np.savez(file, text=packed, logits=logits[0, :, rows, columns].float().numpy())
    print(f"{file.name}: {file.stat().st_size / 1024:.1f} kB, largest logit {float(logits.abs().max()):.4g}")
    return file


def read_fixture(file: Path) -> Fixture:
    """Read a fixture."""
    with np.load(file) as arrays:
        text = json.loads(zlib.decompress(arrays["text"].tobytes()))
        logits = arrays["logits"]
    facts = text["facts"]
    facts["size"], facts["wrap"] = tuple(facts["size"]), tuple(facts["wrap"])
    shapes = {key: (shape, kind) for key, (shape, kind) in text["shapes"].items()}
    return Fixture(Facts(**facts), shapes, logits, text["largest"])


def fixtures() -> list[Path]:
    """Return the files of all fixtures."""
    return sorted(FOLDER.glob("*.npz"))


def places(size: Sequence[int], classes: int) -> tuple[Tensor, Tensor]:
    """Return rows and columns of the sampled places: the corners, and others by chance."""
    height, width = size
    count = max(8, min(PLACES, MOST_VALUES // classes))
    raw = np.random.PCG64(7).random_raw(2 * count)
    rows, columns = (raw[:count] % height).astype(np.int64), (raw[count:] % width).astype(np.int64)
    rows[:4], columns[:4] = (0, 0, height - 1, height - 1), (0, width - 1, 0, width - 1)
    return torch.from_numpy(rows), torch.from_numpy(columns)


def made_state(shapes: Mapping[str, tuple[Iterable[int], str]]) -> dict[str, Tensor]:
    """Return weights that follow from names and shapes alone."""
    return {key: made_tensor(key, tuple(shape), kind) for key, (shape, kind) in shapes.items()}


def made_tensor(name: str, shape: tuple[int, ...], kind: str = "torch.float32") -> Tensor:
    """Return a tensor whose values follow from its name and shape, and fit what its name says it is.

    The stream of the bit generator never changes between versions of NumPy, other than that of distributions.
    """
    dtype = getattr(torch, kind.removeprefix("torch."))
    if not dtype.is_floating_point:
        return torch.zeros(shape, dtype=dtype)
    raw = np.random.PCG64(zlib.crc32(name.encode())).random_raw(max(1, math.prod(shape)))
    unit = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1  # in [-1, 1)
    if name.endswith("running_var"):
        values = 1 + 0.5 * unit
    elif len(shape) < 2 and name.endswith("weight"):  # of a normalization
        values = 1 + 0.3 * unit
    elif len(shape) < 2 or name.endswith("running_mean"):
        values = 0.1 * unit
    elif len(shape) == 3:  # tokens and position embeddings
        values = 0.5 * unit
    else:
        values = unit * math.sqrt(3 / math.prod(shape[1:]))
    return torch.from_numpy(values.astype(np.float32).reshape(shape)).to(dtype)


def made_image(height: int, width: int) -> Tensor:
    """Return an RGB image (1, 3, H, W) in [0, 1] with large and small structures."""
    y = torch.linspace(0, 1, height, dtype=torch.float64)[:, None]
    x = torch.linspace(0, 1, width, dtype=torch.float64)[None]
    raw = np.random.PCG64(11).random_raw(3 * height * width)
    noise = torch.from_numpy((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).view(3, height, width)
    waves = torch.stack([torch.sin(k * (7 * y + 3 * x + k)) for k in (1.0, 2.5, 6.0)])
    return (0.5 + 0.3 * waves + 0.2 * (noise - 0.5)).clamp(0, 1).float()[None]


def write_foreign_file(fixture: Fixture, folder: Path) -> Path:
    """Write the file, or the folder, that the authors would have published with these weights."""
    facts = fixture.facts
    state = {facts.prefix + key: value for key, value in made_state(fixture.shapes).items()}
    state |= {key: torch.ones(tuple(shape)) for key, shape in facts.extra.items()}
    if facts.folder:
        from safetensors.torch import save_file

        target = folder / facts.name
        target.mkdir()
        save_file({key: value.contiguous() for key, value in state.items()}, target / "model.safetensors")
        for name, content in facts.folder.items():
            (target / name).write_text(content if isinstance(content, str) else json.dumps(content))
        return target
    content: Any = state
    for key in reversed(facts.wrap):
        content = {key: content}
    buffer = io.BytesIO()
    torch.save({**facts.beside, **content}, buffer)
    file = folder / f"{facts.name}.pth"
    file.write_bytes(buffer.getvalue())
    return file
