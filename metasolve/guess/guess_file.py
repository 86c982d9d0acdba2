"""``guess.bin``: a reduced Galerkin guess as the plug-in reads it.

Little-endian, 8 bytes each: a head of 9 numbers after 16 characters, the entries of A and b that
are looked at, the small matrices and right-hand sides, then the basis, mode by mode, of which each
rank reads its own rows. guess.c reads it.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from metasolve.guess.pattern import pattern_hash
from metasolve.guess.reduced import ReducedGalerkin

_MAGIC = b"metasolve-guess1"


def guess_bytes(reduced: ReducedGalerkin, A: sp.csr_matrix, *, alone: bool = False) -> bytes:
    """Contents of the file.

    Parameters
    ----------
    reduced : the guess.
    A : any matrix of the family: its pattern says which systems the guess is for.
    alone : the program's own settings go with the guess, not those that the model chooses.
    """
    tables = reduced.tables()
    entries = tables.entries
    row = np.searchsorted(A.indptr, entries, side="right") - 1
    column = A.indices[entries]
    counts = (A.shape[0], A.nnz, reduced.modes, len(entries), len(tables.rows), int(alone))
    head = np.array([*counts], "<i8").tobytes() + np.array([pattern_hash(A)], "<u8").tobytes()
    places = np.concatenate([row, column, tables.rows]).astype("<i8")
    numbers = [tables.operators, tables.sides, reduced.basis.T]
    parts = [np.ascontiguousarray(each, dtype="<f8").tobytes() for each in numbers]
    return b"".join([_MAGIC, head, places.tobytes(), *parts])
