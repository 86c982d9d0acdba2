"""The programs of solvers/ that know no PETSc: settings change their cost, never their answer."""

import re

import numpy as np
import pytest
import scipy.sparse.linalg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metasolve.program import namelist

SOR = "&problem\n n = 20\n anisotropy = 3.0\n reaction = 2.0\n/\n&solver\n tolerance = 1e-10\n/\n"
SLOWLY = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def total(n, along_x, along_y, reaction=0.0):
    """Sum of the solution of -along_x u_xx - along_y u_yy + reaction u = 1 on n x n points."""
    second = scipy.sparse.diags([-1.0, 2.0, -1.0], [-1, 0, 1], (n, n)) * (n + 1) ** 2
    one = scipy.sparse.identity(n)
    A = along_x * scipy.sparse.kron(one, second) + along_y * scipy.sparse.kron(second, one)
    A = (A + reaction * scipy.sparse.identity(n * n)).tocsc()
    return scipy.sparse.linalg.spsolve(A, np.ones(n * n)).sum()


def number(pattern, text):
    return float(re.search(pattern, text)[1])


SOR_MEAN = total(20, 1.0, 3.0, 2.0) / 20**2
DECK_MEAN = total(31, 2.0, 1.0) / 32**2


@SLOWLY
@given(st.floats(0.7, 1.9), st.sampled_from(["point", "line_x", "line_y"]))
def test_sor_answers_the_same_under_any_settings(
    solver_program, run_program, tmp_path, omega, sweep
):
    changed = namelist.changed(SOR, {"omega": omega, "sweep": sweep}, group="solver")
    (tmp_path / "sor.nml").write_text(changed)
    done = run_program(solver_program("sor"), cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert number(r"mean = +(\S+)", done.stdout) == pytest.approx(SOR_MEAN, rel=1e-6)


@SLOWLY
@given(
    st.sampled_from(["jacobi", "gauss_seidel", "line"]),
    st.floats(0.5, 0.9),
    st.integers(1, 3),
    st.sampled_from("vw"),
)
def test_multigrid_answers_the_same_under_any_settings(
    solver_program, run_program, tmp_path, smoother, damping, sweeps, cycle
):
    deck = f"cells 32\nstrength 2\nsmoother {smoother}\ndamping {damping}\nsweeps {sweeps}\n"
    (tmp_path / "deck").write_text(f"{deck}cycle {cycle}  # and a comment\n\n")
    done = run_program([*solver_program("multigrid"), "deck"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert number(r"mean (\S+)", done.stdout) == pytest.approx(DECK_MEAN, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("sor", ["absent.nml"], 2),
        ("multigrid", ["absent.deck"], 2),
        ("multigrid", [], 2),
        ("channel", ["absent.deck"], 2),
    ],
)
def test_they_say_what_is_wrong(solver_program, run_program, tmp_path, name, arguments, code):
    done = run_program([*solver_program(name), *arguments], cwd=tmp_path)
    assert done.returncode == code
    assert name in done.stderr
