"""After an accelerated solve the program's KSP answers as if it had solved itself."""

import pytest
from petsc4py import PETSc

from metasolve import accelerate

from ..conftest import convection_diffusion, random_vector, write_policy


@pytest.fixture
def model(tmp_path, plugin_library):
    return write_policy(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "jacobi"})


@pytest.fixture
def held(model):
    ksp, A = PETSc.KSP().create(PETSc.COMM_SELF), convection_diffusion(12, 20.0)
    ksp.setOperators(A)
    ksp.setType("bcgs")
    ksp.getPC().setType("ilu")
    ksp.setTolerances(rtol=1e-8)
    return ksp, A, random_vector(A)


def solve(ksp, A, b):
    x = A.createVecRight()
    ksp.solve(b, x)
    return x


@pytest.mark.parametrize("reset", [True, False])
def test_history_has_the_initial_norm_and_one_entry_per_iteration(held, model, reset):
    ksp, A, b = held
    handle = accelerate(ksp, model)
    ksp.setConvergenceHistory(500, reset=reset)
    for count in (1, 2):
        x = solve(ksp, A, b)
        assert handle.last["source"] == "model"
        history, entries = ksp.getConvergenceHistory(), ksp.getIterationNumber() + 1
        assert len(history) == (entries if reset else count * entries)
        assert history[-entries] == pytest.approx(b.norm())
        assert history[-1] == pytest.approx((b - A * x).norm(), rel=1e-6)
        assert history[-1] == ksp.getResidualNorm()


def test_a_history_after_a_fallback_is_that_of_the_programs_own_solve(held, tmp_path):
    ksp, A, b = held
    ksp.setConvergenceHistory(500, reset=True)
    solve(ksp, A, b)
    own = list(ksp.getConvergenceHistory())
    bad = {"ksp_type": "richardson", "pc_type": "none", "ksp_richardson_scale": "9"}
    handle = accelerate(ksp, write_policy(tmp_path / "bad", bad))
    solve(ksp, A, b)
    assert handle.last["source"] == "fallback"
    assert list(ksp.getConvergenceHistory()) == own


def test_monitors_of_norms_are_told_every_iteration(held, model):
    """The program's own monitor is first watched during its own solve."""
    ksp, A, b = held
    seen = []
    ksp.setMonitor(lambda ksp, it, norm: seen.append((it, norm, ksp.getIterationNumber())))
    handle = accelerate(ksp, model)
    solve(ksp, A, b)
    assert "monitors" in handle.last["why"]
    seen.clear()
    solve(ksp, A, b)
    assert handle.last["source"] == "model"
    iterations = list(range(ksp.getIterationNumber() + 1))
    assert [it for it, _, _ in seen] == iterations == [its for _, _, its in seen]
    assert seen[0][1] == pytest.approx(b.norm())
    assert seen[-1][1] == ksp.getResidualNorm()


def test_monitors_that_look_at_the_solution_keep_the_programs_own_solve(held, model):
    ksp, A, b = held
    ksp.setMonitor(lambda ksp, _it, _norm: ksp.buildSolution())
    handle = accelerate(ksp, model)
    for _ in range(3):
        solve(ksp, A, b)
        assert handle.last["source"] == "refused"
        assert "monitors" in handle.last["why"]


def test_what_is_built_after_a_solve_is_of_that_solve(held, model):
    ksp, A, b = held
    handle = accelerate(ksp, model)
    x = solve(ksp, A, b)
    assert handle.last["source"] == "model"
    assert (ksp.buildSolution() - x).norm() == 0
    assert ksp.buildResidual().norm() == pytest.approx((b - A * x).norm())


@pytest.mark.parametrize("own", ["ilu", "sor", "gamg", "asm", "lu"])
def test_the_programs_preconditioner_applies_whenever_it_is_asked(held, model, own):
    """Its set-up waited for the solve, and is done when somebody needs it; for new values again."""
    ksp, A, b = held
    ksp.getPC().setType(own)
    handle = accelerate(ksp, model)
    for scale in (1.0, 3.0):
        A.scale(scale)
        ksp.setOperators(A)
        solve(ksp, A, b)
        assert handle.last["source"] == "model"
        expected = PETSc.PC().create(PETSc.COMM_SELF)
        expected.setOperators(A)
        expected.setType(own)
        wanted, got = b.duplicate(), b.duplicate()
        expected.apply(b, wanted)
        ksp.getPC().apply(b, got)
        assert (wanted - got).norm() <= 1e-12 * wanted.norm()


def test_no_norm_is_left_in_the_programs_vectors(held, model):
    """Computed data that PETSc keeps with a vector may differ between ranks that use it later."""
    ksp, A, b = held
    accelerate(ksp, model)
    before = b.stateGet()
    solve(ksp, A, b)
    assert b.stateGet() == before
