"""Options of a preconditioner never set up are not called unused, and ours are not shown."""

import re
import sys

import pytest

MISSPELT = "-mg_levels_ksp_max_ti 3"


@pytest.fixture
def model(constant_model):
    return constant_model(seconds=10.0, ksp_type="gmres", pc_type="jacobi")


def left(done):
    """Names that -options_left has listed."""
    assert done.returncode == 0, done.stderr
    return set(re.findall(r"^Option left: name:-(\S+)", done.stdout, re.MULTILINE))


CASES = [
    ("gamg", "-mg_levels_ksp_max_it 3 -mg_coarse_pc_type lu -mg_levels_2_ksp_max_it 1"),
    ("asm", "-sub_pc_type icc"),
    ("bjacobi", "-sub_pc_type lu -sub_pc_factor_mat_ordering_type rcm"),
    ("redundant", "-redundant_pc_type lu"),
    ("lu", "-mat_mumps_icntl_14 40 -pc_factor_mat_solver_type mumps"),
]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(("kind", "options"), CASES)
def test_options_below_a_waiting_set_up_are_not_left(
    kind, options, ranks, host, model, run_with, run_program
):
    words = f"-pc_type {kind} {options} -typing_error 1 -options_left".split()
    own = run_program([*host("levels_late"), *words], ranks=ranks)
    if own.returncode:
        pytest.skip("not in this PETSc")
    done, lines = run_with(model, [*host("levels_late"), *words], ranks)
    assert [line["source"] for line in lines] == ["model"] * 3
    assert left(done) == left(own)
    assert left(own) == {"typing_error"}


def test_options_of_other_kinds_and_prefixes_are_left(host, model, run_with):
    command = [*host("levels_late"), "-pc_type", "gamg", "-sub_pc_type", "lu"]
    command += ["-other_mg_levels_ksp_max_it", "2", "-options_left"]
    done, _ = run_with(model, command)
    assert left(done) == {"sub_pc_type", "other_mg_levels_ksp_max_it"}


def test_what_is_misspelt_is_left_once_the_set_up_was_needed(host, model, constant_model, run_with):
    """Before that nobody can tell."""
    command = [*host("levels_late"), *f"-pc_type gamg {MISSPELT} -options_left".split()]
    done, lines = run_with(model, command)
    assert (lines[0]["source"], left(done)) == ("model", set())
    done, lines = run_with(constant_model(ksp_type="richardson", pc_type="none"), command)
    assert lines[0]["source"] != "model"
    assert left(done) == {"mg_levels_ksp_max_ti"}


FORGETS = """
import sys
import petsc4py
petsc4py.init(sys.argv)
from petsc4py import PETSc
A = PETSc.Mat().createAIJ(400, nnz=1)
for i in range(400):
    A[i, i] = 4 + i % 7
A.assemble()
x, b = A.createVecs()
b.set(1)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setOptionsPrefix("mine_")
ksp.setFromOptions()
ksp.solve(b, x)
ksp.incRef()
"""


def test_a_solver_that_is_never_destroyed_counts(model, tmp_path, run_with):
    (tmp_path / "forgets.py").write_text(FORGETS)
    command = [sys.executable, str(tmp_path / "forgets.py"), "-mine_pc_type", "asm"]
    command += ["-mine_sub_pc_type", "lu", "-sub_pc_type", "lu", "-options_left"]
    done, lines = run_with(model, command)
    assert [line["source"] for line in lines] == ["model"]
    assert left(done) == {"sub_pc_type"}


@pytest.mark.parametrize("option", ["-help", "-options_monitor", "-options_view"])
def test_our_options_are_not_shown(option, host, model, run_with):
    command = [*host("levels_late"), "-pc_type", "gamg", option]
    done, lines = run_with(model, command)
    assert done.returncode == 0
    assert [line["source"] for line in lines] == ["model"] * 3
    assert "metasolve0" not in done.stdout
    assert "metasolve1" not in done.stdout
