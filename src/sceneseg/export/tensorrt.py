"""TensorRT builds its engine on the device itself: this writes the script that does it from the ONNX file."""

SCRIPT = """#!/usr/bin/env bash
# Builds a TensorRT engine from {name}.onnx on this device and times it. Run it where the engine will run.
# Needs trtexec, which is part of TensorRT: on a Jetson in /usr/src/tensorrt/bin.
set -euo pipefail
cd "$(dirname "$0")"
TRTEXEC=${{TRTEXEC:-$(command -v trtexec || echo /usr/src/tensorrt/bin/trtexec)}}
"$TRTEXEC" --onnx={name}.onnx --saveEngine={name}.engine {flags} \\
  --minShapes=image:1x{low}x3 --optShapes=image:1x{usual}x3 --maxShapes=image:{batch}x{high}x3 \\
  --useCudaGraph --warmUp=500 --iterations=200
"""
FLAGS = {"fp32": "", "fp16": "--fp16", "int8": "--fp16 --int8"}


def script(name: str, precision: str, size: tuple[int, int], batch: int = 1) -> str:
    """Return the script for a file NAME.onnx.

    Args:
        name: Of the ONNX file, without its ending.
        precision: fp32, fp16, or int8 (the ONNX file then holds the ranges).
        size: (height, width) that the engine is tuned for; half of it to the whole of it is accepted.
        batch: Most pictures at once.
    """
    height, width = size
    low, usual = f"{height // 2}x{width // 2}", f"{height}x{width}"
    return SCRIPT.format(name=name, flags=FLAGS[precision], low=low, usual=usual, high=usual, batch=batch)
