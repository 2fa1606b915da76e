"""Packed stores: safetensors shards, TFRecord and WebDataset."""
