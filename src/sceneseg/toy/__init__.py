"""Toy street scenes: drawn, not photographed, and written as a Cityscapes tree that every command can read.

For trying the program without a data set, and for tests: a camera looks down a street with houses, traffic and
people; all 19 classes occur, and each pixel of the annotation is right because image and labels are drawn together.
"""

from sceneseg.toy.drawing import ToyScene, draw_scene
from sceneseg.toy.writing import write_toy_scenes

__all__ = ["ToyScene", "draw_scene", "write_toy_scenes"]
