"""Scores from exact counts."""
