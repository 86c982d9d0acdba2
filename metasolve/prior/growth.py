"""How fast candidates get dearer with the size of systems, beyond the size itself.

A forest says of a system that is larger than all it was fitted to what it says of the largest. So
the growth is fitted apart, in a straight line for each candidate, and the forest to what is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from metasolve.prior.candidates import Candidate
from metasolve.prior.corpus import Row
from metasolve.prior.targets import succeeded

Array = NDArray[np.float64]
BEGINS = 4.0  #: log10 of rows; what smaller systems take has other reasons, and they are many
_LEAST = 5  # systems that a line is drawn through


def growth(rows: Sequence[Row], candidates: Sequence[Candidate], Y: Array) -> Array:
    """Slopes of ln(seconds / unit) over log10(rows); (K, 2).

    Within a kind and contract, so that it does not matter which kinds have large systems: of
    systems that were solved, with the tolerance held.

    Parameters
    ----------
    Y
        Of `metasolve.prior.targets.targets`, (N, K, 2).
    """
    good = np.array([succeeded(row, candidates) for row in rows])
    groups = np.unique([f"{row.kind} {row.direct}" for row in rows], return_inverse=True)[1]
    size = np.array([row.features["log_rows"] for row in rows])
    tolerance = np.log10([row.tolerance for row in rows])
    products, squares = np.zeros((len(candidates), 2)), np.zeros(len(candidates))
    for group in range(groups.max() + 1):
        for place in range(len(candidates)):
            mine = (groups == group) & good[:, place]
            if mine.sum() < _LEAST:
                continue
            x = _apart(size[mine], tolerance[mine])
            products[place] += x @ Y[mine, place]
            squares[place] += x @ x
    found = products / np.maximum(squares, 1e-9)[:, None]
    rounded: Array = np.round(found, 3)
    return rounded


def grown(log_rows: Array, grows: Array) -> Array:
    """What the growth adds to ln(seconds / unit); (N, K, 2) for N systems."""
    beyond = np.maximum(np.asarray(log_rows) - BEGINS, 0.0)
    added: Array = beyond[:, None, None] * grows
    return added


def _apart(x: Array, other: Array) -> Array:
    """The part of x that neither a constant nor the other column explains."""
    basis = np.column_stack([np.ones(len(x)), other])
    left: Array = x - basis @ np.linalg.lstsq(basis, x, rcond=None)[0]
    return left
