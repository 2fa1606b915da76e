"""Loading: samplers, caches and data loaders, from scenes to batches."""
