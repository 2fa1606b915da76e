"""Imports timm, also where its torchvision and the installed torch don't fit together."""

import sys
from importlib import import_module
from types import ModuleType

import torch

BOX_OPERATORS = ("torchvision::nms", "torchvision::qnms")
BOX_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def import_timm() -> ModuleType:
    """Import timm (half a second or more: only when a network of it is built)."""
    import_torchvision()
    return import_module("timm")


def import_torchvision() -> ModuleType:
    """Import torchvision, which timm needs.

    pip installs torchvision's CUDA build even next to a torch for the CPU. Its compiled operators then can't be
    loaded, and its import stops where it describes them to torch. Nothing here runs these operators (they sort
    boxes), so declaring them is enough. An installation that works is left alone.
    """
    try:
        return import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]  # half imported
    for operator in BOX_OPERATORS:
        torch.library.define(operator, BOX_SCHEMA)
    return import_module("torchvision")
