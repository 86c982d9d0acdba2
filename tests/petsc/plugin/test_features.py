"""Laws of the features: they belong to the system, not to ranks, scale or who asks."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metasolve.petsc.library import plugin

from ..conftest import PETSc, convection_diffusion, neumann, random_vector

PROGRAM = Path(__file__).with_name("features_program.py")


@pytest.fixture(autouse=True)
def built(plugin_library):
    """Nothing here can be asked without the plug-in."""


def features(A, b, rtol=1e-5, abstol=1e-50, guess=False):
    return plugin().features(A, b, rtol, abstol, guess)


def random_matrix(seed, rows=83):
    """Sparse, not symmetric, with rows of any length and missing diagonal entries."""
    rng = np.random.default_rng(seed)
    A = PETSc.Mat().createAIJ([rows, rows], nnz=rows, comm=PETSc.COMM_SELF)
    for row in range(rows):
        columns = np.unique(rng.integers(0, rows, rng.integers(1, 12))).astype(PETSc.IntType)
        A.setValues(row, columns, rng.standard_normal(len(columns)) * 10.0 ** rng.integers(-3, 3))
        if rng.random() < 0.9:
            A.setValue(row, row, rng.standard_normal())
    A.assemble()
    return A


def write(folder, name, thing):
    viewer = PETSc.Viewer().createBinary(str(folder / name), "w", comm=PETSc.COMM_SELF)
    thing.view(viewer)
    viewer.destroy()
    return str(folder / name)


def test_two_ranks_see_what_one_sees(tmp_path, run_program):
    systems = [convection_diffusion(20, 50.0), neumann(), random_matrix(1), random_matrix(2, 2001)]
    words = []
    for index, A in enumerate(systems):
        words += [write(tmp_path, f"{index}.A", A)]
        words += [write(tmp_path, f"{index}.b", random_vector(A, index))]
    alone, together = (
        run_program([sys.executable, PROGRAM, *words], ranks=size) for size in (1, 2)
    )
    assert alone.returncode == together.returncode == 0, alone.stderr + together.stderr
    pairs = zip(alone.stdout.splitlines(), together.stdout.splitlines(), strict=True)
    seen = [tuple(map(json.loads, pair)) for pair in pairs]
    assert len(seen) == len(systems)
    for one, two in seen:
        assert (one.pop("log_ranks"), two.pop("log_ranks")) == (0, 1)
        assert two == pytest.approx(one, rel=1e-12, abs=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 999), power=st.integers(-20, 20))
def test_units_do_not_matter(seed, power):
    """A x = b and cA x = cb are one problem: powers of two scale without rounding."""
    A = random_matrix(seed)
    b = random_vector(A, seed)
    before = features(A, b)
    A.scale(2.0**power)
    b.scale(2.0**power)
    assert features(A, b) == pytest.approx(before, rel=1e-12, abs=1e-12)


@given(st.integers(0, 999))
@settings(max_examples=20)
def test_every_feature_is_a_number(seed):
    A = random_matrix(seed, rows=1 + seed % 40)
    values = features(A, random_vector(A, seed))
    assert tuple(values) == plugin().names
    assert np.isfinite(list(values.values())).all()


@pytest.mark.parametrize("A", [convection_diffusion(20, 0.0), neumann()], ids=["spd", "neumann"])
def test_symmetric_is_seen(A):
    values = features(A, random_vector(A))
    assert values["log_asymmetry"] == -12
    assert values["asymmetry"] == 0


def test_not_symmetric_is_seen():
    asymmetry = [
        features(A, random_vector(A))["asymmetry"]
        for A in (convection_diffusion(20, peclet) for peclet in (0.0, 1.0, 10.0, 100.0))
    ]
    assert asymmetry == sorted(asymmetry)
    assert asymmetry[1] > 0


def test_what_is_counted_is_what_is_there():
    A = convection_diffusion(20, 0.0)
    values = features(A, random_vector(A), rtol=1e-7, guess=True)
    lengths = np.diff(A.getValuesCSR()[0])
    assert values["log_rows"] == pytest.approx(np.log10(400))
    assert values["nonzeros_per_row"] == pytest.approx(lengths.mean())
    assert values["row_length_spread"] == pytest.approx(lengths.max() / lengths.mean())
    assert values["log_tolerance"] == pytest.approx(-7)
    assert values["initial_guess"] == 1
    assert values["negative_diagonal"] == 0
    assert values["positive_weight"] == 0
    assert values["dominant_rows"] == 1
    assert values["diagonal_range"] == 0
    assert values["gershgorin"] == pytest.approx(np.log10(2))
    assert values["change"] == 0


def from_dense(dense):
    A = PETSc.Mat().createDense(dense.shape, array=dense, comm=PETSc.COMM_SELF)
    return A.convert("aij")


def test_fill_is_what_an_incomplete_factorisation_drops():
    """None from a triangle or a line, where ILU(0) is exact; else as much as its error."""
    dense = convection_diffusion(12, 20.0)[:, :]
    lower, upper = np.tril(dense, -1), np.triu(dense)
    line = np.tril(np.triu(dense, -1), 1)
    shares = (1e-4, 1e-3, 1e-2)
    drops = [
        features(A, random_vector(A))["fill"]
        for A in map(
            from_dense, (upper, upper.T, line, *(share * lower + upper for share in shares))
        )
    ]
    assert drops[:3] == [-12, -12, -12]
    assert np.diff(drops[3:]) == pytest.approx(np.diff(np.log10(shares)))


def test_an_absolute_tolerance_counts_relative_to_the_right_hand_side():
    A = convection_diffusion(6)
    b = random_vector(A)
    found = features(A, b, rtol=1e-9, abstol=1e-3)["log_tolerance"]
    assert found == pytest.approx(np.log10(1e-3 / b.norm()))


def test_the_right_hand_side_is_described():
    A = convection_diffusion(20)
    b = A.createVecLeft()
    b.set(3.0)
    flat = features(A, b)
    assert flat["rhs_peak"] == pytest.approx(0, abs=1e-12)
    assert flat["rhs_spread"] == pytest.approx(1)
    assert flat["rhs_nonzero"] == 1
    assert flat["rhs_roughness"] == 0
    b.set(0.0)
    b.setValue(17, -2.0)
    b.assemble()
    point = features(A, b)
    assert point["rhs_peak"] == pytest.approx(np.log10(20))
    assert point["rhs_spread"] == pytest.approx(1 / 20)
    assert point["rhs_nonzero"] == pytest.approx(1 / 400)
    assert point["rhs_roughness"] == pytest.approx(1)
