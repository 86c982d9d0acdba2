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


@pytest.mark.parametrize("ranks", [1, 2])
def test_monitors_of_norms_are_told_every_iteration(ranks, host, model, run_with):
    done, lines = run_with(model, host("time_steps"), ranks, options="-ksp_monitor")
    assert {line["source"] for line in lines} == {"model"}
    shown = [row.split() for row in done.stdout.splitlines() if "Residual norm" in row]
    told = [int(words[0]) for words in shown]
    assert told == [it for line in lines for it in range(line["iterations"] + 1)]
    for line, last in zip(lines, (i for i, it in enumerate(told) if it == 0), strict=True):
        first, final = (float(shown[k][-1]) for k in (last, last + line["iterations"]))
        assert final / first * (line["guess"] or 1) <= 1.001 * line["tolerance"]


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
    expected = PETSc.PC().create(PETSc.COMM_SELF)  # one for all: GAMG keeps something (PETSc 3.26)
    expected.setType(own)
    for scale in (1.0, 3.0):
        A.scale(scale)
        ksp.setOperators(A)
        solve(ksp, A, b)
        assert handle.last["source"] == "model"
        expected.setOperators(A)
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


@pytest.mark.parametrize("own", ["ilu", "lu", "asm", "gamg"])
def test_a_preconditioner_that_was_reset_is_made_anew(held, model, own):
    ksp, A, b = held
    ksp.getPC().setType(own)
    solve(ksp, A, b)
    accelerate(ksp, model)
    for what in (ksp, ksp.getPC()):
        A.scale(2.0)
        ksp.setOperators(A)
        solve(ksp, A, b)
        what.reset()
        ksp.setOperators(A)
        y = b.duplicate()
        ksp.getPC().apply(b, y)
        assert y.norm() > 0
        assert (b - A * solve(ksp, A, b)).norm() <= 1e-8 * b.norm()


def test_a_preconditioner_that_is_reused_from_now_on_is_there(held, model):
    ksp, A, b = held
    ksp.getPC().setType("ilu")
    accelerate(ksp, model)
    solve(ksp, A, b)
    ksp.getPC().setReusePreconditioner(True)
    y = b.duplicate()
    ksp.getPC().apply(b, y)
    assert y.norm() > 0


def test_an_absolute_tolerance_counts_in_its_own_norm_only(held, model):
    """Of the preconditioned residual: a system in small units would be answered by zero."""
    ksp, A, b = held
    A.scale(1e-8)
    b.scale(1e-8)
    ksp.setOperators(A)
    ksp.getPC().setType("jacobi")
    ksp.setTolerances(rtol=1e-8, atol=1e-6)
    handle = accelerate(ksp, model)
    x = solve(ksp, A, b)
    assert x.norm() > 0
    assert (b - A * x).norm() <= 1e-8 * b.norm() or handle.last["source"] != "model"
    other = PETSc.KSP().create(PETSc.COMM_SELF)
    other.setOperators(A)
    other.setType("fgmres")  # which stops on the unpreconditioned norm
    other.setTolerances(rtol=1e-8, atol=1e-6)
    accelerate(other, model)
    assert solve(other, A, b).norm() == 0


def test_what_is_no_null_space_does_not_spoil_an_answer(held, model):
    """The answer is verified after its component in the null space was taken out."""
    ksp, A, b = held
    A.setNullSpace(PETSc.NullSpace().create(constant=True, comm=A.comm))
    handle = accelerate(ksp, model)
    x = solve(ksp, A, b)
    if handle.last["source"] == "model":
        assert (b - A * x).norm() <= 1e-8 * b.norm()


def test_a_matrix_keeps_its_prefixes(held, model):
    ksp, A, b = held
    A.setOptionsPrefix("mine_")
    accelerate(ksp, model)
    solve(ksp, A, b)
    assert A.getOptionsPrefix() == "mine_"
