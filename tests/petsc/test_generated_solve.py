import itertools

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("petsc4py")

from metasolve.petsc.contract import Measure
from metasolve.petsc.generated_solve import GeneratedSolve
from metasolve.petsc.recorded_solve import Host
from metasolve.petsc.replay import Replay
from metasolve.petsc.systems import Systems
from metasolve.solve.instance import Instance

from .conftest import PETSc

LU = {"ksp_type": "richardson", "pc_type": "lu"}


def line(n, units=1.0, free=False):
    """Second differences; the last row has units of its own, or both ends are free."""
    A = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], shape=(n, n)).tolil()
    b = np.sin(np.arange(n))
    if free:
        A[0, 0] = A[n - 1, n - 1] = 1.0
        b -= b.mean()
    A[n - 1] *= units
    b[n - 1] *= units
    return A.tocsr(), b


def solve_of(rtol, measure=Measure.NORM, block_size=1, constant_null=False, **arguments):
    host = Host("gmres", "ilu", {})
    kind = {"measure": measure, "block_size": block_size, "constant_null": constant_null}
    return GeneratedSolve("a", line, arguments, host, rtol, **kind)


def outcome_of(solve, settings, **made):
    replay = Replay(**made)
    outcome = replay.solve(Instance("a", {}, payload=solve, tolerance=solve.rtol), settings)
    replay.destroy()
    return outcome


def test_a_direct_solve_is_judged_by_its_backward_error():
    solve = solve_of(1e-15, Measure.BACKWARD, n=50)
    assert solve.direct
    outcome = outcome_of(solve, LU)
    assert outcome.ok
    assert outcome.true_residual < 1e-15
    loose = outcome_of(solve_of(1e-2, n=50), {"ksp_type": "gmres", "pc_type": "jacobi"})
    assert loose.true_residual > 1e-12


def test_rows_in_different_units_are_judged_row_by_row():
    # In the 2-norm the last row alone says what is good enough.
    systems, left = Systems(PETSc.COMM_SELF), {}
    for measure in (Measure.NORM, Measure.ROWS):
        system = systems.load(solve_of(1e-6, measure, n=50, units=1e9))
        x = system.start()
        x[49] = system.b[49] / system.A[49, 49]
        x.assemble()
        left[measure] = system.residual(x) / system.zero
        x.destroy()
    assert left[Measure.NORM] < 1e-6
    assert left[Measure.ROWS] > 0.5
    systems.destroy()


def test_the_matrix_has_what_the_application_declares():
    systems = Systems(PETSc.COMM_SELF)
    system = systems.load(solve_of(1e-6, block_size=2, constant_null=True, n=50, free=True))
    assert system.A.getBlockSize() == 2
    assert system.A.getNullSpace().test(system.A)
    plain = systems.load(solve_of(1e-6, n=50, free=True))
    assert plain.A.getBlockSize() == 1
    assert not plain.A.getNullSpace().handle
    systems.destroy()


def test_a_null_space_makes_a_singular_system_solvable():
    solve = solve_of(1e-8, constant_null=True, n=50, free=True)
    assert outcome_of(solve, {"ksp_type": "gmres", "pc_type": "jacobi"}).ok


def test_seconds_are_the_clocks():
    ticks = itertools.count()
    outcome = outcome_of(solve_of(1e-6, n=50), LU, clock=lambda: float(next(ticks)))
    assert outcome.setup_seconds == int(outcome.setup_seconds) > 0
    assert outcome.solve_seconds == 1.0
