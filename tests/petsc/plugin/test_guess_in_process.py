"""A learned guess for a KSP that is held: operators and right-hand sides one after another."""

import numpy as np
import pytest
import scipy.sparse as sp
from petsc4py import PETSc
from scipy.sparse.linalg import spsolve

from metasolve import accelerate
from metasolve.guess import Pod, ReducedGalerkin
from metasolve.guess.guess_file import guess_bytes

from ..conftest import convection_diffusion, random_vector, write_policy


@pytest.fixture
def holding(tmp_path, plugin_library):
    """`holding(modes)`: a KSP and a guess for upwind systems of one right-hand side."""

    def make(modes, **more):
        return _holding(tmp_path / "held", modes, **more)

    return make


@pytest.fixture
def held(holding):
    return holding(5)


def _holding(folder, modes, **more):
    matrices = [convection_diffusion(12, peclet) for peclet in (1.0, 5.0, 20.0, 60.0, 100.0)]
    sparse = [sp.csr_matrix(A.getValuesCSR()[::-1], shape=A.getSize()) for A in matrices]
    b = random_vector(matrices[0])
    right = np.array([b.getArray()] * 5)
    pod = Pod.fit([spsolve(A.tocsc(), b.getArray()) for A in sparse], modes)
    model = write_policy(folder, {"ksp_type": "gmres", "pc_type": "jacobi"})
    data = guess_bytes(ReducedGalerkin(pod, sparse, right), sparse[0], **more)
    (model / "guess.bin").write_bytes(data)
    ksp = PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setType("gmres")
    ksp.setTolerances(rtol=1e-8)
    return ksp, accelerate(ksp, model), b


def as_sparse(A):
    return sp.csr_matrix(A.getValuesCSR()[::-1], shape=A.getSize())


def solved(ksp, A, b):
    x = A.createVecRight()
    ksp.solve(b, x)
    return (b - A * x).norm() / b.norm()


def test_no_solver_of_an_earlier_operator_is_used_after_a_guess_that_was_the_answer(held):
    ksp, handle, b = held
    ksp.setOperators(convection_diffusion(12, 7.0))
    assert solved(ksp, ksp.getOperators()[0], b) <= 1e-8
    assert handle.last["settings"]["pc_type"] == "jacobi"
    A = convection_diffusion(12, 60.0)
    ksp.setOperators(A)
    assert solved(ksp, A, b) <= 1e-8
    assert (handle.last["iterations"], handle.last["guess"] < 1e-8) == (0, True)
    other = random_vector(A, 1)
    assert solved(ksp, A, other) <= 1e-8
    assert handle.last["source"] == "model", handle.last
    assert handle.last["settings"]["pc_type"] == "jacobi"


def test_settings_of_its_own_are_set_up_once_for_an_operator(holding):
    ksp, handle, b = holding(2, options={"ksp_type": "gmres", "pc_type": "sor"}, expected=1.0)
    seen = []
    for peclet in (7.0, 7.0, 9.0):
        if not seen or peclet == 9.0:
            A = convection_diffusion(12, peclet)
            ksp.setOperators(A)
        assert solved(ksp, A, b) <= 1e-8
        assert handle.last["guess"] > 1e-8
        seen.append((handle.last["new_operator"], handle.last["settings"]["pc_type"]))
    assert seen == [(True, "sor"), (False, "sor"), (True, "sor")]


def test_a_guess_that_was_none_three_times_is_given_a_rest(held):
    ksp, handle, b = held
    other, A = convection_diffusion(13, 60.0), convection_diffusion(12, 60.0)  # of one class
    for operator in (other, other, other, A):
        ksp.reset()
        ksp.setOperators(operator)
        solved(ksp, operator, b if operator is A else random_vector(operator))
        assert handle.last["guess"] is None
    for _ in range(7):
        solved(ksp, A, b)
    solved(ksp, A, b)
    assert handle.last["guess"] < 1e-8


@pytest.fixture
def scaled():
    """Systems whose rows differ in size: preconditioned and true residual norm are apart.

    They do not differ so much that answers would be judged row by row.
    """
    scale = 10.0 ** np.random.default_rng(3).uniform(0, 1.2, 144)

    def make(peclet):
        A = convection_diffusion(12, peclet)
        b = random_vector(A)
        factors = b.duplicate()
        factors.setArray(scale)
        A.diagonalScale(factors, None)
        b.pointwiseMult(b, factors)
        return A, b

    return make


@pytest.mark.parametrize("method", ["gmres", "bcgs", "richardson"])
def test_the_programs_own_solve_goes_on_until_the_true_residual_is_met(
    scaled, method, tmp_path, plugin_library
):
    """In one go, and not much further: its own norm is content long before."""
    known = [scaled(peclet) for peclet in (1.0, 5.0, 20.0)]
    sparse = [as_sparse(A) for A, _ in known]
    right = np.array([b.getArray() for _, b in known])
    pod = Pod.fit([spsolve(A.tocsc(), b) for A, b in zip(sparse, right, strict=True)], 2)
    reduced = ReducedGalerkin(pod, sparse, right)
    data = guess_bytes(reduced, sparse[0], alone=True)
    model = write_policy(tmp_path / "held", {"pc_type": "spai"})
    (model / "guess.bin").write_bytes(data)
    A, b = scaled(3.0)
    counts, target = [], 1e-5 * b.norm()
    start = reduced.basis @ reduced(as_sparse(A), b.getArray(), np.zeros(reduced.modes))
    for accelerated in (True, False):
        ksp, x = PETSc.KSP().create(PETSc.COMM_SELF), A.createVecRight()
        ksp.setOperators(A)
        ksp.setType(method)
        ksp.getPC().setType("jacobi")
        ksp.setTolerances(rtol=1e-5, max_it=2000)
        if accelerated:
            handle = accelerate(ksp, model)
        else:
            x.setArray(start)
            ksp.setInitialGuessNonzero(True)
            ksp.setConvergenceTest(lambda ksp, *_: int(ksp.buildResidual().norm() <= target))
        ksp.solve(b, x)
        counts.append(ksp.getIterationNumber())
        assert (b - A * x).norm() <= target
    assert (handle.last["source"], handle.last["settings"]) == ("model", {})
    assert handle.last["guess"] > 1e-5
    assert counts[1] <= counts[0] <= 1.1 * counts[1] + 2
