"""Peers of the benchmarks: packages that sceneseg itself doesn't need."""

import importlib.util

PEERS = {
    "torchmetrics": "torchmetrics",
    "albumentations": "albumentations",
    "torchvision": "torchvision",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "cityscapesscripts": "cityscapesscripts",
}
"""Import names, and what pip calls them."""


def need_peers(*packages: str) -> None:
    """End with a sentence where a peer isn't installed, before anything is measured."""
    if missing := [PEERS[name] for name in packages if importlib.util.find_spec(name) is None]:
        raise SystemExit(
            f"This compares with {', '.join(missing)}, which isn't installed. Install it with: "
            f"pip install --constraint constraints.txt {' '.join(missing)}; or run make bench."
        )
