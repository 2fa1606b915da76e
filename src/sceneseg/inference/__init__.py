"""Inference: from a trained model to predictions, files and videos."""
