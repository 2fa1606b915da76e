"""Every Triton kernel compiles for CUDA, also on a machine without a GPU; what it does is tested elsewhere."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("triton")

COMPILE = """
import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from sceneseg.kernels import confusion_triton, upsample_argmax_triton, upsample_cross_entropy_triton

TYPES = {"labels": "*u8", "prediction": "*u8", "pairs": "*i64", "row_starts": "*i32", "column_starts": "*i32",
         "column_low": "*i32"}
FLOATS = ["row_weight", "column_weight", "weight_table", "hit_table", "valid_table", "spread_table", "spread_sum",
          "sums", "kept", "log_total", "gradient"]
ONES = ["row_stride", "column_stride", "class_stride", "classes", "cells_high", "cells_wide", "height", "width",
        "longest"]  # what Triton makes a constant where it is 1

def compile(kernel, logits, constants):
    types = {name: "i32" for name in kernel.arg_names} | TYPES | dict.fromkeys(FLOATS, "*fp32") | {"coarse": logits}
    signature = {name: "constexpr" if name in constants else types[name] for name in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    compiled = triton.compile(source, GPUTarget("cuda", int(sys.argv[1]), 32), {"enable_fp_fusion": False})
    assert compiled.asm["cubin"]

for kernel, options in [
    (confusion_triton._count_runs, [{"pixels": confusion_triton.PIXELS}]),
    (upsample_argmax_triton._label_tile, [{"high": 8, "wide": 128}]),
    (upsample_cross_entropy_triton._sum_tile, [{"keep": keep, "high": 8, "wide": 128} for keep in (0, 1, 2)]),
    (upsample_cross_entropy_triton._gather_cell, [{"together": 4, "cells": 32, "beside": 8}]),
]:
    for constants in options:
        compile(kernel, "*bf16", constants)
    compile(kernel, "*fp32", options[0] | {name: 1 for name in ONES if name in kernel.arg_names})
    print(kernel.__name__)
"""


@pytest.mark.parametrize(
    "capability", [pytest.param(75, marks=pytest.mark.slow), 80, pytest.param(90, marks=pytest.mark.slow)]
)
def test_every_kernel_compiles_for_cuda(tmp_path, capability):
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    command = [sys.executable, "-W", "error", "-c", COMPILE, str(capability)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(done.stdout.split()) == 4
