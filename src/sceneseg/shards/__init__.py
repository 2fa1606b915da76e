"""Shards of packed data sets: the index, and one file a kind of shard."""
