"""What keeping preconditioners is worth on a recording: its sequences, solved in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from metasolve.petsc.in_order import How, sequences, solve_in_order
from metasolve.report.evaluation import ANSWERED
from metasolve.report.in_order import InOrder
from metasolve.solve.instance import Instance


def in_order(
    instances: Sequence[Instance],
    model: Path,
    repeats: int,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> InOrder:
    """Solve every sequence `repeats` times in each way, in turns."""
    found = sequences(instances)
    seconds: dict[str, float] = {how.value: 0.0 for how in How}
    failures = dict.fromkeys(seconds, 0)
    words: Counter[str] = Counter()
    for number, sequence in enumerate(found):
        progress("in order", number, len(found))
        taken: dict[str, list[float]] = {how.value: [] for how in How}
        for turn in range(repeats):
            for how in How:
                solved = solve_in_order(sequence, model, how)
                taken[how.value].append(sum(o.setup_seconds + o.solve_seconds for o, _ in solved))
                if turn == 0:
                    failures[how.value] += sum(o.reason not in ANSWERED for o, _ in solved)
                    if how is How.KEPT:
                        words.update(record.get("preconditioner", "") for _, record in solved)
        for name, each in taken.items():
            seconds[name] += float(np.median(each))
    operators = {
        (each.payload.run, each.payload.operator.hash) for sequence in found for each in sequence
    }
    del words[""]
    sizes = len(found), sum(map(len, found)), len(operators)
    return InOrder(*sizes, seconds, failures, dict(sorted(words.items())))
