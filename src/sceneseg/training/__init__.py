"""The training loop and what keeps it honest: sampling order, checkpoints, history."""
