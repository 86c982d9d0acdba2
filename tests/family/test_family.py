"""Families: read by path, the same instances for the same seed, systems that are what they say."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse.linalg

from metasolve.errors import UsageError
from metasolve.family import Family
from metasolve.family.family import is_family
from metasolve.program.case_file import read_case

PROBLEMS = Path(__file__).resolve().parents[2] / "problems"
CASES = sorted(path for path in PROBLEMS.glob("*/*.toml") if is_family(path))
CASES.remove(PROBLEMS / "mixed" / "case.toml")  # tests/test_mixed.py: not all are symmetric
SMALL = dict.fromkeys(["lognormal_diffusion", "lognormal_boomeramg", "poisson2d"], "small")
SMALL |= dict.fromkeys(["elasticity3d_beam", "elasticity3d_boomeramg"], "small")

CASE = """
problem = "problem.py"
tolerances = [1e-4]
[sizes]
default = { n = 5 }
[[vary]]
name = "shift"
type = "real"
low = 1.0
high = 100.0
scale = "log"
[options]
ksp_type = "cg"
"""
PROBLEM = """
import numpy as np
import scipy.sparse as sp

def system(n, shift):
    return sp.eye(n, format="csr") * shift, np.ones(n)
"""


def written(folder, case=CASE, problem=PROBLEM):
    (folder / "case.toml").write_text(case)
    (folder / "problem.py").write_text(problem)
    return folder


def named(paths):
    return pytest.mark.parametrize(
        "path", paths, ids=lambda path: f"{path.parent.name}/{path.stem}"
    )


@named(CASES)
def test_a_family_is_read_and_its_systems_are_positive_definite(path):
    family = Family.from_toml(path)
    if family.name.startswith(("elasticity", "biharmonic", "poisson2d")):
        pytest.importorskip("skfem")
    first, second = family.instances(2, seed=0, size=SMALL.get(family.name, "default"))
    A, b = first.payload.assemble()
    assert A.shape == (b.size, b.size)
    assert abs(A - A.T).max() <= 1e-12 * abs(A).max()
    assert A.has_sorted_indices
    least = scipy.sparse.linalg.eigsh(
        A, k=1, sigma=0.0, which="LM", return_eigenvectors=False, v0=np.ones(b.size)
    )
    assert least[0] > 0
    again = family.instances(2, seed=0, size=SMALL.get(family.name, "default"))[0]
    same, b_again = again.payload.assemble()
    assert (same != A).nnz == 0
    np.testing.assert_array_equal(b_again, b)
    other, b_other = second.payload.assemble()
    assert np.any(b_other != b) or (other != A).nnz > 0


def test_instances_depend_on_the_seed_alone(tmp_path):
    family = Family.from_toml(written(tmp_path))
    ids = [[i.id for i in family.instances(6, seed)] for seed in (1, 1, 2)]
    assert ids[0] == ids[1] != ids[2]
    assert len(set(ids[0])) == 6


def test_an_instance_has_its_tolerance_its_features_and_its_system(tmp_path):
    family = Family.from_toml(written(tmp_path))
    instance = family.instances(1, 0, rtol=1e-7)[0]
    assert instance.tolerance == instance.payload.rtol == 1e-7
    A, b = instance.payload.assemble()
    assert instance.features == {"log10(shift)": pytest.approx(np.log10(A[0, 0]))}
    assert len(b) == 5
    assert family.instances(1, 0)[0].tolerance == 1e-4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("problem.py", "other.py"), "problem='other.py'"),
        (("tolerances = [1e-4]", ""), "tolerances is missing"),
        (("[options]", "[optoins]"), "did you mean 'options'"),
        (('type = "real"', 'type = "rael"'), "did you mean 'real'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, change, said):
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        Family.from_toml(written(tmp_path, CASE.replace(*change))).instances(1, 0)


@pytest.mark.parametrize(
    ("problem", "said"),
    [("import no_such_package\n", "no_such_package"), ("def sytem(): ...\n", "no function system")],
)
def test_a_problem_that_cannot_be_used_is_named(tmp_path, problem, said):
    with pytest.raises(UsageError, match=said):
        Family.from_toml(written(tmp_path, problem=problem)).instances(1, 0)


def test_a_problem_may_import_its_neighbours(tmp_path):
    (tmp_path / "beside.py").write_text(PROBLEM)
    family = Family.from_toml(written(tmp_path, problem="from beside import system\n"))
    assert family.instances(1, 0)[0].payload.assemble()[1].size == 5


def test_an_unknown_size_is_named(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'default'"):
        Family.from_toml(written(tmp_path)).instances(1, 0, size="defualt")


def test_a_family_is_no_program(tmp_path):
    with pytest.raises(UsageError, match="benchmarks families"):
        read_case(written(tmp_path))
