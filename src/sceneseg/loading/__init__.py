"""From scenes to batches: samplers, caches and data loaders."""
