"""The sparsity pattern of a matrix as one number: whether a grid and its ordering are the same."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

_STEPS = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def pattern_hash(A: sp.csr_matrix) -> int:
    """64-bit hash of the places (i, j) of the stored entries, zeros among them included.

    A sum over entries, so it does not depend on how rows are spread over ranks. The plug-in
    computes the same (MatPatternHash); the mixing is the finaliser of splitmix64 (Steele, Lea &
    Flood, OOPSLA 2014).
    """
    rows = np.repeat(np.arange(A.shape[0], dtype=np.uint64), np.diff(A.indptr))
    with np.errstate(over="ignore"):
        return int(
            _mix(_mix(rows + np.uint64(1)) + A.indices.astype(np.uint64)).sum(dtype=np.uint64)
        )


def _mix(h: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, factor in _STEPS:
        h = (h ^ (h >> np.uint64(shift))) * np.uint64(factor)
    return h ^ (h >> np.uint64(31))
