"""``guess.bin``: a reduced Galerkin guess as the plug-in reads it.

Little-endian, 8 bytes each: 16 characters, a checksum of what follows, a head of 10 numbers, the
entries of A and b that are looked at, the small matrices (lower triangles of symmetric ones) and
right-hand sides, settings as text, then the basis, mode by mode, of which each rank reads its own
rows; that of the tests too where no entries are looked at. guess.c reads it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from metasolve.guess.checksum import sealed
from metasolve.guess.pattern import pattern_hash
from metasolve.guess.projected import Projected
from metasolve.guess.reduced import ReducedGalerkin

_MAGIC = b"metasolve-guess3"
_ROUNDING = 1e-12  # of the largest entry: what two halves of a symmetric matrix may differ by


def guess_bytes(
    reduced: ReducedGalerkin | Projected,
    A: sp.csr_matrix,
    *,
    alone: bool = False,
    options: Mapping[str, str] | None = None,
    expected: float = 0.0,
) -> bytes:
    """Contents of the file.

    Parameters
    ----------
    reduced : the guess.
    A : any matrix of the family: its pattern says which systems the guess is for.
    alone : the program's own settings go with the guess, not those that the model chooses.
    options : PETSc options that go with it, in place of both.
    expected : seconds that the program's own settings take; a time budget is a multiple of them.
    """
    tables = reduced.tables()
    entries, text = tables.entries, _text(options or {})
    row = np.searchsorted(A.indptr, entries, side="right") - 1
    column = A.indices[entries]
    operators, symmetric = _folded(tables.operators)
    counts = (A.shape[0], A.nnz, reduced.modes, len(entries), len(tables.rows))
    flags = (int(symmetric), int(alone), len(text) // 8)
    head = np.array([*counts, *flags], "<i8").tobytes() + np.array([expected], "<f8").tobytes()
    head += np.array([pattern_hash(A)], "<u8").tobytes()
    places = np.concatenate([row, column, tables.rows]).astype("<i8")
    numbers = [np.ascontiguousarray(each, "<f8").tobytes() for each in (operators, tables.sides)]
    bases = [reduced.basis, *([reduced.tests] if isinstance(reduced, Projected) else [])]
    columns = [np.ascontiguousarray(each.T, "<f8").tobytes() for each in bases]
    return sealed(_MAGIC, b"".join([head, places.tobytes(), *numbers, text, *columns]))


def _folded(operators: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    """(count, modes, modes), or where they are symmetric (count, modes (modes + 1) / 2)."""
    twisted = np.abs(operators - operators.transpose(0, 2, 1)).max(initial=0.0)
    if twisted > _ROUNDING * np.abs(operators).max(initial=0.0):
        return operators, False
    rows, columns = np.tril_indices(operators.shape[1])
    return operators[:, rows, columns], True


def _text(options: Mapping[str, str]) -> bytes:
    """A line per option, filled up to whole words of 8 bytes."""
    text = "".join(f"{name} {value}\n" for name, value in options.items()).encode()
    return text + b"\n" * (-len(text) % 8)
