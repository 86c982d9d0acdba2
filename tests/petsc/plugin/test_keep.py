"""A preconditioner that was made of an earlier operator is kept while this pays."""

import numpy as np
import pytest

import metasolve
from metasolve.petsc.library import plugin

from ..conftest import PETSc, convection_diffusion, random_vector, write_policy

GAMG = {"ksp_type": "gmres", "pc_type": "gamg"}
LU = {"ksp_type": "richardson", "pc_type": "lu"}
HAS_MUMPS = PETSc.Sys.hasExternalPackage("mumps")
STEPS = ["-n", "64", "-constant_steps", "1", "-changing_steps", "8"]


@pytest.fixture
def program(tmp_path):
    """`program(settings, direct=False)`: solve(A), which returns solution and log line of it."""

    def make(settings, direct=False):
        ksp = PETSc.KSP().create(PETSc.COMM_SELF)
        ksp.setType("preonly" if direct else "gmres")
        ksp.getPC().setType("lu" if direct else "jacobi")
        ksp.setTolerances(rtol=1e-8, max_it=10000)
        made = []

        def solve(A):
            ksp.setOperators(A)
            if not made:
                made.append(metasolve.accelerate(ksp, write_policy(tmp_path, settings)))
            b, x = random_vector(A), A.createVecRight()
            ksp.solve(b, x)
            solve.reason, solve.iterations = ksp.getConvergedReason(), ksp.getIterationNumber()
            solve.residual = (b - A * x).norm() / b.norm()
            return plugin().last_record(ksp)

        return solve

    return make


def nudged(A, size, seed=0):
    """A copy whose rows have moved, each by a factor of its own."""
    factors = A.createVecLeft()
    noise = np.random.default_rng(seed).standard_normal(factors.getLocalSize())
    factors.setArray(np.exp(size * noise))
    moved = A.copy()
    moved.diagonalScale(L=factors)
    return moved


def test_it_is_kept_for_an_operator_that_has_hardly_moved(program):
    solve, A = program(GAMG), convection_diffusion(40, 5.0)
    assert solve(A)["preconditioner"] == "built"
    line = solve(nudged(A, 1e-4))
    assert line["preconditioner"] == "kept"
    assert line["moved"] == pytest.approx(np.sqrt(2) * 1e-4, rel=0.2)  # diagonal, and beside
    assert solve.residual <= 1e-8


def test_the_same_operator_again_has_no_such_word(program):
    solve, A = program(GAMG), convection_diffusion(40, 5.0)
    solve(A)
    assert solve(A)["preconditioner"] == ""


def test_a_factor_that_the_whole_matrix_gains_is_no_move(program):
    solve, A = program(GAMG), convection_diffusion(40, 5.0)
    solve(A)
    scaled = A.copy()
    scaled.scale(1e3)
    line = solve(scaled)
    assert line["moved"] == pytest.approx(0, abs=1e-9)
    assert line["preconditioner"] == "kept"


def with_diagonal(A, factor):
    """A copy whose diagonal is so many times what it was."""
    moved, diagonal = A.copy(), A.getDiagonal()
    diagonal.scale(factor)
    moved.setDiagonal(diagonal)
    return moved


@pytest.mark.parametrize("whole", [1.0, 1e3])
def test_a_diagonal_that_moves_by_another_factor_than_the_rest_has_moved(program, whole):
    """A time step that grows, in one material: each part by itself is only scaled."""
    solve, A = program(GAMG), convection_diffusion(40, 5.0)
    solve(A)
    moved = with_diagonal(A, np.exp(0.3))
    moved.scale(whole)
    assert solve(moved)["moved"] == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_what_is_small_beside_the_diagonal_moves_little(program):
    solve, A = program(GAMG), with_diagonal(convection_diffusion(40, 5.0), 1e4)
    solve(A)
    assert 0.0 < solve(with_diagonal(A, np.exp(0.3)))["moved"] < 0.01


@pytest.mark.parametrize("at", [0.1, 0.4, 0.7])
def test_a_front_is_seen_wherever_it_is(program, at):
    """One row in a hundred; of 256 rows it might be none."""
    solve, A = program(GAMG), convection_diffusion(120, 5.0)
    solve(A)
    rows, factors = A.getSize()[0], A.createVecLeft()
    factors.set(1.0)
    first = int(at * rows)
    factors.setValues(range(first, first + rows // 100), [20.0] * (rows // 100))
    factors.assemble()
    moved = A.copy()
    moved.diagonalScale(L=factors)
    assert solve(moved)["moved"] > np.sqrt(0.01) * np.log(20.0)


def test_another_wind_is_a_move_though_the_diagonal_stays(program):
    solve, A = program(GAMG), convection_diffusion(40, 5.0)
    solve(A)
    turned = A.copy()
    turned.transpose()
    assert np.abs((turned.getDiagonal() - A.getDiagonal()).norm()) == 0
    assert solve(turned)["moved"] > 0.01


def test_rows_that_are_longer_than_what_is_kept_of_them_move_as_far(program):
    """The diagonal is not among the first entries of most rows; in SI units."""
    apart = np.abs(np.subtract.outer(np.arange(300), np.arange(300)))
    A = PETSc.Mat().createAIJ([300, 300], nnz=300, comm=PETSc.COMM_SELF)
    A.setValues(range(300), range(300), 1e9 * (300.0 * np.eye(300) + 1.0 / (1.0 + apart)))
    A.assemble()
    solve = program(LU, direct=True)
    solve(A)
    line = solve(nudged(A, 1e-4))
    assert line["moved"] == pytest.approx(np.sqrt(2) * 1e-4, rel=0.3), line["why"]


@pytest.mark.skipif(not HAS_MUMPS, reason="PETSc's own LU does not exchange rows")
@pytest.mark.parametrize("unit", [1e-2, 1.0, 1e2])
def test_rows_without_a_diagonal_move_as_others_do(program, unit):
    """A saddle point: what is weighed with a diagonal of zero would outweigh everything."""
    K = convection_diffusion(10, 0.0)
    n = K.getSize()[0]
    A = PETSc.Mat().createAIJ([n + 40, n + 40], nnz=8, comm=PETSc.COMM_SELF)
    for i in range(n):
        columns, values = K.getRow(i)
        A.setValues(i, columns, values)
    for k in range(40):
        A[n + k, k] = A[k, n + k] = unit
        A[n + k, n + k] = 0.0
    A.assemble()
    solve = program({**LU, "pc_factor_mat_solver_type": "mumps"})
    solve(A)
    scaled = A.copy()
    scaled.scale(1e3)
    assert solve(scaled)["moved"] == pytest.approx(0.0, abs=1e-9)
    line = solve(nudged(A, 1e-4))
    assert line["moved"] is not None, line["why"]
    assert 1e-5 < line["moved"] < 1e-3
    assert solve.residual <= 1e-8


def test_where_it_is_of_no_use_it_is_made_anew_in_the_same_solve(program):
    """Whatever was foreseen: the answer is the contract's."""
    solve, A = program(GAMG), convection_diffusion(40, 5.0)
    solve(A)
    for seed in range(4):
        line = solve(nudged(A, 3.0, seed))
        assert solve.reason > 0
        if line["source"] == "model":
            assert line["true_residual"] <= line["tolerance"]


def test_another_size_is_never_kept(host, constant_model, run_with):
    command = [*host("sequence"), "-one_ksp", "-solves", "6", "-smallest", "20", "-largest", "90"]
    done, lines = run_with(constant_model(**GAMG), command)
    assert done.returncode == 0, done.stderr
    assert len({line["rows"] for line in lines}) == 6
    assert {line["preconditioner"] for line in lines if line["source"] == "model"} == {"built"}


def test_an_old_factor_answers_as_exactly_as_a_direct_solve(program):
    solve, A = program(LU, direct=True), convection_diffusion(120, 5.0)
    assert solve(A)["preconditioner"] == "built"
    line = solve(nudged(A, 1e-3))
    assert line["preconditioner"] == "kept"
    assert (solve.reason, solve.iterations) == (PETSc.KSP.ConvergedReason.CONVERGED_ITS, 1)
    assert line["true_residual"] <= line["tolerance"]
    assert solve.residual <= 1e-11


def test_gamg_is_updated_to_other_values_in_the_same_matrix(program, monkeypatch):
    monkeypatch.setenv("METASOLVE_REUSE", "off")
    solve, A = program(GAMG), convection_diffusion(40, 5.0)
    solve(A)
    A.scale(2.0)
    assert solve(A)["preconditioner"] == "updated"
    assert solve.residual <= 1e-8


@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_agree(ranks, host, constant_model, run_with):
    model = constant_model(**GAMG)
    done, lines = run_with(model, [*host("time_steps"), *STEPS], ranks)
    assert done.returncode == 0, done.stderr
    words = [line["preconditioner"] for line in lines if line["source"] == "model"]
    assert words[0] == "built"
    assert set(words) <= {"built", "updated", "kept", "rebuilt"}
    assert "kept" in words
    for line in lines:
        assert line["true_residual"] <= line["tolerance"]


@pytest.mark.parametrize("ranks", [1, 2])
def test_off_means_never(ranks, host, constant_model, run_with):
    model = constant_model(**GAMG)
    command = [*host("time_steps"), *STEPS]
    done, lines = run_with(model, command, ranks, env={"METASOLVE_REUSE": "off"})
    assert done.returncode == 0, done.stderr
    words = [line["preconditioner"] for line in lines if line["source"] == "model"]
    assert words[0] == "built"
    assert set(words) <= {"built", "updated"}
