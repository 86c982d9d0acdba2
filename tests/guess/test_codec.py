"""Laws of codecs."""

import numpy as np
import pytest

from metasolve.errors import UsageError
from metasolve.guess import Grid, Identity, Pod, Sine, basis


def codecs():
    snapshots = np.random.default_rng(0).standard_normal((9, 35))
    return {
        "identity": Identity(35),
        "sine": Sine((5, 7)),
        "few sines": Sine((5, 7), 6),
        "pod": Pod.fit(snapshots, 4),
        "grid": Grid((2, 3), (5, 7)),
    }


@pytest.mark.parametrize("name", codecs())
def test_encoding_undoes_decoding(name, rng):
    codec = codecs()[name]
    z = rng.standard_normal((2, codec.modes))
    assert codec.decode(z).shape == (2, codec.size) == (2, 35)
    np.testing.assert_allclose(codec.encode(codec.decode(z)), z, atol=1e-12)


@pytest.mark.parametrize("name", codecs())
def test_decoding_what_was_encoded_projects_orthogonally(name, rng):
    codec = codecs()[name]
    x = rng.standard_normal(codec.size)
    projected = codec.decode(codec.encode(x))
    np.testing.assert_allclose(codec.decode(codec.encode(projected)), projected, atol=1e-12)
    np.testing.assert_allclose(basis(codec).T @ (x - projected), 0.0, atol=1e-12)


def test_the_basis_is_decoding_as_a_matrix(rng):
    codec = Sine((35,), 6)
    z = rng.standard_normal(6)
    np.testing.assert_allclose(basis(codec) @ z, codec.decode(z), atol=1e-13)
    assert basis(codec, 2).shape == (35, 2)


def test_sines_are_eigenvectors_of_the_laplacian():
    n = 15
    A = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    V = basis(Sine((n,)))
    np.testing.assert_allclose(V.T @ V, np.eye(n), atol=1e-12)
    eigenvalues = 2 - 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
    np.testing.assert_allclose(V.T @ A @ V, np.diag(eigenvalues), atol=1e-12)


def test_sines_with_small_wave_numbers_come_first():
    x = np.sin(np.pi * np.arange(1, 6) / 6)[:, None] * np.sin(np.pi * np.arange(1, 8) / 8)
    z = Sine((5, 7)).encode(x.ravel())
    np.testing.assert_allclose(z[1:], 0.0, atol=1e-12)
    assert abs(z[0]) > 1


def test_no_subspace_represents_the_snapshots_better_than_pod(rng):
    X = rng.standard_normal((30, 12)) * 0.5 ** np.arange(12)
    pod = Pod.fit(X, 3)
    error = np.sum((X - pod.decode(pod.encode(X))) ** 2)
    tail = np.linalg.svd(X, compute_uv=False)[3:]
    assert error == pytest.approx(np.sum(tail**2))
    for _ in range(20):
        other = Pod(np.linalg.qr(rng.standard_normal((12, 3)))[0])
        assert error <= np.sum((X - other.decode(other.encode(X))) ** 2)


def test_pod_keeps_no_more_modes_than_the_snapshots_span(rng):
    X = np.outer(rng.standard_normal(8), rng.standard_normal(12))
    assert Pod.fit(X, 5).modes == 1


def test_interpolation_reproduces_hat_functions():
    grid = Grid((3,), (7,))
    np.testing.assert_allclose(
        grid.decode([1.0, 0.0, 0.0]), [0.5, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0], atol=1e-13
    )


@pytest.mark.parametrize("make", [lambda: Sine((5,), 6), lambda: Grid((6,), (5,))])
def test_more_coordinates_than_unknowns_are_refused(make):
    with pytest.raises(UsageError):
        make()
