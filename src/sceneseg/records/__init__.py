"""What lies in a run directory, and the environment it was made in."""
