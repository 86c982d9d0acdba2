"""One of PETSc's tests, without and with metasolve: what differs, and whether it is suspect."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from comparing import OPTIONS, Difference, Kind, bad, compare, grew, without_leaks, without_options
from petsc_build import build
from petsc_cases import Case, Examples
from pins import drawn, options, pin
from running import ACCEPTED, PLAIN, RECORD, Ran, run_case

PLAIN_LIMIT, LIMIT = 20.0, 60.0
REPEATS = 3  # of a plain run, until one of them differs
_SLACK = 1.0001  # of a tolerance: norms are sums in another order
#: What a more exact answer changes in words: counts, lists of numbers, signs, what is unused.
HARMLESS = re.compile(
    "|".join(
        [
            *[r"^\s*$", r"SNES Function norm", r"^\s*\d+ (TS dt|SNES)", r"Norm of error", r"SVD: "],
            *[r"^\s*[-\d.e+ ]+$", r"solution vector|residual norm", r"Vec Object|Mat Object"],
            *[
                r"type: (mpi|seq|hypre)$",
                r"Process \[",
                r"Unable to open display|X windows|X server",
            ],
            *[r"-display name|without graphics|COMPUTE NODES", r"^\s*row \d+:", r"Number of"],
            *[r"iterations", r"^\s+no name"],
        ]
    )
)
#: Suspicions that a program which varies by itself arouses as well; the others none does.
WORDING = {"text", "an error norm grew", "not a number", "did not converge"}
#: What failed is not freed: PETSc frees nothing on its way out of an error.
ABANDONED = ("PETSc reported an error", "the settings cannot be set up")
Row = dict[str, Any]


def examine(
    case: Case,
    examples: Examples,
    work: Path,
    ways: Sequence[str] = ("pin",),
    model: str | None = None,
) -> Row:
    """Run a case plainly and in other ways, and compare.

    Parameters
    ----------
    case, examples : what to run.
    work : folder for programs, models and what runs write.
    ways : of "record", "pin" (a permissive model), or the directory of a model.
    model : name of the pin; by default drawn by the case's name.

    Returns
    -------
    dict
        Plain JSON: the case, why it was skipped, or by way what differs and the suspicions.
    """
    row: Row = {"case": case.name, "ranks": case.ranks, "model": model or drawn(case.name)}
    if case.skip:
        return {**row, "skip": case.skip}
    if build(case, examples, work / "bin"):
        return {**row, "skip": "does not compile"}
    folder = work / "out" / re.sub(r"[/:]", "_", case.name)

    def ran(way: str | Path, name: str, limit: float = LIMIT, more: str = "") -> Ran:
        words = replace(case, arguments=f"{case.arguments} {more}")
        return run_case(words, examples, work / "bin", way, folder / name, limit)

    plain = ran(PLAIN, "plain", PLAIN_LIMIT)
    if plain.code is None:
        return {**row, "skip": "takes long without metasolve"}
    row |= {"code": plain.code, "seconds": plain.seconds, "ways": {}}
    for way in ways:
        model_ = {"record": RECORD, "pin": None}.get(way, way)
        other = ran(model_ or pin(row["model"], work / "models"), "run" if way != RECORD else way)
        row["ways"][way] = judged(
            plain,
            other,
            way == RECORD,
            lambda: ran(PLAIN, "again"),
            None if model_ else lambda: ran(PLAIN, "again", more=options(row["model"])),
        )
    shutil.rmtree(folder, ignore_errors=True)
    return row


def judged(
    plain: Ran,
    other: Ran,
    recorded: bool,
    again: Callable[[], Ran],
    optioned: Callable[[], Ran] | None = None,
) -> Row:
    """Compare two runs; where they differ, ask whether plain ones do so, too.

    Parameters
    ----------
    plain, other : the runs; `recorded` says that the other one was recorded.
    again : runs the program plainly once more.
    optioned : runs it plainly with the settings as PETSc's options and the contract's norm.
    """
    other = forgiven(other)
    kind, differences = compare(plain.output, other.output)
    found = suspicions(plain, other, kind, differences, recorded)
    varies = as_options = False
    if found:
        wording = all(each in WORDING or each.startswith("differs in") for each in found)
        varies = any(differ(plain, again(), wording) for _ in range(REPEATS))
        if wording and not varies and optioned:
            by_options = optioned()
            compared = compare(*(without_options(x.output) for x in (by_options, other)))
            as_options = not suspicions(by_options, other, *compared, recorded)
    shown = [["\n".join(each.before)[:600], "\n".join(each.after)[:600]] for each in differences]
    return {
        "code": other.code,
        "seconds": other.seconds,
        "kind": kind.value,
        "suspect": found,
        "plain varies": varies,
        "as options do": as_options,
        "accepted": other.accepted,
        "solves": len(other.log) or sum(line["kind"] == "solve" for line in other.recorded),
        "why": whys(other),
        "said": other.said if found else "",
        "differences": shown[:10] if found else [],
    }


def differ(plain: Ran, repeated: Ran, wording: bool) -> bool:
    """Whether two plain runs differ, in what they say only if `wording` is what is asked about."""
    if repeated.code != plain.code:
        return True
    return wording and compare(plain.output, repeated.output)[0] is not Kind.SAME


def forgiven(ran: Ran) -> Ran:
    """A run without the leaks that its log explains: what failed in mid solve is abandoned."""
    if not any(line.get("why", "").startswith(ABANDONED) for line in ran.log):
        return ran
    return replace(ran, output=without_leaks(ran.output))


def whys(ran: Ran) -> dict[str, int]:
    """Why solves were left to the program, or not recorded, numbers left out; the most frequent."""
    told = [f"{x['source']}: {x['why']}" for x in ran.log if x.get("why")]
    told += [f"skipped: {x['why']}" for x in ran.recorded if x["kind"] == "skipped"]
    short = (re.sub(r"[-\d.e+]*\d[-\d.e+]*", "#", text).split(",")[0][:110] for text in told)
    return dict(Counter(short).most_common(12))


def suspicions(
    plain: Ran, other: Ran, kind: Kind, differences: Sequence[Difference], recorded: bool
) -> list[str]:
    """What may be a fault of ours; empty where all is well."""
    if other.code is None:
        return ["did not end"]
    found = [f"exit code {plain.code}, then {other.code}"] * (plain.code != other.code)
    before = bad(plain.output)
    found += [name for name, count in bad(other.output).items() if count > before.get(name, 0)]
    if recorded:
        return found + [f"differs in {kind.value}"] * (kind is not Kind.SAME)
    found += ["residual above tolerance"] * any(inexact(line) for line in other.log)
    found += ["an error norm grew"] * any(grew(each) for each in differences)
    found += ["text"] * any(not harmless(each) for each in differences)
    return found


def inexact(line: dict[str, Any]) -> bool:
    """Whether an accepted answer misses what was asked of it."""
    if line["source"] not in ACCEPTED:
        return False
    residual, tolerance = line["true_residual"], line["tolerance"]
    return residual is None or not residual <= tolerance * _SLACK


def harmless(difference: Difference) -> bool:
    """Whether a difference is what other, as good answers and other settings bring about."""
    lines = [*difference.before, *difference.after]
    return difference.numbers or all(HARMLESS.search(x) or OPTIONS.match(x) for x in lines)
