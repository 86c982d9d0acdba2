"""The site's workload: the same systems for the same seed, each with the properties of its kind."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse.linalg

pytest.importorskip("petsc4py")
pytest.importorskip("skfem")

from metasolve.family import Family

CASE = Path(__file__).resolve().parent.parent / "problems" / "mixed" / "case.toml"
KINDS = ["poisson2d", "poisson3d", "anisotropic", "channels", "lognormal"]
KINDS += ["elasticity2d", "elasticity3d", "transport2d", "transport3d"]


@pytest.fixture(scope="module")
def family():
    return Family.from_toml(CASE)


@pytest.fixture(scope="module")
def problem(family):
    return SimpleNamespace(**family.system.__globals__)


@pytest.mark.parametrize("kind", KINDS)
def test_only_transport_is_not_symmetric_positive_definite(problem, kind):
    A, b = problem.KINDS[kind](np.random.default_rng(3), 400)
    asymmetry = abs(A - A.T).max() / abs(A).max()
    assert A.shape == (len(b), len(b))
    assert np.abs(b).max() > 0
    if kind.startswith("transport"):
        assert asymmetry > 1e-6
        assert (A.sum(axis=1) > -1e-8).all()  # an M-matrix: upwind
    else:
        assert asymmetry < 1e-12
        assert scipy.sparse.linalg.eigsh(A, k=1, sigma=0, return_eigenvectors=False)[0] > 0


def test_every_kind_is_in_the_workload_as_often(family, problem):
    assert sorted(problem.KINDS) == sorted(KINDS)
    drawn = [each.payload.arguments["kind"] for each in family.instances(36, seed=4)]
    assert {drawn.count(kind) for kind in KINDS} == {4}


def test_a_constant_conductivity_gives_the_five_point_laplacian(problem):
    A = problem.stencil(np.ones((4, 5)))
    inner = A[7].toarray().ravel()
    assert inner[7] == 4.0
    assert sorted(inner[inner < 0]) == [-1.0] * 4


def test_the_angle_of_a_rotated_conductivity_turns_with_the_axes(problem):
    along, across = (problem.rotated(6, 0.01, angle) for angle in (0.0, np.pi / 2))
    swap = np.arange(36).reshape(6, 6).T.ravel()
    assert abs(along[swap][:, swap] - across).max() < 1e-12


def test_sizes_are_those_asked_for_and_small_ones_are_common(problem):
    sizes = [len(problem.system("poisson2d", number)[1]) for number in range(60)]
    assert 900 <= min(sizes) <= np.median(sizes) <= 12_000
    assert 20_000 <= max(sizes) <= 105_000


def test_the_application_solves_the_same_systems_for_the_same_seed(run_program, venv_python):
    def lines(seed):
        words = ["-m", "metasolve.family", CASE, "--seed", seed, "--count", "9"]
        done = run_program([venv_python, *words, "-ksp_type", "bcgs"])
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    first = lines("1")
    assert len(first) == 9
    assert sum("reason 2" in line for line in first) >= 7
    assert first == lines("1")
    assert first != lines("2")
