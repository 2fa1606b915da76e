"""Packing: a data set into shards, and shards into a folder of PNG files."""
