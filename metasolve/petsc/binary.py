"""The little of PETSc's binary format that is read without PETSc, and checked before PETSc does.

PETSc believes a header: negative counts, a file that ends too soon or columns that are none may end
the process that loads them.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import RecordingError
from metasolve.files.atomic import read_regular

_VECTOR = 1211214  # VEC_FILE_CLASSID
_MATRIX = 1211216  # MAT_FILE_CLASSID
_INTEGERS = (">i4", ">i8")  # PETSc's integers, by how it was built
_PART = 1 << 22  # columns looked at together


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
    data = _bytes(file)
    for integer in _INTEGERS:
        length = _vector_length(data, 0, integer)
        if length is not None:
            size = 2 * np.dtype(integer).itemsize
            values = np.frombuffer(data, ">f8", length, size)
            return math.sqrt(float(values @ values))
    raise RecordingError(f"{file} is not a PETSc vector; record anew")


def check_vectors(file: Path, rows: int, count: int = 1) -> None:
    """Make sure that a file starts with `count` whole vectors of so many `rows`.

    Raises
    ------
    RecordingError
        If it does not, or cannot be read.
    """
    data = _bytes(file)
    if not any(_are_vectors(data, rows, count, integer) for integer in _INTEGERS):
        raise RecordingError(f"{file}: not {count} PETSc vectors of {rows} rows; record anew")


def check_matrix(file: Path, rows: int, nnz: int) -> None:
    """Make sure that a file is a whole square matrix of so many rows and stored entries.

    Raises
    ------
    RecordingError
        If it is not, or cannot be read.
    """
    data = _bytes(file)
    for integer in _INTEGERS:
        size = np.dtype(integer).itemsize
        if len(data) == size * (4 + rows + nnz) + 8 * nnz:
            head = np.frombuffer(data, integer, 4).tolist()
            if head != [_MATRIX, rows, rows, nnz]:
                continue
            lengths = np.frombuffer(data, integer, rows, 4 * size)
            columns = np.frombuffer(data, integer, nnz, (4 + rows) * size)
            if _add_up(lengths, nnz, rows) and _are_columns(columns, rows):
                return
    raise RecordingError(
        f"{file}: not a whole PETSc matrix of {rows} rows and {nnz} entries; record anew"
    )


def _bytes(file: Path) -> Any:
    """Contents of a file, read as far as they are looked at."""
    try:
        if file.is_file() and file.stat().st_size:
            return np.memmap(file, np.uint8, "r")
        return read_regular(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise RecordingError(f"cannot read {file}: {why}; record anew") from error


def _vector_length(data: Any, place: int, integer: str) -> int | None:
    """Length of the vector that starts at a place; None if there is no whole one."""
    size = np.dtype(integer).itemsize
    if len(data) < place + 2 * size:
        return None
    kind, length = np.frombuffer(data, integer, 2, place).tolist()
    whole = kind == _VECTOR and 0 <= length <= (len(data) - place - 2 * size) // 8
    return length if whole else None


def _are_vectors(data: Any, rows: int, count: int, integer: str) -> bool:
    step = 2 * np.dtype(integer).itemsize + 8 * rows
    return all(_vector_length(data, i * step, integer) == rows for i in range(count))


def _add_up(lengths: NDArray[np.float64], nnz: int, rows: int) -> bool:
    inside = not len(lengths) or (lengths.min() >= 0 and lengths.max() <= rows)
    return bool(inside) and int(lengths.sum(dtype=np.int64)) == nnz


def _are_columns(columns: NDArray[np.float64], rows: int) -> bool:
    parts = (columns[start : start + _PART] for start in range(0, len(columns), _PART))
    return all(part.min() >= 0 and part.max() < rows for part in parts)
