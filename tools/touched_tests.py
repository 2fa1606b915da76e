"""The tests of the rooms that were touched since the last commit, as arguments for pytest: ``make quick``.

A file ``src/sceneseg/ROOM/THING.py`` is tested by ``tests/ROOM/test_THING.py`` where that exists, else by all of
``tests/ROOM``; a module on the ground by ``tests/test_MODULE.py``. A touched test stands for itself.
"""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALWAYS = ("tests/test_house.py",)


def touched() -> list[Path]:
    """Return what differs from the last commit, files that git doesn't know yet among them."""
    listed = subprocess.run(
        ["git", "status", "--porcelain", "--untracked-files=all", "--no-renames"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [Path(line[3:].strip('"')) for line in listed.stdout.splitlines()]


def tests_of(file: Path) -> list[str]:
    """Return the test files, or folders of them, that a file answers to."""
    if file.suffix != ".py":
        return []
    if file.parts[0] == "tests":
        runs = file.name.startswith("test_")
        return (
            [str(file) if runs else str(file.parent)] if (ROOT / file).is_file() and len(file.parts) > 2 - runs else []
        )
    if file.parts[:2] != ("src", "sceneseg"):
        return []
    rooms, name = file.parts[2:-1], f"test_{file.stem}.py"
    for folder in [Path("tests", *rooms[:depth]) for depth in range(len(rooms), -1, -1)]:
        if (ROOT / folder / name).is_file():
            return [str(folder / name)]
        if folder != Path("tests") and (ROOT / folder).is_dir():
            return [str(folder)]
    return []


if __name__ == "__main__":
    print(*sorted({*ALWAYS, *(test for file in touched() for test in tests_of(file))}))
