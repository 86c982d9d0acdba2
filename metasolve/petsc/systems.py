"""`Systems`: recorded systems as PETSc objects, the latest kept in memory."""

from __future__ import annotations

import contextlib
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from petsc4py import PETSc

from metasolve.errors import RecordingError, UsageError
from metasolve.petsc.binary import (
    Numbers,
    check_matrix,
    check_vectors,
    converted_matrix,
    converted_vectors,
)
from metasolve.petsc.contract import Measure
from metasolve.petsc.generated_solve import GeneratedSolve
from metasolve.petsc.judge import Judge
from metasolve.petsc.library import plugin
from metasolve.petsc.native import skip_info
from metasolve.petsc.recorded_solve import Operator, RecordedSolve, Subspace

DEFAULT_BYTES = 2 * 2**30


@dataclass(frozen=True)
class System:
    """A x = b as the program had it.

    Parameters
    ----------
    A, b
        Operator and right-hand side.
    guess
        The x it started from, None for zero.
    norm
        ‖b‖₂.
    judge
        Measures answers; None for ‖b - A x‖₂.
    """

    A: PETSc.Mat
    b: PETSc.Vec
    guess: PETSc.Vec | None
    norm: float
    judge: Judge | None = None

    @property
    def zero(self) -> float:
        """The measure of x = 0."""
        return self.norm if self.judge is None else self.judge.zero

    def start(self) -> PETSc.Vec:
        """Return a new x as the program started from."""
        x = self.A.createVecRight()
        if self.guess is None:
            x.set(0.0)
        else:
            self.guess.copy(x)
        return x

    def warm(self, x: PETSc.Vec) -> None:
        """Bring A, b and x into the caches, where a program that just made them has them.

        Otherwise what was done before decides what is measured. For the same reason A forgets what
        earlier solves left in it: SOR's inverse diagonal, whose flops count. Collective: yes, on
        A's comm.
        """
        self.A.assemble()
        self.residual(x)

    def residual(self, x: PETSc.Vec) -> float:
        """Return the measure of x. Collective: yes, on the communicator of A."""
        if self.judge is not None:
            return self.judge.measure(x)
        r = self.b.duplicate()
        self.A.mult(x, r)
        r.aypx(-1.0, self.b)
        norm = float(r.norm())
        r.destroy()
        return norm


class Systems:
    """Loads systems of a recording onto `comm`, and forgets the ones used longest ago.

    Parameters
    ----------
    comm
        Ranks that hold a system together; where there are as many as the program had, rows are
        laid out as the program had them.
    bytes
        What may be kept in memory on all ranks together; a system in use is kept anyway.
    """

    def __init__(self, comm: PETSc.Comm, bytes: int = DEFAULT_BYTES) -> None:  # noqa: A002
        self._comm, self._room = comm, bytes
        self._kept: OrderedDict[Any, tuple[Any, int]] = OrderedDict()

    def load(self, solve: RecordedSolve | GeneratedSolve) -> System:
        """Return the system of a solve, valid until the next call.

        Collective: yes, on comm.

        Raises
        ------
        RecordingError
            If a file is missing or torn.
        """
        if isinstance(solve, GeneratedSolve):
            return self._generated(solve)
        operator = solve.operator
        layout = self._layout(operator)
        size = 12 * operator.nnz + 4 * operator.rows
        spaces = (operator.null, operator.near)
        A = self._get(
            (operator.hash, operator.several, layout, spaces),
            size,
            lambda: self._matrix(operator, layout),
        )
        vector = 8 * operator.rows
        b, norm = self._get((solve.rhs, layout), vector, lambda: self._vector(solve.rhs, A))
        guess = None
        if solve.guess is not None:
            where = solve.guess
            guess, _ = self._get((where, layout), vector, lambda: self._vector(where, A))
        judge, measure = None, solve.measure
        if measure is not Measure.NORM:
            key = (solve.rhs, layout, operator.hash, measure)
            judge = self._get(key, 3 * vector, lambda: plugin().judge(A, b, measure))
        self._make_room(keep=3 if judge is None else 4)
        return System(A, b, guess, norm, judge)

    def _generated(self, solve: GeneratedSolve) -> System:
        if PETSc.ScalarType().dtype != "float64":
            raise UsageError("generated systems are real: use the petsc4py of a real PETSc")
        kind = solve.measure, solve.block_size, solve.constant_null
        key = (solve.system, *solve.arguments.items(), *kind)
        if key not in self._kept:
            made = self._made(*solve.assemble(), solve)
            self._kept[key] = (made, int(made.A.getInfo()["memory"]) + 8 * made.b.getSize())
        self._kept.move_to_end(key)
        self._make_room(keep=1)
        made = self._kept[key][0]
        guess = None if solve.guess is None else _distributed(made.b, solve.guess)
        return System(made.A, made.b, guess, made.norm, made.judge)

    def _made(self, A: sp.csr_matrix, b: NDArray[np.float64], solve: GeneratedSolve) -> System:
        matrix = PETSc.Mat().create(self._comm)
        matrix.setType(PETSc.Mat.Type.AIJ)
        matrix.setSizes([(PETSc.DECIDE, rows) for rows in A.shape], bsize=solve.block_size)
        matrix.setUp()
        low, high = matrix.getOwnershipRange()
        mine = A[low:high]
        index = PETSc.IntType
        pattern = mine.indptr.astype(index), mine.indices.astype(index)
        matrix.setPreallocationCSR((*pattern, mine.data))
        matrix.assemble()
        if solve.constant_null:
            constants = PETSc.NullSpace().create(constant=True, comm=self._comm)
            matrix.setNullSpace(constants)
            constants.destroy()
        right, judge = _distributed(matrix.createVecLeft(), b), None
        if solve.measure is not Measure.NORM:
            judge = plugin().judge(matrix, right, solve.measure)
        return System(matrix, right, None, right.norm(), judge)

    def destroy(self) -> None:
        """Free everything."""
        while self._kept:
            self._drop()

    def _get(self, key: Any, size: int, make: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = (make(), size)
        self._kept.move_to_end(key)
        return self._kept[key][0]

    def _make_room(self, keep: int) -> None:
        used = sum(size for _, size in self._kept.values())
        while used > self._room and len(self._kept) > keep:
            used -= self._drop()

    def _drop(self) -> int:
        _, (thing, size) = self._kept.popitem(last=False)
        for each in _parts(thing):
            each.destroy()
        return size

    def _layout(self, operator: Operator) -> tuple[int, ...] | None:
        return operator.layout if len(operator.layout) == self._comm.size else None

    def _matrix(self, operator: Operator, layout: tuple[int, ...] | None) -> PETSc.Mat:
        sizes = operator.rows, operator.nnz
        given = check_matrix(operator.file, *sizes)
        A = PETSc.Mat().create(self._comm)
        A.setType(PETSc.Mat.Type.MPIAIJ if operator.several else PETSc.Mat.Type.AIJ)
        local = PETSc.DECIDE if layout is None else layout[self._comm.rank]
        A.setSizes([(local, operator.rows)] * 2, bsize=operator.block_size)
        with self._opened(operator.file, given, converted_matrix, *sizes) as viewer:
            self._read(A.load, viewer, operator.file)
        for space, file, attach in (
            (operator.null, operator.null_file, A.setNullSpace),
            (operator.near, operator.near_file, A.setNearNullSpace),
        ):
            if space:
                basis = self._subspace(space, file, A)
                attach(basis)
                basis.destroy()
        return A

    def _subspace(self, space: Subspace, file: Path, A: PETSc.Mat) -> PETSc.NullSpace:
        vectors = []
        if space.vectors:
            sizes = A.getSize()[0], space.vectors
            given = check_vectors(file, *sizes)
            with self._opened(file, given, converted_vectors, *sizes) as viewer:
                for _ in range(space.vectors):
                    vectors.append(A.createVecRight())
                    self._read(vectors[-1].load, viewer, file)
        basis = PETSc.NullSpace().create(space.constant, vectors, comm=self._comm)
        for vector in vectors:
            vector.destroy()
        return basis

    def _vector(self, file: Path, A: PETSc.Mat) -> tuple[PETSc.Vec, float]:
        sizes = A.getSize()[0], 1
        given = check_vectors(file, *sizes)
        vector = A.createVecLeft()
        with self._opened(file, given, converted_vectors, *sizes) as viewer:
            self._read(vector.load, viewer, file)
        return vector, vector.norm()

    @contextlib.contextmanager
    def _opened(
        self, file: Path, given: Numbers, convert: Callable[..., bytes], *sizes: int
    ) -> Iterator[PETSc.Viewer]:
        """Open a file; a copy of it, where it is of a PETSc with other indices."""
        ours = Numbers.like(PETSc.IntType, PETSc.ScalarType)
        if given.scalar != ours.scalar:
            kinds = {">f8": "real", ">c16": "complex"}
            raise RecordingError(
                f"{file} is of {kinds[given.scalar]} numbers, and petsc4py of others: "
                "set PETSC_DIR to the program's PETSc, and use its petsc4py"
            )
        with contextlib.ExitStack() as stack:
            if given != ours:
                copy = stack.enter_context(tempfile.NamedTemporaryFile(prefix="metasolve-"))
                if self._comm.rank == 0:  # it reads for all
                    copy.write(convert(file, *sizes, given, ours))
                    copy.flush()
                file = Path(copy.name)
            viewer = self._viewer(file)
            yield viewer
            viewer.destroy()

    def _viewer(self, file: Path) -> PETSc.Viewer:
        viewer = PETSc.Viewer().create(self._comm)
        viewer.setType(PETSc.Viewer.Type.BINARY)
        viewer.setFileMode("r")
        # An .info file next to it would put options without prefix into the database.
        skip_info(viewer)
        viewer.setFileName(str(file))
        return viewer

    def _read(self, load: Callable[[PETSc.Viewer], Any], viewer: PETSc.Viewer, file: Path) -> None:
        try:
            load(viewer)
        except PETSc.Error as error:
            raise RecordingError(f"{file} is torn or not PETSc's; record anew") from error


def _parts(thing: Any) -> tuple[Any, ...]:
    """What there is to destroy of something kept: a matrix, a vector with its norm, a system."""
    if isinstance(thing, System):
        return (thing.A, thing.b) if thing.judge is None else (thing.judge, thing.A, thing.b)
    return thing[:1] if isinstance(thing, tuple) else (thing,)


def _distributed(like: PETSc.Vec, values: NDArray[np.float64]) -> PETSc.Vec:
    """A vector laid out as another, from all of its entries."""
    vector = like.duplicate()
    vector.setArray(values[slice(*vector.getOwnershipRange())])
    return vector
