"""`Snapshots`: solutions of generated systems, for a guess to learn from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from petsc4py import PETSc

from metasolve.errors import UsageError
from metasolve.petsc.generated_solve import GeneratedSolve
from metasolve.petsc.options import Options, free_norm
from metasolve.petsc.recorded_solve import RecordedSolve
from metasolve.petsc.replay import configure
from metasolve.petsc.systems import System, Systems
from metasolve.solve.instance import Instance

Array = NDArray[np.float64]
TIGHT = 1e-10


@dataclass(frozen=True)
class Snapshots:
    """Systems of training instances and their solutions.

    Attributes
    ----------
    instances : of which they are.
    features : (instances, features).
    matrices : A of each.
    right_sides, solutions : b and x, (instances, size).
    seconds : what solving them took.
    """

    instances: Sequence[Instance]
    features: Array
    matrices: Sequence[sp.csr_matrix]
    right_sides: Array
    solutions: Array
    seconds: float

    @property
    def one_operator(self) -> bool:
        """Whether all instances have the same matrix."""
        return one_operator(self.matrices)


def one_operator(matrices: Sequence[sp.csr_matrix]) -> bool:
    """Whether all are the same matrix, but for rounding."""
    first = matrices[0]
    return all(
        A.nnz == first.nnz and abs(A - first).max() <= 1e-14 * abs(first).max()
        for A in matrices[1:]
    )


def snapshots(
    instances: Sequence[Instance],
    rtol: float = TIGHT,
    entries: Mapping[str, str] | None = None,
    report: Callable[[int], None] = lambda _: None,
) -> Snapshots:
    """Solve generated systems to a tight tolerance.

    Parameters
    ----------
    entries
        PETSc options; where there are none, or they fail, the application's own settings solve.

    Raises
    ------
    UsageError
        If one cannot be solved.
    """
    systems, found, made, seconds = Systems(PETSc.COMM_SELF), [], [], 0.0
    for count, instance in enumerate(instances):
        solve = replace(instance.payload, rtol=rtol)
        made.append(solve.assemble())
        system, began = systems.load(solve), time.perf_counter()
        x = solution(system, solve, entries) if entries else None
        x = solution(system, solve) if x is None else x
        if x is None:
            raise UsageError(
                f"instance {solve.id}: no solution to rtol={solve.rtol:g} under the application's "
                "own settings; raise max_it in case.toml"
            )
        found.append(x)
        seconds += time.perf_counter() - began
        report(count + 1)
    systems.destroy()
    return Snapshots(
        instances,
        np.array([list(instance.features.values()) for instance in instances]),
        [A for A, _ in made],
        np.array([b for _, b in made]),
        np.array(found),
        seconds,
    )


def solution(
    system: System,
    solve: RecordedSolve | GeneratedSolve,
    entries: Mapping[str, str] | None = None,
) -> Array | None:
    """Solution (size,) to the tolerance of `solve` under PETSc options, by default its own.

    None where they do not reach it in the recomputed residual. The system is on one rank.
    """
    ksp, x = PETSc.KSP().create(PETSc.COMM_SELF), system.start()
    with Options(free_norm(entries or solve.host.options)) as options:
        ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        try:
            configure(ksp, system, solve, options)
            ksp.solve(system.b, x)
            solved = ksp.getConvergedReason() > 0 and _reached(system, solve, x)
        except PETSc.Error:
            solved = False
    values = x.getArray().copy()
    ksp.destroy()
    x.destroy()
    return values if solved else None


def _reached(system: System, solve: RecordedSolve | GeneratedSolve, x: PETSc.Vec) -> bool:
    """Whether the recomputed residual says so, too: some methods lose a digit on the way."""
    return system.residual(x) <= 10.0 * max(solve.rtol * system.norm, solve.abstol)


def matrix(system: System) -> sp.csr_matrix:
    """A copy of the system's matrix, on one rank."""
    indptr, indices, data = system.A.getValuesCSR()
    return sp.csr_matrix((data.copy(), indices.copy(), indptr.copy()), shape=system.A.getSize())
