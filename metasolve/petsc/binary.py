"""The little of PETSc's binary format that is read without PETSc, and checked before PETSc does.

PETSc believes a header: negative counts, a file that ends too soon or columns that are none may end
the process that loads them. Nor does a file say of what numbers it is. PETSc takes it for one of
its own, whose indices have 32 or 64 bits, and whose numbers are real or complex.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import RecordingError
from metasolve.files.atomic import read_regular

_VECTOR = 1211214  # VEC_FILE_CLASSID
_MATRIX = 1211216  # MAT_FILE_CLASSID
_PART = 1 << 22  # columns looked at together


class Numbers(NamedTuple):
    """Of what numbers a file is: those of the PETSc that wrote it.

    Parameters
    ----------
    integer
        ``>i4`` or ``>i8``.
    scalar
        ``>f8`` or ``>c16``.
    """

    integer: str
    scalar: str

    @classmethod
    def like(cls, integer: Any, scalar: Any) -> Numbers:
        """Return those of two types of numpy."""
        kind = "c" if np.dtype(scalar).kind == "c" else "f"
        return cls(f">i{np.dtype(integer).itemsize}", f">{kind}{np.dtype(scalar).itemsize}")

    @property
    def sizes(self) -> tuple[int, int]:
        """Bytes of an integer and of a number."""
        return np.dtype(self.integer).itemsize, np.dtype(self.scalar).itemsize


_ALL = tuple(Numbers(integer, scalar) for scalar in (">f8", ">c16") for integer in (">i4", ">i8"))


def vector_norm(file: Path) -> float:
    """Return the 2-norm of a vector written by VecView in double precision, real or complex.

    Raises
    ------
    RecordingError
        If the file is missing or holds something else.
    """
    data = _bytes(file)
    for numbers in _of_vectors(data, None, 1):
        integer, scalar = numbers.sizes
        values = np.frombuffer(
            data, numbers.scalar, (len(data) - 2 * integer) // scalar, 2 * integer
        )
        return math.sqrt(float(np.vdot(values, values).real))
    raise RecordingError(f"{file} is not a PETSc vector; record anew")


def check_vectors(file: Path, rows: int, count: int = 1) -> Numbers:
    """Make sure that a file is `count` vectors of so many `rows`; return of what numbers.

    Raises
    ------
    RecordingError
        If it is not, or cannot be read.
    """
    found = next(_of_vectors(_bytes(file), rows, count), None)
    if found is None:
        raise RecordingError(f"{file}: not {count} PETSc vectors of {rows} rows; record anew")
    return found


def check_matrix(file: Path, rows: int, nnz: int) -> Numbers:
    """Make sure that a file is a square matrix of so many rows and entries; return of what numbers.

    Raises
    ------
    RecordingError
        If it is not, or cannot be read.
    """
    data = _bytes(file)
    for numbers in _ALL:
        integer, scalar = numbers.sizes
        if len(data) == integer * (4 + rows + nnz) + scalar * nnz:
            head, lengths, columns, _ = _matrix(data, numbers, rows, nnz)
            if head.tolist() != [_MATRIX, rows, rows, nnz]:
                continue
            if _add_up(lengths, nnz, rows) and _are_columns(columns, rows):
                return numbers
    raise RecordingError(
        f"{file}: not a whole PETSc matrix of {rows} rows and {nnz} entries; record anew"
    )


def matrix_rows(
    file: Path, rows: int, nnz: int, wanted: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return some rows of a matrix: their lengths, and their columns and values, row after row.

    Raises
    ------
    RecordingError
        As `check_matrix`.
    """
    given = check_matrix(file, rows, nnz)
    _, lengths, columns, values = _matrix(_bytes(file), given, rows, nnz)
    begin = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])[wanted]
    held = lengths[wanted].astype(np.int64)
    places = np.repeat(begin, held) + counted(held)
    native = values.dtype.newbyteorder("=")
    return held, columns[places].astype(np.int64), values[places].astype(native)


def counted(lengths: NDArray[Any]) -> NDArray[Any]:
    """0, 1, 2 ... for each of these lengths."""
    ends = np.cumsum(lengths)
    counted: NDArray[Any] = np.arange(ends[-1]) - np.repeat(ends - lengths, lengths)
    return counted


def converted_matrix(file: Path, rows: int, nnz: int, given: Numbers, wanted: Numbers) -> bytes:
    """Return a checked matrix as another PETSc would have written it.

    Raises
    ------
    RecordingError
        If its indices have not so many bits.
    """
    if nnz > np.iinfo(wanted.integer).max:
        raise RecordingError(
            f"{file}: {nnz} entries need the petsc4py of a PETSc of 64-bit indices"
        )
    head, lengths, columns, values = _matrix(_bytes(file), given, rows, nnz)
    integers = (part.astype(wanted.integer).tobytes() for part in (head, lengths, columns))
    return b"".join((*integers, values.astype(wanted.scalar).tobytes()))


def converted_vectors(file: Path, rows: int, count: int, given: Numbers, wanted: Numbers) -> bytes:
    """Return checked vectors as another PETSc would have written them."""
    data, parts = _bytes(file), []
    integer, scalar = given.sizes
    for place in range(0, count * (2 * integer + scalar * rows), 2 * integer + scalar * rows):
        head = np.frombuffer(data, given.integer, 2, place)
        values = np.frombuffer(data, given.scalar, rows, place + 2 * integer)
        parts += [head.astype(wanted.integer).tobytes(), values.astype(wanted.scalar).tobytes()]
    return b"".join(parts)


def _bytes(file: Path) -> Any:
    """Contents of a file, read as far as they are looked at."""
    try:
        if file.is_file() and file.stat().st_size:
            return np.memmap(file, np.uint8, "r")
        return read_regular(file)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise RecordingError(f"cannot read {file}: {why}; record anew") from error


def _of_vectors(data: Any, rows: int | None, count: int) -> Iterator[Numbers]:
    """Yield the numbers of which there are so many whole vectors, and nothing else."""
    for numbers in _ALL:
        integer, scalar = numbers.sizes
        step, rest = divmod(len(data), count)
        if rest or step < 2 * integer:
            continue
        heads = [np.frombuffer(data, numbers.integer, 2, i * step).tolist() for i in range(count)]
        length = heads[0][1] if rows is None else rows
        if (
            all(head == [_VECTOR, length] for head in heads)
            and step == 2 * integer + scalar * length
        ):
            yield numbers


def _matrix(data: Any, numbers: Numbers, rows: int, nnz: int) -> tuple[NDArray[Any], ...]:
    """Header, lengths of rows, columns, values."""
    size = numbers.sizes[0]
    return (
        np.frombuffer(data, numbers.integer, 4),
        np.frombuffer(data, numbers.integer, rows, 4 * size),
        np.frombuffer(data, numbers.integer, nnz, (4 + rows) * size),
        np.frombuffer(data, numbers.scalar, nnz, (4 + rows + nnz) * size),
    )


def _add_up(lengths: NDArray[Any], nnz: int, rows: int) -> bool:
    inside = not len(lengths) or (lengths.min() >= 0 and lengths.max() <= rows)
    return bool(inside) and int(lengths.sum(dtype=np.int64)) == nnz


def _are_columns(columns: NDArray[Any], rows: int) -> bool:
    parts = (columns[start : start + _PART] for start in range(0, len(columns), _PART))
    return all(part.min() >= 0 and part.max() < rows for part in parts)
