"""How far an operator has moved since a preconditioner was built for it: a sample of its rows."""

from __future__ import annotations

import numpy as np

from benchmarks.sequence_grid import Array, Grid

ROWS = 256  #: of the sample
_TINY = 1e-300


class Sample:
    """Rows of an operator as it was.

    Parameters
    ----------
    grid
        Of the operator.
    values
        Its entries.
    """

    def __init__(self, grid: Grid, values: Array) -> None:
        rows = np.unique(np.linspace(0, grid.size - 1, ROWS).astype(int))
        spans = [np.arange(grid.indptr[row], grid.indptr[row + 1]) for row in rows]
        self._places = np.concatenate(spans)
        self._row = np.repeat(np.arange(len(rows)), list(map(len, spans)))
        self._at = grid.indices[self._places] == rows[self._row]
        self._then = values[self._places]

    def changes(self, values: Array) -> dict[str, float]:
        """What has changed, by name."""
        now, then = values[self._places], self._then
        moved = np.log(np.abs(now[self._at] / then[self._at]))
        apart = now / now[self._at][self._row] - then / then[self._at][self._row]
        scaled = then / then[self._at][self._row]
        beside = ~self._at
        edges = np.log((np.abs(now[beside]) + _TINY) / (np.abs(then[beside]) + _TINY))
        change = np.bincount(self._row, apart**2) / np.bincount(self._row, scaled**2)
        return {
            "shift": float(moved.mean()),
            "diagonal": float(moved.std()),
            "widest": float(np.abs(moved - moved.mean()).max()),
            "rows": float(np.sqrt(change.mean())),
            "worst row": float(np.sqrt(change.max())),
            "edges": float(edges.std()),
        }
