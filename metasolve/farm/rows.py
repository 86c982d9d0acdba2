"""Outcomes as rows of numbers and bytes of text: what ranks tell each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from metasolve.outcome import Outcome, Reason

_REASONS = tuple(Reason)
_NORMS = 2  # of a history; no cost looks at more
_COLUMNS = 12


def to_rows(
    results: Iterable[tuple[int, Outcome]],
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Pack pairs (index, outcome).

    Returns
    -------
    rows
        One row of 12 numbers per pair: index, reason, iterations, fractional iterations, residual,
        seconds of set-up and of the solve, flops, number of norms and two norms, bytes of text.
    texts
        The messages in UTF-8, one after the other.
    """
    rows, texts = [], []
    for index, outcome in results:
        norms = outcome.history[-_NORMS:]
        padded = (*norms, *[0.0] * (_NORMS - len(norms)))
        texts.append(outcome.message.encode("utf-8", "surrogatepass"))
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
                len(texts[-1]),
            )
        )
    table = np.array(rows, dtype=np.float64).reshape(-1, _COLUMNS)
    return table, np.frombuffer(b"".join(texts), dtype=np.uint8)


def from_rows(rows: NDArray[np.float64], texts: NDArray[np.uint8]) -> Iterator[tuple[int, Outcome]]:
    """Unpack what :func:`to_rows` made, exact to the last bit."""
    text, begin = texts.tobytes(), 0
    for row in rows.reshape(-1, _COLUMNS).tolist():
        index, reason, iterations, *measured, count, first, second, size = row
        end = begin + int(size)
        yield (
            int(index),
            Outcome(
                _REASONS[int(reason)],
                int(iterations),
                *measured,
                history=(first, second)[: int(count)],
                message=text[begin:end].decode("utf-8", "surrogatepass"),
            ),
        )
        begin = end


def as_exchanged(outcome: Outcome) -> Outcome:
    """Return an outcome as other ranks would see it."""
    ((_, seen),) = from_rows(*to_rows([(0, outcome)]))
    return seen
