"""Laws of corrections: Galerkin, least squares, reduced Galerkin, empirical interpolation."""

import numpy as np
import pytest
import scipy.sparse as sp

from metasolve.errors import UsageError
from metasolve.guess import (
    EmpiricalInterpolation,
    Galerkin,
    Identity,
    LeastSquares,
    Pod,
    Projected,
    ReducedGalerkin,
    Sine,
)


def energy(A, e):
    return e @ (A @ e)


def test_galerkin_minimises_the_energy_norm_over_the_moves(diffusion, rng):
    A, b = diffusion(rng.uniform(1, 5, 31)), rng.standard_normal(30)
    x = np.linalg.solve(A.toarray(), b)
    codec = Sine((30,), 8)
    predicted = rng.standard_normal(8)
    z = Galerkin(codec, 5)(A, b, predicted)
    np.testing.assert_array_equal(z[5:], predicted[5:])
    least = energy(A, x - codec.decode(z))
    for _ in range(20):
        move = np.append(0.1 * rng.standard_normal(5), np.zeros(3))
        assert least <= energy(A, x - codec.decode(z + move))


def test_galerkin_in_the_whole_space_solves(diffusion, rng):
    A, b = diffusion(rng.uniform(1, 5, 13)), rng.standard_normal(12)
    z = Galerkin(Identity(12))(A, b, np.zeros(12))
    np.testing.assert_allclose(A @ z, b, atol=1e-9)


def test_projection_is_least_squares_over_the_solutions_of_one_operator(rng):
    """And exact for any combination of the right-hand sides seen."""
    A = sp.csr_matrix(rng.standard_normal((20, 20)))
    rights = rng.standard_normal((6, 20))
    solutions = np.linalg.solve(A.toarray(), rights.T).T
    projected = Projected(solutions, rights, 9)
    assert projected.modes == 6
    b = rng.standard_normal(20)
    z = projected(A, b, np.zeros(6))
    best = np.linalg.lstsq(A @ solutions.T, b, rcond=None)[0]
    np.testing.assert_allclose(projected.basis @ z, solutions.T @ best, rtol=1e-8)
    b = rng.standard_normal(6) @ rights
    x = projected.basis @ projected(A, b, np.zeros(6))
    np.testing.assert_allclose(A @ x, b, atol=1e-9)


def test_least_squares_minimises_the_residual_whatever_the_matrix(rng):
    A = sp.csr_matrix(rng.standard_normal((20, 20)))
    b, codec = rng.standard_normal(20), Sine((20,), 6)
    z = LeastSquares(codec)(A, b, rng.standard_normal(6))
    least = np.linalg.norm(b - A @ codec.decode(z))
    for _ in range(20):
        moved = codec.decode(z + 0.1 * rng.standard_normal(6))
        assert least <= np.linalg.norm(b - A @ moved)


def test_a_singular_small_system_leaves_the_prediction_alone():
    z = np.array([1.0, 2.0])
    A = sp.csr_matrix((2, 2))
    np.testing.assert_array_equal(Galerkin(Identity(2))(A, np.ones(2), z), z)
    np.testing.assert_array_equal(z, [1.0, 2.0])


def test_interpolation_is_exact_in_the_span_and_reads_few_entries(rng):
    snapshots = rng.standard_normal((10, 3)) @ rng.standard_normal((3, 50))
    found = EmpiricalInterpolation.fit(snapshots, 8)
    assert len(found.entries) == len(set(found.entries)) == 3
    v = snapshots.T @ rng.standard_normal(10)
    np.testing.assert_allclose(found(v) @ found.modes, v, atol=1e-9)
    unread = v.copy()
    unread[np.setdiff1d(np.arange(50), found.entries)] = np.nan
    np.testing.assert_array_equal(found(unread), found(v))


def test_reduced_galerkin_is_galerkin_where_the_family_is_affine(affine_family):
    _, matrices, rights, solutions = affine_family
    pod = Pod.fit(solutions[:15], 4)
    reduced = ReducedGalerkin(pod, matrices[:15], rights[:15])
    for A, b in zip(matrices[15:], rights[15:], strict=True):
        exact = Galerkin(pod)(A, b, np.zeros(4))
        np.testing.assert_allclose(reduced(A, b, np.zeros(4)), exact, rtol=1e-6)


def test_a_matrix_of_another_family_is_left_alone(affine_family):
    _, matrices, rights, solutions = affine_family
    pod = Pod.fit(solutions, 4)
    reduced = ReducedGalerkin(pod, matrices, rights)
    z = np.arange(4.0)
    np.testing.assert_array_equal(reduced(sp.eye(40, format="csr"), rights[0], z), z)


def test_matrices_with_different_patterns_are_refused(affine_family):
    _, matrices, rights, solutions = affine_family
    with pytest.raises(UsageError, match="patterns"):
        ReducedGalerkin(Pod.fit(solutions, 4), [matrices[0], sp.eye(40, format="csr")], rights[:2])
