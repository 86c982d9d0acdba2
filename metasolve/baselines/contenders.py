"""Contenders: ways to solve one instance that are compared, measured in turns."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome
from metasolve.solve.solver import Budget, Solver, Value

_SHORT = 0.3  # seconds that all repeats of all contenders on one instance may take
Solve = Callable[[Instance], tuple[Outcome, dict[str, Any]]]


@dataclass
class Measurements:
    """Repeated solves of one instance by one contender.

    Attributes
    ----------
    outcomes : one per repeat.
    records : the plug-in's log lines, where the contender is the plug-in; else empty dicts.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)

    def seconds(self, share: float) -> float:
        """Median wall seconds of a solve that pays `share` of its set-up."""
        return float(np.median([share * o.setup_seconds + o.solve_seconds for o in self.outcomes]))

    def repeats(self) -> Iterator[tuple[Outcome, dict[str, Any]]]:
        """Outcome and record of every repeat; a clock decides whether a host is given up."""
        return zip(self.outcomes, self.records, strict=True)

    @property
    def outcome(self) -> Outcome:
        """The outcome of the first repeat: others differ in time, and in what a clock decides."""
        return self.outcomes[0]

    @property
    def record(self) -> dict[str, Any]:
        """The log line of the first repeat."""
        return self.records[0]

    def parts(self) -> dict[str, float]:
        """Median seconds of decision, set-up and solve (verification and fallback included)."""
        decision = [record.get("seconds", {}).get("decision", 0.0) for record in self.records]
        setup = [o.setup_seconds for o in self.outcomes]
        return {
            "decision": float(np.median(decision)),
            "setup": float(np.median(np.subtract(setup, decision))),
            "solve": float(np.median([o.solve_seconds for o in self.outcomes])),
        }


def constant(solver: Solver, settings: Mapping[str, Value]) -> Solve:
    """One setting for every instance."""
    return chosen(solver, lambda _: settings)


def chosen(solver: Solver, rule: Callable[[Instance], Mapping[str, Value]]) -> Solve:
    """Settings by a rule, which has no time to pay for; an empty choice is the program's own."""
    return lambda instance: (solver.solve(instance, rule(instance), Budget()), {})


def measure(
    contenders: Mapping[str, Solve],
    instances: Sequence[Instance],
    repeats: int,
    progress: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, Measurements]]:
    """Solve every instance by every contender, interleaved, after one warm-up of each.

    Parameters
    ----------
    repeats
        Timed solves of each pair; up to five times as many where they take little time, whose
        medians are the least certain. Contenders take turns in going first.

    Returns
    -------
    dict
        Measurements by contender and instance id.
    """
    names = list(contenders)
    found = {name: {each.id: Measurements() for each in instances} for name in names}
    for solve in contenders.values():
        solve(instances[0])
    gc.disable()
    try:
        for instance in instances:
            for turn in _turns(repeats):
                for name in names[turn % len(names) :] + names[: turn % len(names)]:
                    outcome, record = contenders[name](instance)
                    found[name][instance.id].outcomes.append(outcome)
                    found[name][instance.id].records.append(record)
            gc.collect()
            progress()
    finally:
        gc.enable()
    return found


def _turns(repeats: int) -> Iterator[int]:
    end = time.perf_counter() + _SHORT
    for turn in range(5 * repeats):
        if turn >= repeats and time.perf_counter() > end:
            return
        yield turn
