"""Runs PETSc's own tests with the plug-in: ``make conformance``, or

    python tests/conformance/suite.py [PLACE...] [--work DIR] [--ways record,pin] [--match RE]
                                      [--json FILE] [--markdown FILE] [--report]

PLACE is a folder or source of the examples; by default the tests and tutorials of KSP, PC and SNES
and the tutorials of TS. What ran is not run again: the same command goes on where it stopped. Its
exit code is 1 where there is a suspect.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import reporting
from examining import examine
from petsc_cases import Case, Examples

from metasolve.petsc import installation, library

PLACES = (
    *("ksp/ksp/tests", "ksp/ksp/tutorials", "ksp/pc/tests", "ksp/pc/tutorials"),
    *("snes/tests", "snes/tutorials", "ts/tutorials"),
)
SAMPLE = Path(__file__).parent / "sample.txt"
Row = dict[str, Any]


def sample() -> list[tuple[str, str]]:
    """Return the committed cases of `make test`: name and model of each."""
    lines = [line.split("#")[0].split() for line in SAMPLE.read_text().splitlines()]
    return [(words[0], words[1]) for words in lines if words]


class Results:
    """What is known of cases: a file with a line of JSON for each."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(parents=True, exist_ok=True)
        text = file.read_text() if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # a line torn by a kill is of a case that did not end
            file.write_text(whole)
        self.rows: list[Row] = [json.loads(line) for line in whole.splitlines()]

    def lacks(self, case: Case) -> bool:
        """Whether nothing is known of a case."""
        return all(row["case"] != case.name for row in self.rows)

    def add(self, row: Row) -> None:
        """Keep what came of a case."""
        self.rows.append(row)
        with self._file.open("a") as out:
            out.write(json.dumps(row) + "\n")


def run(cases: Sequence[Case], examples: Examples, work: Path, ways: Sequence[str]) -> list[Row]:
    """Run what is not known yet, saying how far it is and how long it will take."""
    library.build()  # before the first run: no run's limit is spent on it
    results = Results(work / "results.jsonl")
    todo = [case for case in cases if results.lacks(case)]
    began = time.monotonic()
    for number, case in enumerate(todo):
        results.add(examine(case, examples, work, ways))
        spent = time.monotonic() - began
        left = spent / (number + 1) * (len(todo) - number - 1)
        _say(f"{number + 1} of {len(todo)}, {_clock(left)} left: {case.name}")
    known = {case.name for case in cases}
    return [row for row in results.rows if row["case"] in known]


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02d} h"


def chosen(examples: Examples, asked: argparse.Namespace) -> Iterator[Case]:
    """Return the cases that were asked for."""
    for case in examples.cases(asked.places or PLACES):
        if re.search(asked.match, case.name):
            yield case


def main(words: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("places", nargs="*", metavar="PLACE")
    parser.add_argument("--work", type=Path, default=Path("build/conformance"))
    parser.add_argument("--ways", default="record,pin", help="record, pin, directory of a model")
    parser.add_argument("--match", default="", help="only cases whose name matches")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--markdown", type=Path, metavar="FILE")
    parser.add_argument("--report", action="store_true", help="run nothing, tell what is known")
    asked = parser.parse_args(words)
    examples = Examples.find()
    if examples is None:
        _say("conformance: PETSc's examples are not installed: apt install libpetsc*-dev-examples")
        return 2
    work = asked.work.resolve()
    if asked.report:
        rows = Results(work / "results.jsonl").rows
    else:
        rows = run(list(chosen(examples, asked)), examples, work, asked.ways.split(","))
    sys.stdout.write(reporting.as_text(rows))
    if asked.json:
        asked.json.write_text(json.dumps(reporting.summary(rows), indent=1) + "\n")
    if asked.markdown:
        petsc = installation.find().version
        made_by = f"`make conformance` on {time.strftime('%Y-%m-%d')}, PETSc {petsc}"
        asked.markdown.write_text(reporting.as_markdown(rows, made_by))
    return int(any(reporting.suspects(rows, way) for way in reporting.ways(rows)))


if __name__ == "__main__":
    sys.exit(main())
