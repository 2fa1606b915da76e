"""Weights that are published: what is said about them, and how they are fetched."""
