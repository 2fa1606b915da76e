"""Models for other engines, each compared with the original before it is written."""
