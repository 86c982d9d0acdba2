"""The best constant settings of a program, by its journal: for sites that want no plug-in."""

from __future__ import annotations

import contextlib
import math
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from metasolve.errors import UsageError
from metasolve.model.allowed import allowed
from metasolve.production.state import KEPT
from metasolve.production.totals import Pairs

LEAST_SOLVES = 8  #: of settings, below which they are not told
WORTH = 1.1  #: times faster that settings must be
_TOLERANCES = ("ksp_rtol", "ksp_atol", "ksp_divtol", "ksp_max_it")  # which are the program's
_CONTRACTS = ("unpreconditioned", "preconditioned")


@dataclass
class Tried:
    """Settings that answered solves of one KSP.

    Parameters
    ----------
    settings
        As PETSc's options have them.
    pairs
        Seconds that were taken, against those of own settings, failed attempts included.
    norm
        Whether all of these solves stopped on the 2-norm of the residual.
    classes
        Names of those they were tried on.
    """

    settings: Mapping[str, str]
    pairs: Pairs = field(default_factory=Pairs)
    norm: bool = True
    classes: set[str] = field(default_factory=set)

    @property
    def times(self) -> float:
        """What they take, in terms of own settings, and a standard error more."""
        p, r = self.pairs, self.pairs.factor
        apart = max(p.squares[0] - 2 * r * p.squares[1] + r * r * p.squares[2], 0.0)
        return r + math.sqrt(apart * p.n / max(p.n - 1, 1)) / p.expected

    @property
    def enough(self) -> bool:
        """Whether they say something."""
        return self.pairs.n >= LEAST_SOLVES and self.pairs.expected > 0


@dataclass
class Solver:
    """One KSP of the program, by its options prefix.

    Parameters
    ----------
    tried
        Settings, by the name of the candidate and what sets its numbers apart.
    latest
        Of them those of each candidate that answered last, to which what failed is counted.
    own
        Seconds of own settings by class.
    others
        Solves that options say nothing of: direct ones, and those with a test of the program's.
    """

    tried: dict[tuple[str, frozenset[tuple[str, str]]], Tried] = field(default_factory=dict)
    latest: dict[str, Tried] = field(default_factory=dict)
    own: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    others: int = 0

    def best(self) -> tuple[str, Tried] | None:
        """Return the settings to be told; None: own settings are as good as any."""
        good = [(t.times, name, t) for (name, _), t in self.tried.items() if t.enough]
        if not good:
            return None
        times, name, tried = min(good, key=lambda entry: entry[0])
        return (name, tried) if times * WORTH < 1 else None


def solvers(lines: Iterable[Mapping[str, Any]], factor: float) -> dict[str, Solver]:
    """Sum up a journal by options prefix.

    Parameters
    ----------
    lines
        Of a journal.
    factor
        What own settings take, in terms of what is expected of them.
    """
    found: defaultdict[str, Solver] = defaultdict(Solver)
    for line in lines:
        if "solve" in line and "wall" not in line:  # whose seconds are of counted work
            with contextlib.suppress(KeyError, TypeError, AttributeError):  # of a damaged one
                _add(found[line["prefix"]], line, factor)
    return dict(found)


def _add(solver: Solver, line: Mapping[str, Any], factor: float) -> None:
    if line["contract"] not in _CONTRACTS:
        solver.others += 1
        return
    own = line["own_taken"] or line.get("canary")
    if own is None and line["own_expected"] is not None:
        own = factor * line["own_expected"]
    if own is None:
        return
    solver.own[line["class"]] += own
    name = line["candidate"] or " ".join(line["settings"].values())
    if name == KEPT or line.get("preconditioner") == "kept":
        return  # no option keeps one for as long as that pays
    if line.get("start") in ("earlier", "learned") or line.get("probe"):
        return  # no option starts there; and what was only looked at is not what was chosen
    if line["source"] == "model" and line["settings"] and not line["unused"]:
        key = name, frozenset(line["settings"].items())
        solver.latest[name] = solver.tried.setdefault(key, Tried(line["settings"]))
        solver.latest[name].norm &= line["measure"] == "norm"
    if line["source"] in ("model", "fallback") and name in solver.latest:
        solver.latest[name].pairs.add(line["seconds"]["total"], own)
        solver.latest[name].classes.add(line["class"])


def options(program: str, found: Mapping[str, Solver]) -> str:
    """Return the text of a file for PETSc's ``-options_file``.

    Raises
    ------
    UsageError
        If there is nothing to be told.
    """
    parts = [text for prefix, solver in sorted(found.items()) for text in _of(prefix, solver)]
    if not any(text.startswith("-") for text in parts):
        raise UsageError(
            f"nothing to export of {program}: no settings are a tenth faster than its own in "
            f"{LEAST_SOLVES} solves or more; metasolve report says what is known"
        )
    head = [
        f"# Options for {program}, found by metasolve in its journal, {time.strftime('%Y-%m-%d')}.",
        "# They are constant: no system is looked at, no answer is verified, and nothing falls",
        "# back to the program's own settings. Use them by -options_file.",
    ]
    return "\n".join([*head, *parts, ""])


def _of(prefix: str, solver: Solver) -> Iterator[str]:
    name = f"KSP {prefix}" if prefix else "KSP without a prefix"
    yield "#"
    if solver.others:
        yield f"# {name}: {solver.others} solves are direct, or have a test of the program's own."
    best = solver.best()
    if best is None:
        yield f"# {name}: no settings were a tenth faster than its own in {LEAST_SOLVES} solves"
        yield "# that constant options can repeat."
        return
    candidate, tried = best
    known = sum(solver.own[each] for each in tried.classes)
    share = 100 * known / max(sum(solver.own.values()), 1e-300)
    yield f"# {name}: {candidate} took {tried.pairs.factor:.2f} times what own settings take, in"
    yield f"# {tried.pairs.n} solves of classes that have {share:.0f} % of the seconds."
    for each in sorted(solver.own.keys() - tried.classes):
        yield f"# Not tried on the class '{each}'."
    for key, value in tried.settings.items():
        if key not in _TOLERANCES and allowed(key, value) is not None:
            yield f"-{prefix}{key} {value}".rstrip()
    if tried.norm:
        yield f"-{prefix}ksp_norm_type unpreconditioned"
