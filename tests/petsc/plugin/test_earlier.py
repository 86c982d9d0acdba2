"""A solve starts from earlier solutions where this pays, and the answer is the contract's."""

import numpy as np
import pytest

import metasolve
from metasolve.petsc.library import plugin

from ..conftest import PETSc, convection_diffusion, random_vector, write_policy

JACOBI = {"ksp_type": "gmres", "pc_type": "jacobi", "ksp_gmres_restart": "200"}
STEPS = ["-n", "64", "-constant_steps", "12", "-changing_steps", "12"]
STARTS = {"zero", "program", "earlier"}


@pytest.fixture
def sequence(tmp_path):
    """`sequence(A)`: solve(b), which returns the log line; its x is the answer."""

    def make(A, settings=JACOBI, own=("gmres", "jacobi"), guess=False):
        ksp = PETSc.KSP().create(PETSc.COMM_SELF)
        ksp.setType(own[0])
        ksp.getPC().setType(own[1])
        ksp.setTolerances(rtol=1e-8, max_it=10000)
        ksp.setInitialGuessNonzero(guess)
        ksp.setOperators(A)
        metasolve.accelerate(ksp, write_policy(tmp_path, settings))

        def solve(b, A=None):
            if A is not None:
                ksp.setOperators(A)
            solve.x = solve.x if guess and hasattr(solve, "x") else b.duplicate()
            ksp.solve(b, solve.x)
            solve.ksp = ksp
            return plugin().last_record(ksp)

        return solve

    return make


def moment(A, t):
    """A right-hand side that moves smoothly with time."""
    n = int(np.sqrt(A.getSize()[0]))
    x, y = np.meshgrid(np.linspace(0, 1, n), np.linspace(0, 1, n))
    b = A.createVecLeft()
    b.setArray((np.exp(-20 * ((x - 0.3 - 0.3 * t) ** 2 + (y - 0.5) ** 2)) + t).ravel())
    return b


def test_smooth_right_hand_sides_start_near_their_solution(sequence):
    A = convection_diffusion(50, 5.0)
    solve, lines = sequence(A), []
    for step in range(16):
        b = moment(A, 0.01 * step)
        lines.append(solve(b))
        assert (b - A * solve.x).norm() <= 1e-8 * b.norm()
        assert solve.ksp.getConvergedReason() > 0
    ours = [line for line in lines if line["source"] == "model"]
    assert ours[0]["start"] == "zero"
    assert ours[0]["guess"] is None
    assert {line["start"] for line in ours[1:]} == {"earlier"}
    assert all(line["guess"] < 0.1 for line in ours[1:])
    assert np.mean([line["iterations"] for line in ours[-4:]]) < 0.5 * ours[0]["iterations"]


def test_what_earlier_solutions_leave_is_less_than_is_asked_for(sequence):
    """It is smooth: its error is larger than that of iterations which leave as much."""
    A = convection_diffusion(40, 0.0)
    solve = sequence(A)
    lines = [solve(moment(A, 1e-4 * step)) for step in range(12)]
    started = [line for line in lines if line["start"] == "earlier"]
    assert len(started) == 11
    assert all(line["true_residual"] <= 0.26 * line["tolerance"] for line in started)


def test_an_operator_that_moves_has_a_start_of_its_own(sequence):
    """The residual that the log tells is that of the operator that is solved with."""
    A = convection_diffusion(40, 5.0)
    solve, last = sequence(A), None
    for step in range(6):
        moved, b = A.copy(), moment(A, 0.01 * step)
        moved.shift(0.01 * step)
        line = solve(b, moved)
        if step > 1:
            assert line["start"] == "earlier"
            assert line["guess"] * b.norm() < (b - moved * last).norm()
        assert (b - moved * solve.x).norm() <= 1e-8 * b.norm()
        last = solve.x.copy()


def test_right_hand_sides_that_have_nothing_in_common_start_where_they_did(sequence):
    A = convection_diffusion(30, 5.0)
    solve = sequence(A)
    for seed in range(12):
        assert solve(random_vector(A, seed))["start"] == "zero"


def test_the_guess_of_the_program_is_only_made_better(sequence):
    A = convection_diffusion(40, 5.0)
    solve, lines, before = sequence(A, guess=True), [], None
    for step in range(8):
        b = moment(A, 0.01 * step)
        before = (b - A * solve.x).norm() if step else None
        lines.append(solve(b))
        if lines[-1]["start"] == "earlier":
            assert lines[-1]["guess"] * b.norm() < before
        assert (b - A * solve.x).norm() <= 1e-8 * b.norm()
    assert lines[0]["start"] == "program"
    assert [line["start"] for line in lines].count("earlier") >= 4
    assert solve(b)["iterations"] <= 1  # its guess is the answer: nothing is made of it


def insulated(n):
    """A Laplacian that does not see the constant vector; nobody has said so."""
    A = PETSc.Mat().createAIJ((n * n, n * n), nnz=5, comm=PETSc.COMM_SELF)
    for i in range(n * n):
        beside = {i - n, i + n, i - (i % n > 0), i + (i % n < n - 1)} - {i}
        inside = [j for j in beside if 0 <= j < n * n]
        A[i, i] = len(inside)
        for j in inside:
            A[i, j] = -1.0
    A.assemble()
    return A


def test_what_a_singular_operator_does_not_see_does_not_add_up(sequence):
    """GAMG leaves some of the constant vector in each answer."""
    n = 40
    A = insulated(n)
    solve, lines, sizes = sequence(A, {"ksp_type": "bcgs", "pc_type": "gamg"}), [], []
    for step in range(40):
        b = moment(A, 0.01 * step)
        b.shift(-b.sum() / n**2)
        lines.append(solve(b))
        sizes.append(solve.x.norm() / b.norm())
    assert [line["start"] for line in lines].count("earlier") > 10
    assert max(sizes) < 10 * max(
        x for x, line in zip(sizes, lines, strict=True) if line["start"] == "zero"
    )


@pytest.mark.parametrize("factor", [2.0, 0.5, 0.9])
def test_nor_does_it_where_the_operator_drifts_and_its_scale_changes(sequence, factor):
    """Beside what the operator makes of it, no answer is much larger than without starts."""
    n = 40
    solve, lines, sizes = sequence(insulated(n), {"ksp_type": "bcgs", "pc_type": "gamg"}), [], []
    for step in range(30):
        A, b = insulated(n), moment(insulated(n), 0.01 * step)
        A.scale(factor**step)
        b.shift(-b.sum() / n**2)
        lines.append(solve(b, A))
        sizes.append(factor**step * solve.x.norm() / b.norm())
    assert [line["start"] for line in lines].count("earlier") > 10
    # from build to build GAMG leaves more or less of the constant vector: it must not add up
    assert max(sizes) < 100 * max(
        x for x, line in zip(sizes, lines, strict=True) if line["start"] == "zero"
    )


@pytest.mark.parametrize("both", [False, True], ids=["operator", "both sides"])
@pytest.mark.parametrize("factor", [10.0, 0.1])
def test_the_scale_of_the_operator_is_none_of_the_start(sequence, factor, both):
    """Units or a material may be scaled from solve to solve: the solutions stay alike."""
    A = convection_diffusion(40, 5.0)
    solve, lines = sequence(A), []
    for step in range(12):
        scaled, b = A.copy(), moment(A, 0.01 * step)
        scaled.scale(factor**step)
        b.scale(factor**step if both else 1.0)
        lines.append(solve(b, scaled))
        assert (b - scaled * solve.x).norm() <= 1e-8 * b.norm()
    assert [line["start"] for line in lines] == ["zero"] + ["earlier"] * 11


def test_time_steps_that_grow_start_from_earlier_ones(sequence, monkeypatch):
    """dt grows a thousandfold, and iterations tenfold: it is found out again what starts save."""
    monkeypatch.setenv("METASOLVE_DETERMINISTIC", "1")
    A = convection_diffusion(40, 5.0)
    dt, x, lines = 0.1, moment(A, 0.0), []
    solve = sequence(A)
    for _ in range(11):
        moved = A.copy()
        moved.shift(1 / dt)
        lines.append(solve(moment(A, 0.0) + x / dt, moved))
        x, dt = solve.x.copy(), 2 * dt
    assert [line["start"] for line in lines].count("earlier") >= 5
    assert "earlier" in {line["start"] for line in lines[6:]}


def test_a_factorisation_needs_no_start(sequence):
    lu = {"ksp_type": "richardson", "pc_type": "lu"}
    A = convection_diffusion(30, 5.0)
    solve = sequence(A, lu)
    assert {solve(moment(A, 0.01 * step))["start"] for step in range(5)} == {"zero"}


def test_a_direct_solve_that_is_answered_by_iterations_has_one(sequence):
    A = convection_diffusion(40, 5.0)
    solve = sequence(A, own=("preonly", "lu"))
    lines = [solve(moment(A, 0.01 * step)) for step in range(8)]
    ours = [line for line in lines if line["source"] == "model"]
    assert ours[-1]["start"] == "earlier", [line["why"] for line in lines]
    assert all(line["true_residual"] <= line["tolerance"] for line in ours)


def test_a_history_of_the_program_begins_where_the_program_does(sequence):
    A = convection_diffusion(30, 5.0)
    solve = sequence(A)
    solve(moment(A, 0.0))
    solve.ksp.setConvergenceHistory(reset=True)
    for step in range(1, 5):
        b = moment(A, 0.01 * step)
        assert solve(b)["start"] == "zero"
        assert solve.ksp.getConvergenceHistory()[0] == pytest.approx(b.norm())


def test_nothing_of_the_program_is_held(sequence):
    grid = PETSc.DMDA().create([30, 30], stencil_width=1, comm=PETSc.COMM_SELF)
    A = convection_diffusion(30, 5.0)
    solve = sequence(A)
    b, solve.x = grid.createGlobalVec(), grid.createGlobalVec()
    for step in range(2):
        b.setArray(moment(A, 0.01 * step).getArray())
        line = solve(b)
    assert line["start"] == "earlier"
    held = grid.refcount
    for step in range(2, 14):
        b.setArray(moment(A, 0.01 * step).getArray())
        assert solve(b)["start"] == "earlier"
    assert grid.refcount == held


@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_agree(ranks, host, constant_model, run_with):
    command = [*host("time_steps"), *STEPS]
    done, lines = run_with(constant_model(**JACOBI), command, ranks)
    assert done.returncode == 0, done.stderr
    ours = [line for line in lines if line["source"] == "model"]
    assert "earlier" in {line["start"] for line in ours} <= STARTS
    assert all(line["true_residual"] <= line["tolerance"] for line in ours)
    off = {"METASOLVE_EARLIER": "off"}
    _, lines = run_with(constant_model(**JACOBI), command, ranks, env=off)
    assert "earlier" not in {line["start"] for line in lines}
