"""A KSP for each solve: preconditioners outlive their KSP, and hold nothing of the program's."""

import re
import sys
from pathlib import Path

import pytest

from metasolve.petsc.recording import Recording

from ..conftest import PETSc

LU = {"ksp_type": "richardson", "pc_type": "lu"}
CHOLESKY = {"ksp_type": "richardson", "pc_type": "cholesky"}
GAMG = {"ksp_type": "cg", "pc_type": "gamg"}
BLOCKS = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "lu"}
OVERLAP = {"ksp_type": "gmres", "pc_type": "asm", "sub_pc_type": "lu"}

SEVERAL = {"gamg": GAMG, "blocks": BLOCKS, "overlap": OVERLAP}
ANY = {
    **SEVERAL,
    "lu": LU,
    "cholesky": CHOLESKY,
    "ilu": {"ksp_type": "gmres", "pc_type": "ilu", "pc_factor_levels": "6"},
    "icc": {"ksp_type": "cg", "pc_type": "icc", "pc_factor_levels": "6"},
}
if PETSc.Sys.hasExternalPackage("hypre"):
    ANY["hypre"] = SEVERAL["hypre"] = {"ksp_type": "cg", "pc_type": "hypre"}
if PETSc.Sys.hasExternalPackage("mumps"):
    ANY["mumps"] = SEVERAL["mumps"] = {**LU, "pc_factor_mat_solver_type": "mumps"}
for package in ("cholmod", "klu"):
    if PETSc.Sys.hasExternalPackage("suitesparse"):
        kind = CHOLESKY if package == "cholmod" else LU
        ANY[package] = {**kind, "pc_factor_mat_solver_type": package}
EACH = [(name, 1) for name in ANY] + [(name, 2) for name in SEVERAL]
HOSTS = Path(__file__).parents[2] / "hosts"
STEPS = ["-n", "60", "-steps", "6", "-drift", "1e-4"]


@pytest.fixture
def run(host, constant_model, run_with):
    """`run(settings, *options)`: the lines of its solves; nothing is held, answers are right."""

    def call(settings, *options, ranks=1, env=None, program=None, clock=False):
        command = program or [*host("many_ksps"), *STEPS, *options]
        done, lines = run_with(constant_model(**settings), command, ranks, env=env, clock=clock)
        assert done.returncode == 0, done.stderr
        assert "held" not in done.stdout
        assert "ERROR" not in done.stderr
        residuals = [float(each) for each in re.findall(r"residual (\S+)", done.stdout)]
        assert len(residuals) == 6
        assert max(residuals) < 1e-7
        for line in lines:
            if line["source"] == "model":
                assert line["true_residual"] <= line["tolerance"]
        return lines

    return call


def words(lines):
    return [line["preconditioner"] for line in lines]


@pytest.mark.timed
@pytest.mark.parametrize(("name", "ranks"), EACH)
def test_the_next_ksp_has_the_preconditioner_of_the_last(run, name, ranks):
    assert "kept" in words(run(ANY[name], ranks=ranks, clock=True))


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("way", ["-reset", "-comm", "-dm", "-two", "-same", "-same -still"])
def test_however_the_program_makes_and_destroys(run, way, ranks):
    lines = run(GAMG, *way.split(), ranks=ranks)
    solved = {
        (line["preconditioner"], line["moved"] is not None)
        for line in lines
        if line["source"] == "model"
    }
    assert ("kept", True) in solved or way == "-same -still"
    if way == "-same -still":
        assert words(lines) == ["built", "", "", "", "", ""]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("way", ["-sizes", "-others"])
def test_what_is_solved_in_turn_has_a_preconditioner_each(run, way, ranks):
    """Another size, or quite another operator, is built, and leaves the first one where it is."""
    told = words(run(GAMG, way, ranks=ranks))
    assert told[:2] == ["built", "built"]
    assert "built" not in told[2:]
    assert "kept" in told[2:]


def test_a_program_without_an_end(run):
    assert "kept" in words(run(GAMG, "-leave"))


def test_off_means_never(run):
    assert set(words(run(GAMG, env={"METASOLVE_REUSE": "off"}))) == {"built"}


@pytest.mark.timed
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("how", ["destroy", "forget"])
def test_from_python_whether_it_destroys_them_or_not(run, how, ranks):
    """petsc4py 3.18 destroys no KSP that is only deleted."""
    program = [sys.executable, str(HOSTS / "forgotten_ksps.py"), how]
    assert "kept" in words(run(GAMG, program=program, ranks=ranks))


@pytest.mark.timed
def test_one_that_solves_on_keeps_what_it_has(run):
    """Two at a time, that go on: each has its own after the first step."""
    lines = run(GAMG, "-two", "-one")
    assert words(lines).count("built") <= 3


@pytest.mark.parametrize(
    "settings", [GAMG, {**BLOCKS, "pc_bjacobi_blocks": "3"}], ids=["gamg", "blocks"]
)
def test_what_one_rank_cannot_let_go_none_does(run, settings):
    """Three blocks on two ranks: two are one rank's. The first KSP solves on with what it has."""
    program = [sys.executable, str(HOSTS / "lent_ksps.py"), "again"]
    lines = run(settings, program=program, ranks=2)
    assert {line["source"] for line in lines} == {"model"}


def test_what_is_gathered_needs_nothing_of_the_ksp_before(run, tmp_path):
    """Its systems are written by the one that solves, the other is destroyed."""
    for folder in ("operators", "vectors"):
        (tmp_path / "slow" / folder).mkdir(parents=True)
    env = {
        "METASOLVE_KEEP_SLOW": str(tmp_path / "slow"),
        "METASOLVE_EARLIER": "off",  # or they are slow no more
        "MALLOC_PERTURB_": "165",
    }
    run(
        {"ksp_type": "gmres", "pc_type": "ilu", "seconds": 0.03},
        program=[sys.executable, str(HOSTS / "lent_ksps.py"), "destroy"],
        env=env,
    )
    assert len(Recording(tmp_path / "slow").solves) > 1
