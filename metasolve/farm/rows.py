"""Outcomes as rows of numbers and bytes of text: what ranks tell each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from metasolve.solve.outcome import Outcome, Reason

_REASONS = tuple(Reason)
_NORMS = 2  # of a history; no cost looks at more
_COLUMNS = 13


def to_rows(
    results: Iterable[tuple[int, Outcome]],
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Pack pairs (index, outcome).

    Returns
    -------
    rows
        One row of 13 numbers per pair: index, reason, iterations, fractional iterations, residual,
        seconds of set-up and of the solve, flops, number of norms and two norms, bytes of text,
        norms of the course.
    texts
        Of one pair after the other the message in UTF-8 and the course.
    """
    rows, texts = [], []
    for index, outcome in results:
        norms = outcome.history[-_NORMS:]
        padded = (*norms, *[0.0] * (_NORMS - len(norms)))
        text, seen = outcome.message.encode("utf-8", "surrogatepass"), outcome.course
        texts += [text, np.array(seen, dtype=np.float64).tobytes()]
        rows.append(
            (
                index,
                _REASONS.index(outcome.reason),
                outcome.iterations,
                outcome.fractional_iterations,
                outcome.true_residual,
                outcome.setup_seconds,
                outcome.solve_seconds,
                outcome.flops,
                len(norms),
                *padded,
                len(text),
                len(seen),
            )
        )
    table = np.array(rows, dtype=np.float64).reshape(-1, _COLUMNS)
    return table, np.frombuffer(b"".join(texts), dtype=np.uint8)


def from_rows(rows: NDArray[np.float64], texts: NDArray[np.uint8]) -> Iterator[tuple[int, Outcome]]:
    """Unpack what :func:`to_rows` made, exact to the last bit."""
    text, begin = texts.tobytes(), 0
    for row in rows.reshape(-1, _COLUMNS).tolist():
        index, reason, iterations, fraction, residual, setup, taken, flops = row[:8]
        count, first, second, size, seen = row[8:]
        middle = begin + int(size)
        end = middle + 8 * int(seen)
        yield (
            int(index),
            Outcome(
                _REASONS[int(reason)],
                int(iterations),
                fraction,
                residual,
                setup,
                taken,
                flops,
                history=(first, second)[: int(count)],
                message=text[begin:middle].decode("utf-8", "surrogatepass"),
                course=tuple(np.frombuffer(text[middle:end]).tolist()),
            ),
        )
        begin = end


def as_exchanged(outcome: Outcome) -> Outcome:
    """Return an outcome as other ranks would see it."""
    ((_, seen),) = from_rows(*to_rows([(0, outcome)]))
    return seen
