"""Fuzzing for minutes: ``python tests/fuzz --seconds 300``, ``--inputs 20000``, ``--target weights --number 17``."""

import argparse
import faulthandler
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from importlib.util import find_spec

from fuzzing import Finding, Tally, fuzz, outcome
from ingredients import Ingredients
from targets import TARGETS, Target

ROUND, SLOW_ROUND = 25, 5
"""Inputs of a target before the next one has its turn."""


def main() -> int:
    """Fuzz, print a table, and return 1 when there is a finding."""
    given = _options()
    names = given.target or [target.name for target in TARGETS]
    if unknown := set(names) - {target.name for target in TARGETS}:
        sys.exit(f"There is no target {', '.join(unknown)}. There are: {', '.join(t.name for t in TARGETS)}.")
    chosen = [target for target in TARGETS if target.name in names and all(map(find_spec, target.packages))]
    tallies = {target.name: Tally() for target in chosen}
    _hush()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:  # stays, with the input, if the process crashes
        ingredients = Ingredients(Path(folder) / "made")
        files = {target.name: _made(target, ingredients, Path(folder) / "tried") for target in chosen}
        end = time.monotonic() + given.seconds if given.seconds else float("inf")
        for target, numbers in _turns(chosen, given):
            tallies[target.name].add(fuzz(target, files[target.name], numbers, given.seed))
            _progress(target, tallies)
            if time.monotonic() > end:
                break
    _table(tallies)
    _save(tallies, given.out)
    return 1 if any(tally.findings for tally in tallies.values()) else 0


def _turns(chosen: list[Target], given: argparse.Namespace) -> Iterator[tuple[Target, range]]:
    """Yield whose turn it is, with the numbers of its inputs: in rounds, until all inputs are used up."""
    if given.number is not None:
        yield from ((target, range(given.number, given.number + 1)) for target in chosen)
        return
    left = float("inf") if given.seconds else given.inputs
    for turn in itertools.count():
        for target in chosen:
            size = SLOW_ROUND if target.slow else ROUND
            count = int(min(size, left))
            yield target, range(turn * size, turn * size + count)
            left -= count
            if left <= 0:
                return


def _progress(target: Target, tallies: dict[str, Tally]) -> None:
    if sys.stderr.isatty():
        tried, findings = (sum(x) for x in zip(*((t.tried, len(t.findings)) for t in tallies.values()), strict=True))
        print(f"\r{tried:,} inputs, {findings} findings, {target.name:40}", end="", file=sys.stderr)


def _made(target: Target, ingredients: Ingredients, folder: Path) -> Path:
    place = folder / target.name.replace("/", "_")
    place.mkdir(parents=True)
    file = target.make(ingredients, place)
    trace = outcome(target, file)
    if (trace is None) is not target.accepted or trace:
        sys.exit(f"{target.name}: the healthy file isn't read as it should.\n{trace}")
    return file


def _hush() -> None:
    """Keep what libraries print of damaged files away from the terminal; crashes still show."""
    terminal = os.fdopen(os.dup(2), "w")
    faulthandler.enable(terminal)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    sys.stderr = terminal


def _table(tallies: dict[str, Tally]) -> None:
    whole = Tally()
    for tally in tallies.values():
        whole.add(tally)
    print(f"{'target':40} {'inputs':>8} {'refused':>8} {'accepted':>8} {'foreign':>8}")
    for name, tally in {**tallies, "all": whole}.items():
        print(f"{name:40} {tally.tried:8} {tally.refused:8} {tally.accepted:8} {len(tally.findings):8}")


def _save(tallies: dict[str, Tally], out: Path) -> None:
    """Write one input of each kind of finding with its traceback, and list the kinds."""
    for name, tally in tallies.items():
        kinds: dict[str, list[Finding]] = {}
        for finding in tally.findings:
            kinds.setdefault(finding.kind, []).append(finding)
        for kind, findings in kinds.items():
            first = findings[0]
            out.mkdir(parents=True, exist_ok=True)
            stem = out / f"{name.replace('/', '_').replace(' ', '_')}-{first.number}"
            Path(f"{stem}.input").write_bytes(first.data)
            Path(f"{stem}.txt").write_text(first.trace)
            print(f"{len(findings):4} x {name}: {kind} (--target '{name}' --number {first.number})")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, help="how long; in place of --inputs")
    parser.add_argument("--inputs", type=int, default=20_000, help="how many, over all targets")
    parser.add_argument("--target", action="append", help="only this one; may be given several times")
    parser.add_argument("--seed", type=int, default=0, help="of the damage")
    parser.add_argument("--number", type=int, help="only this input")
    parser.add_argument("--out", type=Path, default=Path("fuzz-findings"), help="folder for the inputs of findings")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
