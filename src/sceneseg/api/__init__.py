"""The verbs as functions: typed arguments in, records out."""
