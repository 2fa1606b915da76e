"""Engines that read an exported file: images (B, H, W, 3) uint8 in, labels (B, H, W) out. No torch in here."""

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from sceneseg.arrays import ImageArray
from sceneseg.bench.engines.base import Engine
from sceneseg.bench.job import Job
from sceneseg.records.environment import import_onnxruntime, import_openvino


class FileEngine(Engine):
    """Opens the file with everything inside; for the network alone, its sibling that ends at the coarse logits.

    Args:
        job: What to load, and for how many threads.
    """

    devices: ClassVar[tuple[str, ...]] = ("cpu",)
    file: ClassVar[str] = "onnxruntime/fp32"

    def __init__(self, job: Job) -> None:
        self.job = job
        self.shape = tuple(np.load(job.images, mmap_mode="r").shape)
        self._predict = self.open(job.file(self.file))

    @abstractmethod
    def open(self, file: Path) -> Callable[[ImageArray], Any]:
        """Return what computes the file's output for images of the job's shape."""

    def predict(self, images: ImageArray) -> ImageArray:
        """Hand the images over as they are."""
        return np.asarray(self._predict(images))

    def network(self, images: ImageArray) -> Callable[[], Any]:
        """Open the sibling."""
        compute = self.open(self.job.file(f"{self.file}_coarse"))
        return lambda: compute(images)


class OnnxRuntimeEngine(FileEngine):
    """ONNX Runtime's CPU provider."""

    package: ClassVar[str] = "onnxruntime"

    def open(self, file: Path) -> Callable[[ImageArray], Any]:
        """Create a session."""
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.job.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors
        options.add_session_config_entry("session.force_spinning_stop", "1")  # don't keep the others' cores busy
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda images: session.run(None, {name: images})[0]


class OpenVINOEngine(FileEngine):
    """OpenVINO's CPU plug-in, compiled for the one size that is measured."""

    package: ClassVar[str] = "openvino"
    file: ClassVar[str] = "openvino/fp32"
    precision: ClassVar[str] = "f32"

    def open(self, file: Path) -> Callable[[ImageArray], Any]:
        """Compile."""
        ov = import_openvino()
        core = ov.Core()
        model = core.read_model(file)
        model.reshape(list(self.shape))
        settings = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": self.job.threads,
            "INFERENCE_PRECISION_HINT": self.precision,
        }
        request = core.compile_model(model, "CPU", settings).create_infer_request()
        return lambda images: request.infer([images], share_inputs=True)[0]
