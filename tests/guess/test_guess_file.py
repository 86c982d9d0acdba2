"""The guess that travels: what the plug-in reads is what was learned."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from metasolve.guess import Pod, Projected, ReducedGalerkin
from metasolve.guess.guess_file import guess_bytes
from metasolve.guess.pattern import pattern_hash


@st.composite
def patterns(draw):
    rows, seed = draw(st.integers(1, 12)), draw(st.integers(0, 99))
    return sp.random(rows, rows, 0.3, format="csr", random_state=seed) + sp.eye(rows, format="csr")


@given(patterns())
def test_the_hash_sees_places_and_no_values(A):
    other = sp.csr_matrix((np.zeros(A.nnz), A.indices, A.indptr), shape=A.shape)
    assert pattern_hash(other) == pattern_hash(A)


@given(patterns(), st.integers(0, 11))
def test_another_place_is_another_hash(A, column):
    dense = A.toarray()
    dense[-1, column % len(dense)] = 0.0 if dense[-1, column % len(dense)] else 1.0
    assert pattern_hash(sp.csr_matrix(dense)) != pattern_hash(A)


def test_another_ordering_is_another_hash(affine_family):
    A = affine_family[1][0]
    order = np.random.default_rng(0).permutation(A.shape[0])
    assert pattern_hash(A[order][:, order].tocsr()) != pattern_hash(A)


def test_rows_on_other_ranks_do_not_matter(affine_family):
    """It is a sum over entries, modulo 2^64."""
    A = affine_family[1][0].tocoo()
    parts = []
    for mine in (A.row % 2 == 0, A.row % 2 == 1):
        part = sp.csr_matrix((A.data[mine], (A.row[mine], A.col[mine])), shape=A.shape)
        parts.append(pattern_hash(part))
    assert sum(parts) % 2**64 == pattern_hash(A.tocsr())


def test_the_tables_make_the_guess_without_interpolation(affine_family):
    _, matrices, rights, solutions = affine_family
    reduced = ReducedGalerkin(Pod.fit(solutions[:15], 4), matrices[:15], rights[:15])
    tables = reduced.tables()
    for A, b in zip(matrices[15:], rights[15:], strict=True):
        small = np.tensordot(A.data[tables.entries], tables.operators, 1)
        z = np.linalg.solve(small, b[tables.rows] @ tables.sides)
        np.testing.assert_allclose(z, reduced(A, b, np.zeros(4)), rtol=1e-9)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("options", [{}, {"pc_type": "icc", "pc_factor_levels": "1"}])
def test_the_file_holds_what_its_head_says(affine_family, symmetric, options):
    _, matrices, rights, solutions = affine_family
    if not symmetric:
        matrices = [(A @ sp.diags_array(1.0 + rights[0] ** 2)).tocsr() for A in matrices]
    reduced = ReducedGalerkin(Pod.fit(solutions, 4), matrices, rights)
    data = guess_bytes(reduced, matrices[0], alone=not options, options=options, expected=0.25)
    head = np.frombuffer(data, "<i8", 8, 24)
    rows, nonzeros, modes, entries, rights_read, folded, alone, words = map(int, head)
    assert (rows, nonzeros, modes) == (*matrices[0].shape[:1], matrices[0].nnz, 4)
    assert (bool(folded), bool(alone)) == (symmetric, not options)
    assert np.frombuffer(data, "<f8", 1, 88) == 0.25
    small = modes * (modes + 1) // 2 if symmetric else modes**2
    numbers = 2 * entries + rights_read + entries * small + (rights_read + rows) * modes
    assert len(data) == 24 + 10 * 8 + 8 * (numbers + words)
    places = np.frombuffer(data, "<i8", 2 * entries, 104).reshape(2, -1)
    dense = matrices[0].toarray()
    seen = matrices[0].data[reduced.tables().entries]
    np.testing.assert_array_equal(dense[places[0], places[1]], seen)
    text = data[-8 * (words + rows * modes) : -8 * rows * modes].decode()
    assert dict(line.split() for line in text.splitlines() if line) == options


def test_of_one_operator_it_holds_two_bases(affine_family):
    _, matrices, _, _ = affine_family
    b = np.random.default_rng(0).standard_normal((6, 40))
    x = np.linalg.solve(matrices[0].toarray(), b.T).T
    guess = Projected(x, b, 5)
    data = guess_bytes(guess, matrices[0])
    rows, _, modes, entries, rights_read = np.frombuffer(data, "<i8", 5, 24)
    assert (entries, rights_read, modes) == (0, 0, 5)
    bases = np.frombuffer(data, "<f8", 2 * rows * modes, 104).reshape(2, modes, rows)
    np.testing.assert_array_equal(bases, [guess.basis.T, guess.tests.T])
    assert len(data) == 104 + bases.nbytes
