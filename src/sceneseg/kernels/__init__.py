"""Hot loops: each file holds a plain reference, a Numba version for CPUs and the dispatcher that chooses."""
