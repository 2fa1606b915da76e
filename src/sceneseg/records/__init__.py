"""Records: the files of a run directory, and the environment they were made in."""
