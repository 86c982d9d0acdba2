"""The programs the other tests stand on: they run, alone and on two ranks, and solve correctly."""

import math

import pytest

RANKS = pytest.mark.parametrize("size", [1, 2])


@RANKS
@pytest.mark.parametrize(
    ("name", "arguments", "count"),
    [
        ("hard_coded", [], 2),
        ("two_ksps", [], 4),
        ("neumann", [], 2),
        ("neumann", ["-vector_nullspace"], 2),
        ("time_steps", [], 7),
        ("time_steps", ["-set_operators", "once"], 7),
        ("nan_rhs", [], 3),
        ("elasticity", [], 1),
        ("fortran_host", [], 2),
        ("petsc4py_host", [], 2),
        ("petsc4py_host", ["-leak"], 2),
    ],
)
def test_hosts_solve(host, run_program, parse_solves, name, arguments, count, size):
    done = run_program([*host(name), *arguments], ranks=size)
    assert done.returncode == 0, done.stderr
    found = parse_solves(done.stdout)
    assert [solve.index for solve in found] == list(range(count))
    assert all(solve.reason > 0 and solve.residual < 1e-2 for solve in found)


@RANKS
@pytest.mark.parametrize("middle", ["nan", "inf"])
def test_a_bad_right_hand_side_fails_alone(host, run_program, parse_solves, middle, size):
    done = run_program([*host("nan_rhs"), "-middle", middle], ranks=size)
    before, bad, after = parse_solves(done.stdout)
    assert bad.reason < 0
    assert math.isnan(bad.residual)
    assert before.reason > 0
    assert after.reason > 0


@RANKS
def test_two_ksps_have_two_prefixes(host, run_program, parse_solves, size):
    done = run_program(host("two_ksps"), ranks=size)
    assert [solve.prefix for solve in parse_solves(done.stdout)] == ["a_", "b_", "a_", "b_"]


@RANKS
@pytest.mark.parametrize("wind", ["constant", "recirculating"])
def test_convection_diffusion_answers_do_not_depend_on_ranks_or_solver(
    solver_program, run_program, wind, size
):
    program = [*solver_program("convection_diffusion"), "-n", "40", "-peclet", "200", "-wind", wind]
    default = run_program([*program, "-ksp_rtol", "1e-10"], ranks=size).stdout
    direct = run_program([*program, "-ksp_type", "preonly", "-pc_type", "lu"]).stdout
    assert "CONVERGED_RTOL" in default
    assert float(default.split()[-1]) == pytest.approx(float(direct.split()[-1]), rel=1e-5)


@RANKS
@pytest.mark.parametrize("option", ["-previous_guess", "-constant_coefficients"])
def test_heat_steps_agree_on_any_number_of_ranks(solver_program, run_program, option, size):
    program = [*solver_program("heat"), "-n", "32", "-steps", "5"]
    done = run_program([*program, option, "-ksp_rtol", "1e-10"], ranks=size)
    same = [option] if option == "-constant_coefficients" else []  # a guess changes no answer
    direct = run_program([*program, *same, "-ksp_type", "preonly", "-pc_type", "cholesky"])
    assert done.stdout.count(" reason 2 ") == 5
    assert float(done.stdout.split()[-1]) == pytest.approx(
        float(direct.stdout.split()[-1]), rel=1e-5
    )


@pytest.mark.parametrize("name", ["ksp/ex2", "ksp/ex2f"])
def test_petsc_tutorials_compile_unmodified(tutorial, run_program, name):
    done = run_program([*tutorial(name), "-m", "9", "-n", "9"])
    assert done.returncode == 0, done.stderr
    assert "iterations" in done.stdout
