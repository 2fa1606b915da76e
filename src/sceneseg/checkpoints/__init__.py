"""The shelf of other people's checkpoints, one file an origin."""
