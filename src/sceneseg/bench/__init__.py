"""Measuring: how fast a model predicts, what memory that takes, and on which machine it was found out."""
