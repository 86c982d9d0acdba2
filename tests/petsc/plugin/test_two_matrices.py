"""The preconditioning matrix is read, the operator is applied.

A product may evaluate the program's own function: what SNES has counted is as without us.
"""

import re

import pytest

from ..prior_writer import write_prior

GOOD = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}
TRANSPOSED = {
    "ksp_type": "bicg",
    "pc_type": "jacobi",
}  #: a product in, it wants one that is not there
NEWTON = re.compile(
    r"^reason (?P<reason>-?\d+) newton (?P<newton>\d+) linear (?P<linear>\d+) "
    r"evaluations (?P<evaluations>\d+) norm (?P<norm>\S+)\ncalls (?P<calls>\d+)$",
    re.MULTILINE,
)
FREE = "-snes_mf_operator"
NOISY = "products with the operator are not exact: the program's own answers are looked at first"


def newtons(output):
    return [
        {key: float(text) for key, text in each.groupdict().items()}
        for each in NEWTON.finditer(output)
    ]


def chosen_but_for_the_first(lines):
    """What differences cannot tell follows from an answer of the program's own."""
    assert lines[0]["why"] == NOISY
    assert [line["source"] for line in lines[1:]] == ["model"] * (len(lines) - 1), lines[1]["why"]
    return len(lines) > 1


def two(host, operator, *more):
    return [*host("two_matrices"), "-operator", operator, *more]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("operator", ["shell", "other", "nest"])
def test_answers_meet_the_tolerance_in_the_operator(
    operator, ranks, host, constant_model, run_with, parse_solves
):
    """The program prints |b - A x| with its own A; a model reads P and never A."""
    done, lines = run_with(constant_model(**GOOD), two(host, operator), ranks)
    assert done.returncode == 0, done.stderr
    assert [line["source"] for line in lines] == ["model"] * 3, lines[0]["why"]
    assert all(solve.residual <= 1e-6 and solve.reason > 0 for solve in parse_solves(done.stdout))


def test_a_factor_of_the_other_matrix_serves_a_krylov_method(
    host, constant_model, run_with, parse_solves
):
    model = constant_model(ksp_type="richardson", pc_type="lu")
    done, lines = run_with(model, two(host, "shell"))
    assert [line["source"] for line in lines] == ["model"] * 3, lines[0]["why"]
    assert all(line["contract"] == "preconditioned" for line in lines)
    assert all(1 < line["iterations"] < 20 for line in lines)
    assert all(solve.residual <= 1e-6 for solve in parse_solves(done.stdout))


def test_a_krylov_method_around_such_a_factor_is_no_direct_solve(host, constant_model, run_with):
    """Its answer is as good as its tolerance, and no better."""
    command = two(host, "shell", "-ksp_type", "gmres", "-pc_type", "lu")
    _, lines = run_with(constant_model(**GOOD), command)
    assert {line["contract"] for line in lines} == {"preconditioned"}
    assert {line["source"] for line in lines} == {"model"}


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_factor_that_is_applied_once_is_left_alone(
    ranks, host, constant_model, run_with, run_program
):
    """The program's answer is that of another system: nobody could say how good ours has to be."""
    command = two(host, "other", "-ksp_type", "preonly", "-pc_type", "lu")
    command += ["-pc_factor_mat_solver_type", "mumps"]
    own = run_program(command, ranks=ranks)
    if own.returncode:
        pytest.skip("this PETSc has no MUMPS")
    done, lines = run_with(constant_model(**GOOD), command, ranks)
    assert done.stdout == own.stdout
    assert {line["why"] for line in lines} == {
        "a direct solve with another matrix than the operator"
    }


@pytest.mark.parametrize("ranks", [1, 2])
def test_solvers_inside_the_product_are_none_of_ours(ranks, host, constant_model, run_with):
    _, lines = run_with(constant_model(**GOOD), two(host, "inverse"), ranks)
    assert [line["source"] for line in lines] == ["model"] * 3


@pytest.mark.timed
def test_a_product_that_takes_long_is_made_less_often(host, tmp_path, feature_names, run_with):
    """What takes few iterations is chosen, though with a matrix at hand it would take longer."""
    leaf = {"gmres+jacobi": 5.0, "lu": 5.5, "gmres+ilu0": 12.0}
    folder = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    for operator, expected in (("other", "gmres+jacobi"), ("slow", "lu")):
        _, lines = run_with(folder, two(host, operator, "-solves", "1"), clock=True)
        assert lines[0]["candidate"] == expected, lines[0]


def test_they_are_not_recorded(host, record_with):
    done, out = record_with(two(host, "shell"))
    assert done.returncode == 0
    assert "can be run, but not recorded" in (out / "manifest.jsonl").read_text()


# --- differences of a function --------------------------------------------------------------------


@pytest.mark.parametrize("ranks", [1, 2])
def test_newton_goes_as_without_us(ranks, host, constant_model, run_with, run_program):
    """Evaluations are those of Newton's method and one for each iteration; ours are not counted."""
    command = [*host("matrix_free"), FREE, "-ksp_rtol", "1e-6", "-ksp_gmres_restart", "300"]
    (own,) = newtons(run_program(command, ranks=ranks).stdout)
    model = constant_model(ksp_type="gmres", pc_type="bjacobi", sub_pc_type="lu")
    done, lines = run_with(model, command, ranks)
    assert done.returncode == 0, done.stderr
    assert chosen_but_for_the_first(lines)
    (ours,) = newtons(done.stdout)
    assert ours["reason"] == own["reason"]
    assert ours["newton"] == own["newton"]
    assert ours["norm"] == pytest.approx(own["norm"], rel=1e-6)
    assert ours["linear"] < own["linear"]
    again = (ours["evaluations"] - ours["linear"]) - (own["evaluations"] - own["linear"])
    assert 0 <= again <= 2 * ours["newton"]  # one more where a solve goes on, twice at most
    assert ours["calls"] > ours["evaluations"]


@pytest.mark.parametrize("ranks", [1, 2])
def test_an_attempt_that_is_undone_is_not_counted(
    ranks, host, constant_model, run_with, run_program
):
    """Not even against a limit that the program only just keeps."""
    command = [*host("matrix_free"), FREE]
    (own,) = newtons(run_program(command, ranks=ranks).stdout)
    command += ["-snes_max_funcs", str(int(own["evaluations"]) + 1)]
    done, lines = run_with(constant_model(**TRANSPOSED), command, ranks)
    assert {line["source"] for line in lines} <= {"fallback", "refused"}
    assert "fallback" in {line["source"] for line in lines}
    (ours,) = newtons(done.stdout)
    assert {**ours, "calls": 0} == {**own, "calls": 0}


def test_no_more_is_asked_for_than_differences_can_tell(host, constant_model, run_with):
    """Of the program's own answers not either: once one was seen, ours may have what it has."""
    command = [*host("matrix_free"), FREE, "-ksp_rtol", "1e-8"]
    _, lines = run_with(constant_model(**GOOD), command)
    assert lines[-1]["source"] == "model", lines[-1]["why"]
    assert 1e-7 <= lines[-1]["true_residual"] <= lines[-1]["tolerance"] <= 1e-3


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_tutorial_with_four_unknowns_a_point(
    ranks, tutorial, constant_model, run_with, run_program
):
    command = [*tutorial("snes/ex19"), "-da_refine", "2", FREE, "-snes_monitor_short"]
    own = run_program(command, ranks=ranks)
    done, lines = run_with(constant_model(**GOOD), command, ranks)
    assert done.returncode == 0, done.stderr
    assert chosen_but_for_the_first(lines)
    assert done.stdout.splitlines()[-1] == own.stdout.splitlines()[-1]


def test_what_products_blur_is_gone_on_with(tutorial, constant_model, run_with, run_program):
    """A residual that a recurrence loses may be within what is excused, and cost a Newton step."""
    command = [*tutorial("snes/ex19"), "-da_refine", "5", FREE]
    own = run_program(command, ranks=2)
    model = constant_model(ksp_type="bcgs", pc_type="sor")
    done, lines = run_with(model, command, 2)
    assert chosen_but_for_the_first(lines)
    assert done.stdout.splitlines()[-1] == own.stdout.splitlines()[-1]
    assert lines[1]["true_residual"] < lines[1]["tolerance"] / 10
