"""Scoring: protocols, counts, stored results, samples and submissions."""
