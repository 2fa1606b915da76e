"""Reading of checkpoints: any file that holds named tensors, without running code that it may hold.

Objects of other libraries beside the tensors (NumPy scalars, loggers' histories, configurations) are replaced by
stand-ins without any function, so that files of a training can be read whose other contents nobody needs.
"""

import json
import re
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Self

import torch
from torch import Tensor

from sceneseg.config.reading import read_yaml
from sceneseg.errors import RunError, ScenesegError
from sceneseg.labels import Color
from sceneseg.records.binary import DamagedError, reading

WEIGHTS = ("model.safetensors", "pytorch_model.bin", "open_clip_model.safetensors", "checkpoint.pth")
"""Files that hold the weights in the folders of others."""
CONFIGURATIONS = ("config.json", "variant.yml")
"""Files beside them that describe the network."""
ENDINGS = (".safetensors", ".pth", ".pt", ".bin", ".tar", ".ckpt", ".th", ".pkl")
WRAPPERS = (
    *("state_dict_ema", "ema_state_dict", "model_ema", "ema"),
    *("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module"),
)
"""Keys under which trainings save the network, the moving average first."""
DEEPEST = 4
MOST_STAND_INS = 200
UNSUPPORTED = re.compile(r"GLOBAL (\S+) was not an allowed global")


@dataclass(frozen=True)
class CheckpointMeta:
    """Description of a network beside its tensors.

    Args:
        classes: Names of the outputs, in order; empty when it doesn't say.
        palette: Their colors, RGB.
        config: Contents of config.json or variant.yml, or the plain values beside the tensors.
        text: Configuration as text, as mmsegmentation writes it.

    Example:
        >>> CheckpointMeta(classes=("road", "car")).classes[1]
        'car'
    """

    classes: tuple[str, ...] = ()
    palette: tuple[Color, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """Named tensors of a file, and what it says of them.

    Args:
        file: That holds the tensors.
        state: The tensors; floating ones are float32.
        meta: What it says of the network.
        nesting: Keys under which the tensors lay.

    Example:
        >>> import torch
        >>> saved = Checkpoint(Path("x.pth"), {"module.conv.weight": torch.zeros(1)})
        >>> list(saved.without_prefix("module.").state)
        ['conv.weight']
    """

    file: Path
    state: dict[str, Tensor]
    meta: CheckpointMeta = field(default_factory=CheckpointMeta)
    nesting: tuple[str, ...] = ()

    def without_prefix(self, prefix: str) -> Self:
        """Return the same file with a prefix taken off all names that have it."""
        state = {key.removeprefix(prefix): value for key, value in self.state.items()}
        return replace(self, state=state, nesting=(*self.nesting, prefix))


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a file of named tensors, or a folder with one.

    Args:
        path: A file that `torch.save` or safetensors wrote, or a folder as Hugging Face's libraries write them.

    Raises:
        RunError: There is no such file, it is something else, damaged, or would need to run code.
    """
    file = _weights_file(path) if path.is_dir() else path
    if not file.is_file():
        raise RunError(f"{path}: there is no such file.")
    config = _configuration(file)
    if file.name.endswith(".index.json"):
        loaded: Any = {}
        for part in sorted({str(name) for name in _index(file).values()}):
            loaded |= _load(file.with_name(Path(part).name))
    else:
        loaded = _load(file)
    nesting, state = _named_tensors(loaded)
    if not state:
        raise RunError(
            f"{file}: expected named tensors, found {_described(loaded)}. Give the file with a network's weights."
        )
    floats = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    return Checkpoint(file, floats, _meta(loaded, config), nesting)


def _weights_file(folder: Path) -> Path:
    for name in (*WEIGHTS, *(f"{name}.index.json" for name in WEIGHTS)):
        if (folder / name).is_file():
            return folder / name
    files = sorted(file for file in folder.iterdir() if file.suffix in ENDINGS)
    if len(files) == 1:
        return files[0]
    found = f"{len(files)} of them: {', '.join(file.name for file in files[:4])}" if files else "none"
    raise RunError(f"{folder}: expected a folder with one file of weights, found {found}. Give the file itself.")


def _index(file: Path) -> Mapping[str, Any]:
    try:
        parts = json.loads(file.read_text("utf-8"))["weight_map"]
        if isinstance(parts, dict):
            return parts
    except (ValueError, LookupError, TypeError):
        pass
    raise RunError(f"{file}: expected the list of the parts of a network's weights, found something else.")


def _configuration(file: Path) -> Mapping[str, Any]:
    """Return what lies beside the weights, empty when there is nothing to be read."""
    for name in CONFIGURATIONS:
        beside = file.with_name(name)
        if beside.is_file():
            try:
                return read_yaml(beside)  # JSON is YAML, too
            except ScenesegError as error:
                raise RunError(f"{file}: the file that describes it can't be read. {error}") from None
    return {}


def _load(file: Path) -> Any:
    try:
        with reading(), file.open("rb") as opened:
            start = opened.read(10)
        if not start:
            raise RunError(f"{file}: expected a network's weights, found an empty file. Fetch it again.")
        if start[8:9] == b"{" or file.suffix == ".safetensors":
            return _load_safetensors(file)
        return _load_torch(file)
    except FileNotFoundError:
        raise RunError(f"{file}: there is no such file.") from None
    except DamagedError as error:
        raise RunError(
            f"{file}: expected named tensors, as torch.save or safetensors write them; this is another format, "
            f"damaged, or would need to run code ({error}). Fetch it again."
        ) from None


def _load_safetensors(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with reading():
            return load_file(file)
    except SafetensorError as error:
        raise DamagedError(str(error)) from None


def _load_torch(file: Path) -> Any:
    """Load with stand-ins for all that isn't tensors or plain data."""
    stand_ins: list[Any] = []
    with reading(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about files that PyTorch didn't write, which end in an error
        while True:
            try:
                with torch.serialization.safe_globals(stand_ins):
                    return torch.load(file, map_location="cpu", weights_only=True)
            except UnpicklingError as error:
                name = _unsupported(str(error))
                if name is None or len(stand_ins) == MOST_STAND_INS or name in {known for _, known in stand_ins}:
                    raise DamagedError(_reason(str(error))) from None
                stand_ins.append((StandIn, name))


def _unsupported(message: str) -> str | None:
    """Return the name of what PyTorch refuses to import."""
    if (found := UNSUPPORTED.search(message)) is None:
        return None
    return found[1] if "." in found[1] else f"builtins.{found[1]}"


def _reason(message: str) -> str:
    """Return what PyTorch says of a file, without its advice to read it unsafely."""
    found = re.search(r"WeightsUnpickler error: (.+)", message)
    return found[1][:120] if found else "it holds an object of another library"


class StandIn:
    """An object of another library, which is neither imported nor made."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Take any arguments."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def _named_tensors(loaded: Any) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """Return the tensors of a file and the keys under which they lay."""
    nesting: list[str] = []
    for _ in range(DEEPEST):
        if not isinstance(loaded, Mapping):
            return (), {}
        tensors = {key: value for key, value in loaded.items() if isinstance(key, str) and torch.is_tensor(value)}
        inside = next((key for key in WRAPPERS if _holds_tensors(loaded.get(key))), None)
        if inside is None or len(tensors) > len(loaded) // 2:
            return tuple(nesting), tensors
        nesting.append(inside)
        loaded = loaded[inside]
    return (), {}


def _holds_tensors(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    return any(torch.is_tensor(inner) or _holds_tensors(inner) for inner in value.values())


def _meta(loaded: Any, config: Mapping[str, Any]) -> CheckpointMeta:
    said = loaded.get("meta") if isinstance(loaded, Mapping) else None
    if not isinstance(said, Mapping):
        plain = config or {k: v for k, v in loaded.items() if isinstance(v, str | int | float | list)}
        return CheckpointMeta(_class_names(config.get("id2label")), (), plain)
    described = said.get("dataset_meta") if isinstance(said.get("dataset_meta"), Mapping) else said
    assert isinstance(described, Mapping)
    classes, palette = (described.get(key, described.get(key.upper())) for key in ("classes", "palette"))
    text = next((said[key] for key in ("cfg", "config") if isinstance(said.get(key), str)), "")
    return CheckpointMeta(_texts(classes), _colors(palette), config, text)


def _class_names(id2label: Any) -> tuple[str, ...]:
    """Return the names of Hugging Face's table, number -> name."""
    if not isinstance(id2label, Mapping):
        return ()
    try:
        return tuple(str(name) for _, name in sorted((int(number), name) for number, name in id2label.items()))
    except (TypeError, ValueError):
        return ()


def _texts(values: Any) -> tuple[str, ...]:
    good = isinstance(values, list | tuple) and all(isinstance(value, str) for value in values)
    return tuple(values) if good else ()


def _colors(values: Any) -> tuple[Color, ...]:
    if not isinstance(values, Iterable):
        return ()
    colors = [tuple(value) if isinstance(value, list | tuple) else () for value in values]
    good = all(len(c) == 3 and all(isinstance(v, int) and 0 <= v <= 255 for v in c) for c in colors)
    return tuple((c[0], c[1], c[2]) for c in colors) if good else ()


def _described(loaded: Any) -> str:
    if isinstance(loaded, Mapping):
        return f"the keys {', '.join(map(str, list(loaded)[:5])) or '(none)'}"
    if torch.is_tensor(loaded):
        return "a single tensor"
    if isinstance(loaded, torch.nn.Module | StandIn):
        return "a whole module, which needs its authors' code"
    return f"a {type(loaded).__name__}"
