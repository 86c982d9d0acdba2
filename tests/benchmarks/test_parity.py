"""Parity: errors against a refined solution, and what a tolerance stands for."""

import numpy as np
import pytest
import scipy.sparse as sp

from metasolve.errors import UsageError
from metasolve.petsc.contract import Measure

parity = pytest.importorskip("benchmarks.parity")


def laplacian(n=40):
    A = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], (n, n)).tocsr()
    return A, np.sin(np.arange(1.0, n + 1))


def test_the_reference_is_the_solution_to_rounding():
    A, _ = laplacian()
    x = np.arange(1.0, 41)
    assert parity.Reference.of(A, A @ x).error(x) < 1e-14


@pytest.mark.parametrize("measure", list(Measure))
def test_ten_times_the_tolerance_stands_for_ten_times_the_error(measure):
    A, b = laplacian()
    reference = parity.Reference.of(A, b)
    small, large = (reference.stood_for(b, measure, t) for t in (1e-8, 1e-7))
    assert large / small == pytest.approx(10, rel=1e-3)


def test_a_singular_matrix_has_no_reference():
    with pytest.raises(UsageError, match="singular"):
        parity.Reference.of(sp.csr_matrix(np.zeros((3, 3))), np.ones(3))


def test_ratios_are_spread():
    told = parity.spread([1.0, 4.0])
    assert told["geometric mean"] == pytest.approx(2.0)
    assert told["worst"] == 4.0
