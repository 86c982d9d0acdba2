"""Measure candidates that came later, on the systems of a corpus that has no seconds of them.

Machines differ, and so does one from hour to hour. On each system its fastest candidate is
measured again beside the new ones. Their seconds are scaled by what it took then over what it takes
now.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.corpus import Bench, Task, allowance, as_instance, busy, mend
from metasolve.errors import RecordingError
from metasolve.prior import Candidate
from metasolve.prior.corpus import Row, Taken, read_corpus
from metasolve.report.result import Report
from metasolve.solve.instance import Instance

#: Features that tell whether a system is the same; they may differ by `_SAME`.
_TOLD = ("log_rows", "nonzeros_per_row", "log_tolerance")
_SAME = 1e-6


def lacking(row: Row, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those candidates that suit a system and were not measured on it."""
    return [each for each in candidates if each.suits(row.features) and each.name not in row.taken]


def measure_later(
    source: Path, path: Path, candidates: Sequence[Candidate], report: Report
) -> tuple[int, int]:
    """Append the rows of `source`, completed, to `path`; goes on where it stopped.

    Returns
    -------
    How many rows were completed or complete, and how many were left out: their kind is drawn
    differently today, and they can be measured anew.

    Raises
    ------
    RecordingError
        If a file is torn.
    """
    mend(path)
    rows = read_corpus(source)
    done = {(row.kind, row.number) for row in read_corpus(path)} if path.exists() else set()
    bench = Bench(candidates)
    with path.open("a", encoding="utf-8") as out:
        for count, row in enumerate(rows):
            report("corpus, systems", count, len(rows))
            if (row.kind, row.number) in done:
                continue
            try:
                out.write(f"{_completed(bench, row, candidates).line()}\n")
            except RecordingError:
                continue
            out.flush()
            done.add((row.kind, row.number))
    bench.close()
    return len(done), len(rows) - len(done)


def _completed(bench: Bench, row: Row, candidates: Sequence[Candidate]) -> Row:
    later = lacking(row, candidates)
    if not later:
        return row
    with _drawn_again(bench, row) as instance:
        scale, best = _scale(bench, instance, row, candidates)
        taken = dict(row.taken)
        for each in later:
            found = bench.repeated(instance, each.serial, allowance(best, False) * busy(), best)
            taken[each.name] = _scaled(found, scale)
    ordered = {each.name: taken[each.name] for each in candidates if each.name in taken}
    return replace(row, taken=ordered)


@contextmanager
def _drawn_again(bench: Bench, row: Row) -> Iterator[Instance]:
    """The system of a row, while it is on disk.

    Raises
    ------
    RecordingError
        If it is drawn neither by today's rules nor by those of the first ones.
    """
    for early in (False, True):
        with bench.drawn(Task(row.kind, row.number, early)) as (solve, features):
            if all(abs(features[name] - row.features[name]) <= _SAME for name in _TOLD):
                yield as_instance(solve)
                return
    raise RecordingError(
        f"corpus: {row.kind} {row.number} is drawn differently today; measure it anew"
    )


def _scale(
    bench: Bench, instance: Instance, row: Row, candidates: Sequence[Candidate]
) -> tuple[float, float | None]:
    """Seconds then over seconds now of the fastest candidate, and the latter."""
    options = {each.name: each.serial for each in candidates}
    good = {name: taken.total for name, taken in row.taken.items() if taken.good}
    if not good:
        return 1.0, None
    name = min(good, key=good.__getitem__)
    now = bench.repeated(instance, options[name], allowance(None, True) * busy(), None)
    return (good[name] / now.total, now.total) if now.good else (1.0, None)


def _scaled(taken: Taken, scale: float) -> Taken:
    return replace(
        taken,
        setup=scale * taken.setup,
        solve=scale * taken.solve,
        budget=scale * taken.budget,
    )
