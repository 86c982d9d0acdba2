"""Where the first choice fails the second is tried, and only then the program's own settings."""

import pytest

ILU = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}
BROKEN = ILU | {"pc_type": "spai"}  # PETSc is rarely built with it
STRANGE = BROKEN | {"ksp_type": "bcgs"}
PROGRAMS = ["hard_coded", "two_ksps", "neumann", "time_steps", "elasticity"]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_second_choice_answers_and_stays(
    name, ranks, host, constant_model, run_with, parse_solves
):
    model, command = constant_model(**BROKEN, second=ILU), host(name)
    done, lines = run_with(model, command, ranks)
    assert done.returncode == 0, done.stderr
    printed = parse_solves(done.stdout)
    assert lines[0]["source"] == "second"
    assert {line["source"] for line in lines} <= {"second", "model"}
    for line, solve in zip(lines, printed, strict=True):
        assert line["settings"] == ILU
        assert line["true_residual"] <= line["tolerance"]
        assert solve.residual == pytest.approx(line["true_residual"], rel=1e-3)
        assert ("cannot be set up" in line["why"]) == (line["source"] == "second")
        # On an operator that is known by now it is the first that is tried.
        assert line["source"] == "second" or line["preconditioner"] != "built"


@pytest.mark.parametrize("ranks", [1, 2])
def test_from_where_the_first_choice_left_off(ranks, host, constant_model, run_with):
    """A stall costs its time; its iterate is kept where it is nearer than zero."""
    slow = {"ksp_type": "richardson", "pc_type": "jacobi", "ksp_max_it": "20"}
    quick = slow | {"ksp_type": "gmres"}
    model = constant_model(**slow, second=quick, seconds=0.02)
    done, lines = run_with(model, host("hard_coded"), ranks)
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "second"
    assert lines[0]["true_residual"] <= lines[0]["tolerance"]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", PROGRAMS)
def test_where_both_fail_it_is_the_programs_own_solve(
    name, ranks, host, constant_model, run_with, run_program, parse_solves
):
    command = host(name)
    done, lines = run_with(constant_model(**BROKEN, second=STRANGE), command, ranks)
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "fallback"
    assert "second choice" in lines[0]["why"]
    own = parse_solves(run_program(command, ranks=ranks).stdout)
    assert parse_solves(done.stdout) == own


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_second_choice_that_is_the_first_is_none(ranks, host, constant_model, run_with):
    _, lines = run_with(constant_model(**BROKEN, second=BROKEN), host("hard_coded"), ranks)
    assert lines[0]["source"] == "fallback"
    assert "second" not in lines[0]["why"]


@pytest.mark.parametrize("ranks", [1, 2])
def test_it_is_also_tried_where_the_programs_own_solve_was_given_up(
    ranks, host, constant_model, run_with
):
    model = constant_model(**BROKEN, second=ILU, patience=1e-9)
    done, lines = run_with(model, host("hard_coded"), ranks)
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "switched"
    assert lines[0]["settings"] == ILU
    assert lines[0]["true_residual"] <= lines[0]["tolerance"]
