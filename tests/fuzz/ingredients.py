"""Healthy files of every kind that the project reads, small, each made once and only when it is asked for."""

import io
import json
import shutil
import sys
import tarfile
import zipfile
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE.parent), str(HERE.parent / "report")]  # whose made-up runs are used here

import numpy as np  # noqa: E402
from made_up_comparison import make_comparison  # noqa: E402
from made_up_run import make_run  # noqa: E402
from PIL import Image  # noqa: E402

from sceneseg import datasets  # noqa: E402
from sceneseg.inference.predictor import SemanticModel  # noqa: E402
from sceneseg.toy import write_toy_scenes  # noqa: E402
from small_run import make_small_run  # noqa: E402

SIZE = (32, 64)
IDS = np.kron(np.array([[0, 1, 2], [2, 255, 1]], np.uint8), np.ones((8, 8), np.uint8))
COLORS = np.zeros((256, 3), np.uint8)
COLORS[[0, 1, 2]] = (90, 90, 90), (200, 30, 30), (120, 180, 250)
DESCRIPTION = {
    "names": ["road", "car", "sky"],
    "colors": {"road": [90, 90, 90], "car": "#c81e1e", "sky": [120, 180, 250]},
    "void": [255, [0, 0, 0]],
    "groups": {"flat": ["road"], "vehicle": ["car"]},
    "path": ".",
    "train": "train.txt",
    "val": ["images/val"],
    "masks_dir": "masks",
}


class Ingredients:
    """A folder of healthy files.

    Args:
        root: Where they are made.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def toy(self) -> Path:
        """Four streets in the layout of Cityscapes."""
        write_toy_scenes(self.root / "toy", count=4, size=SIZE, seed=0)
        return self.root / "toy"

    @cached_property
    def small_run(self) -> Path:
        """A run with weights, counts and scores of a small network."""
        return make_small_run(self.root / "small_run", self.toy).path

    @cached_property
    def run(self) -> Path:
        """A run of thirty epochs with images, made up."""
        path = make_run(self.root / "run", size=SIZE, samples=2)
        shutil.copy(self.small_run / "confusion.npz", path)
        for preview in sorted((path / "previews").iterdir())[2:]:
            preview.unlink()
        return path

    @cached_property
    def comparison(self) -> Path:
        """Two scored runs with latencies."""
        return make_comparison(self.root / "comparison", {"a": 0.2, "b": 0.5}).path

    @cached_property
    def model(self) -> SemanticModel:
        """The small network."""
        return SemanticModel.load(self.small_run, "cpu")

    def pack(self, format: str) -> Path:
        """A pack of the training scenes."""
        from sceneseg.packing.pack import pack

        out = self.root / f"pack_{format}"
        if not out.exists():
            pack(datasets.create("cityscapes", root=self.toy), out, format)
        return out

    def exported(self, to: str) -> Path:
        """A folder with an exported file of the small network."""
        from sceneseg.export.job import Export

        out = self.root / f"exported_{to}"
        if out.exists():
            return out
        if to == "openvino":  # made of the other file, as translating takes seconds
            return self._converted(self.exported("onnx") / "model.onnx", out)
        Export.make(SemanticModel.load(self.small_run, "cpu"), to).write(out / f"model.{to}")
        return out

    def _converted(self, onnx: Path, out: Path) -> Path:
        from sceneseg.records.environment import import_openvino
        from sceneseg.standalone import KEY, Runner

        ov = import_openvino()
        model = ov.convert_model(onnx)
        model.set_rt_info(json.dumps(Runner(onnx).description), [KEY])
        ov.save_model(model, out / "model.xml", compress_to_fp16=False)
        return out

    @cached_property
    def folder(self) -> Path:
        """Own images and masks with a data.yaml that says everything, and a list."""
        import yaml

        root = self.root / "folder"
        for split in ("train", "val"):
            for kind in ("images", "masks"):
                (root / kind / split).mkdir(parents=True)
            Image.fromarray(picture(IDS.shape)).save(root / "images" / split / f"{split}.png")
            Image.fromarray(IDS).save(root / "masks" / split / f"{split}.png")
        (root / "train.txt").write_text("images/train/train.png masks/train/train.png\n")
        (root / "data.yaml").write_text(yaml.safe_dump(DESCRIPTION, sort_keys=False))
        return root


def picture(size: tuple[int, int] = SIZE) -> np.ndarray:
    """Draw an image (H, W, 3) uint8 that compresses neither too well nor too badly."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    return np.stack([rows * 5, columns * 3, (rows * columns) % 251], 2).astype(np.uint8)


def encoded(ending: str, pixels: np.ndarray | None = None, colors: np.ndarray | None = None) -> bytes:
    """Return an image as a file of that ending; with colors as indices into them."""
    file = io.BytesIO()
    shown = Image.fromarray(picture() if pixels is None else pixels)
    if colors is not None:
        shown = Image.fromarray(pixels, "P")
        shown.putpalette(colors.tobytes())
    shown.save(file, Image.registered_extensions()[ending])
    return file.getvalue()


def archive(ending: str) -> bytes:
    """Return a zip or tar file with two images in a folder."""
    file = io.BytesIO()
    members = {f"data/{name}.png": encoded(".png") for name in ("a", "b")}
    if ending == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
            for name, data in members.items():
                zipped.writestr(name, data)
    else:
        with tarfile.open(fileobj=file, mode="w" if ending == ".tar" else "w:gz") as tarred:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tarred.addfile(info, io.BytesIO(data))
    return file.getvalue()


def video(file: Path) -> None:
    """Write eight frames."""
    import av

    with av.open(str(file), "w") as out:
        stream = out.add_stream("mpeg4", rate=10)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "yuv420p"
        for i in range(8):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.roll(picture(), 3 * i, 1), "rgb24")))
        out.mux(stream.encode(None))
