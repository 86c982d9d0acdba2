"""What the solves of a sequence take with preconditioners built at earlier steps.

One live solver, as a program has it, whose matrix gets other values. Seconds are the processor's.
The stopping test is on the true residual, from a zero guess.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from petsc4py import PETSc

from benchmarks.sequence_grid import Grid
from benchmarks.sequence_kinds import OLDEST, System, Trajectory

CUT = 2.0  #: times set-up and fresh solve after which a solve is stopped
MOST = 400  #: iterations
_NEW = 5  #: systems that a new solver is made for
#: Up to so many seconds so many repetitions; the median counts.
_REPEATS = ((2e-3, 5), (1e-2, 3))


@dataclass(frozen=True)
class Host:
    """A program's own settings.

    Parameters
    ----------
    options
        Of its preconditioner.
    rtol
        Of its solves.
    direct
        It solves with its factor alone.
    oldest
        Steps that a preconditioner may lie back.
    unsymmetric
        More options, where operators are.
    """

    options: Mapping[str, str]
    rtol: float = 1e-6
    direct: bool = False
    oldest: int = OLDEST
    unsymmetric: Mapping[str, str] = field(default_factory=dict)


_PLAIN = {
    "mg_levels_ksp_type": "richardson",
    "mg_levels_pc_type": "sor",
    "pc_gamg_agg_nsmooths": "0",
}
HOSTS = {
    "gamg": Host({"pc_type": "gamg", "pc_gamg_reuse_interpolation": "false"}, unsymmetric=_PLAIN),
    "gamg-values": Host(
        {"pc_type": "gamg", "pc_gamg_reuse_interpolation": "true"}, unsymmetric=_PLAIN
    ),
    "hypre": Host({"pc_type": "hypre", "pc_hypre_type": "boomeramg"}),
    "lu": Host({"pc_type": "lu", "pc_factor_mat_ordering_type": "nd"}, 1e-10, direct=True),
    "ilu": Host({"pc_type": "ilu"}, oldest=4),
}


def measure(trajectory: Trajectory, host: str) -> dict[str, Any]:
    """Lists by step: set-up, and what solves take by age; see `benchmarks.sequence_table`."""
    systems, found = trajectory.systems(), list[dict[str, Any]]()
    solver: Solver | None = None
    for step, system in enumerate(systems):
        if solver is None or solver.grid is not system.grid:
            if solver is not None:
                solver.destroy()
            solver = Solver(system.grid, HOSTS[host], trajectory.symmetric)
        found.append(solver.column(systems[step : step + HOSTS[host].oldest + 1]))
    if solver is not None:
        solver.destroy()
    return {"rows": systems[0].grid.size, "steps": found}


def anew(trajectory: Trajectory, host: str) -> dict[str, float]:
    """Set-up of a solver that is made for one system: the median over some of them."""
    systems, taken = trajectory.systems(), list[float]()
    for system in systems[:: len(systems) // _NEW]:
        solver = Solver(system.grid, HOSTS[host], trajectory.symmetric)
        taken.append(solver.first(system))
        solver.destroy()
    return {"seconds": statistics.median(taken)}


class Solver:
    """One KSP on one mesh, and the program's own settings."""

    def __init__(self, grid: Grid, host: Host, symmetric: bool) -> None:
        self.grid = grid
        self._host = host
        self._matrix = PETSc.Mat().createAIJ(
            [grid.size, grid.size],
            csr=(grid.indptr, grid.indices, np.ones(len(grid.indices))),
            comm=PETSc.COMM_SELF,
        )
        self._x, self._b = self._matrix.createVecs()
        self._options = dict(host.options) | ({} if symmetric else dict(host.unsymmetric))
        self._kept = self._ksp("cg" if symmetric else "gmres")
        if not symmetric:
            self._kept.setPCSide(PETSc.PC.Side.RIGHT)
        self._kept.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
        self._fresh = self._kept
        if host.direct:
            self._fresh = self._ksp("preonly")
            self._fresh.setPC(self._kept.getPC())

    def _ksp(self, kind: str) -> Any:
        ksp = PETSc.KSP().create(PETSc.COMM_SELF)
        ksp.setOperators(self._matrix)
        ksp.setOptionsPrefix("sequence_")
        options = PETSc.Options("sequence_")
        for name, value in self._options.items():
            options[name] = value
        ksp.setType(kind)
        ksp.setFromOptions()
        return ksp

    def destroy(self) -> None:
        """Free PETSc's objects, and forget options, which set-ups have read until now."""
        for name in self._options:
            PETSc.Options("sequence_").delValue(name)
        for each in (self._kept, self._fresh, self._matrix, self._x, self._b):
            each.destroy()

    def first(self, system: System) -> float:
        """Seconds of the first set-up."""
        self._put(system)
        return self._set_up()

    def column(self, systems: list[System]) -> dict[str, Any]:
        """Build for the first system, and solve it and those that follow."""
        setup = self._build(systems[0])
        fresh = self._solved(self._fresh, systems[0], np.inf, repeated=True)
        limit = CUT * (setup + fresh["seconds"])
        solves = [fresh]
        for each in systems[1:]:
            if each.grid is not self.grid or not solves[-1]["converged"]:
                break
            self._put(each)
            self._fresh.getPC().setReusePreconditioner(True)
            solves.append(self._solved(self._kept, each, limit, repeated=False))
        return {"setup": setup, "solves": solves}

    def _put(self, system: System) -> None:
        self._matrix.setValuesCSR(self.grid.indptr, self.grid.indices, system.values)
        self._matrix.assemble()

    def _build(self, system: System) -> float:
        pc = self._fresh.getPC()

        def build() -> float:
            self._put(system)
            pc.setReusePreconditioner(False)
            return self._set_up()

        return _median(build)

    def _set_up(self) -> float:
        began = time.process_time()
        self._kept.setUp()
        self._kept.setUpOnBlocks()
        return time.process_time() - began

    def _solved(self, ksp: Any, system: System, limit: float, repeated: bool) -> dict[str, Any]:
        self._b.setArray(system.b)

        def solve() -> float:
            began = time.process_time()
            ksp.setConvergenceTest(_until(began + limit, self._host.rtol))
            ksp.solve(self._b, self._x)
            return time.process_time() - began

        return {
            "seconds": _median(solve) if repeated else solve(),
            "iterations": max(ksp.getIterationNumber(), 1),
            "converged": ksp.getConvergedReason() > 0,
        }


def _until(deadline: float, rtol: float) -> Callable[[Any, int, float], int]:
    """A test that stops at a residual, or in time; the guess is zero."""
    first = 0.0

    def test(_: Any, iteration: int, norm: float) -> int:
        nonlocal first
        if iteration == 0:
            first = norm
        if norm <= rtol * first:
            return int(PETSc.KSP.ConvergedReason.CONVERGED_RTOL)
        late = iteration == MOST or time.process_time() > deadline
        return int(PETSc.KSP.ConvergedReason.DIVERGED_MAX_IT) if late else 0

    return test


def _median(timed: Callable[[], float]) -> float:
    """Of some seconds, the more the shorter they are."""
    taken = [timed()]
    count = next((times for limit, times in _REPEATS if taken[0] < limit), 1)
    taken += [timed() for _ in range(1, count)]
    return statistics.median(taken)
