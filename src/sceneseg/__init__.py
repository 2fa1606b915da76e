"""Train, compare and ship semantic-segmentation models on street scenes, with numbers you can trust."""

__version__ = "0.1.0"
