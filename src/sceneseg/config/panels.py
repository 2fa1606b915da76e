"""Panels of the help pages: an option stands in one by `Parameter(group=panels.DATA)`."""

from cyclopts import Group

DATA = Group("Data", sort_key=1)
"""Which images and labels."""

MODEL = Group("Model", sort_key=2)
"""Which network and which weights."""

TRANSFORMS = Group("Transforms", sort_key=3)
"""How images and labels are resized, cropped and augmented."""

OPTIMIZATION = Group("Optimization", sort_key=4)
"""Losses, optimizer, learning rate and length of a training."""

RUNTIME = Group("Runtime", sort_key=5)
"""Device, processes, memory and speed."""

OUTPUT = Group("Output", sort_key=6)
"""Files to write, and what is printed."""
