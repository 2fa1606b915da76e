"""Control: everything is right."""

from street import Case, write_streets

CASES = [Case("control", write_streets, warnings=(), shared="base")]
