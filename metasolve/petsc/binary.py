"""The little of PETSc's binary format that is read without PETSc."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from metasolve.errors import RecordingError

_VECTOR = 1211214  # VEC_FILE_CLASSID


def vector_norm(file: Path) -> float:
    """Return the 2-norm of a vector written by VecView (real, double precision).

    Parameters
    ----------
    file
        In PETSc's binary format: class id and length as big-endian integers of PETSc's integer
        size, then big-endian doubles.

    Raises
    ------
    RecordingError
        If the file is missing or holds something else.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise RecordingError(f"cannot read {file}: {error.strerror}; record anew") from error
    for integer in (">i4", ">i8"):
        size = np.dtype(integer).itemsize
        head = np.frombuffer(data[: 2 * size], integer)
        if head.size == 2 and head[0] == _VECTOR and len(data) >= 2 * size + 8 * int(head[1]):
            values = np.frombuffer(data, ">f8", int(head[1]), 2 * size)
            return math.sqrt(float(values @ values))
    raise RecordingError(f"{file} is not a PETSc vector; record anew")
