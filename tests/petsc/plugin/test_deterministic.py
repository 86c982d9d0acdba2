"""Counted work in place of clocks: equal runs have equal journals and answers under any load."""

import subprocess
import sys
from pathlib import Path

import pytest

from metasolve.files.shipped import shipped

from ..conftest import needs_factorisations, needs_hypre
from ..prior_writer import write_prior

PROGRAM = Path(__file__).with_name("repeated_program.py")
KINDS = "wind,flat,plain"
OF_CLOCKS = ("time", "run", "wall")


@pytest.fixture
def busy():
    """Two processes that compute beside what is run."""
    beside = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    yield
    for each in beside:
        each.kill()
        each.wait()


@pytest.fixture
def repeat(run_with):
    """`repeat(solves, ranks)`: what the program says of its answers, and the journal's lines."""

    def once(solves, ranks=1, kinds=KINDS, options="", **env):
        command = [sys.executable, str(PROGRAM), kinds, str(solves)]
        done, lines = run_with(shipped(), command, ranks, options=options, env=env)
        assert done.returncode == 0, done.stderr
        assert len(lines) == solves
        return done.stdout, lines

    return once


def timeless(lines):
    return [{key: line[key] for key in line if key not in OF_CLOCKS} for line in lines]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("runs", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_equal_runs_are_equal_to_the_last_bit(repeat, busy, runs, ranks):
    said, first = repeat(60, ranks)
    assert {line["source"] for line in first} >= {"model", "refused"}  # decisions are made in it
    for _ in range(runs - 1):
        again, lines = repeat(60, ranks)
        assert again == said
        assert timeless(lines) == timeless(first)


def test_a_sample_is_the_same_in_each_run(repeat):
    drawn = [[line["canary"] for line in repeat(80, METASOLVE_CANARY="0.9")[1]] for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) > 1


@needs_hypre
def test_work_is_counted_of_what_petsc_does_not_count(repeat):
    """Nothing takes no time: neither a set-up nor a solve of a library."""
    options = "-plain_ksp_type cg -plain_pc_type hypre"
    _, lines = repeat(4, kinds="plain", options=options, METASOLVE_ADVISE="1")
    for line in lines:
        assert line["own_taken"] > line["iterations"] * line["rows"] * 1e-8


def test_the_state_stays_as_it_is(repeat, tmp_path):
    state = tmp_path / "app.state"
    repeat(12, METASOLVE_STATE=str(state), METASOLVE_DETERMINISTIC="1")
    assert not state.exists()


@pytest.mark.timed
@needs_factorisations
@pytest.mark.parametrize("ranks", [1, 2])
def test_no_candidate_factorises_on_several_ranks(repeat, run_with, tmp_path, feature_names, ranks):
    """Libraries that do so in parallel add up in the order in which messages come."""
    leaf = {"gmres+ilu0": 9.0, "lu+mumps": 5.0, "gmres+jacobi": 7.0}
    prior = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    command = [sys.executable, str(PROGRAM), "plain", "1"]
    advised = {"METASOLVE_ADVISE": "1"}
    direct = "-plain_ksp_type preonly -plain_pc_type lu -plain_pc_factor_mat_solver_type umfpack"
    direct = direct.replace("umfpack", "superlu_dist") if ranks > 1 else direct
    told = [
        run_with(prior, command, ranks, direct, advised, clock=clock)[1][0]["candidate"]
        for clock in (True, False)
    ]
    assert told == ["lu+mumps", "lu+mumps" if ranks == 1 else "gmres+jacobi"]


def test_a_model_of_a_factorisation_is_left_alone_on_several_ranks(
    constant_model, run_with, tmp_path
):
    model = constant_model(ksp_type="gmres", pc_type="lu", pc_factor_mat_solver_type="mumps")
    command = [sys.executable, str(PROGRAM), "plain", "3"]
    _, lines = run_with(model, command, 2)
    assert {line["why"] for line in lines} == {
        "the settings may give another answer in each run on several ranks"
    }
