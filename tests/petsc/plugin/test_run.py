"""Run mode: never less accurate than the program asked for; its own solve if in doubt."""

import re

import pytest

from ..conftest import PETSc, needs_hypre

GOOD = {"ksp_type": "gmres", "pc_type": "bjacobi", "sub_pc_type": "ilu"}
HOSTS = ["hard_coded", "two_ksps", "neumann", "time_steps", "elasticity", "fortran_host"]


def own(run_program, parse_solves, command, ranks, options=""):
    done = run_program(command, ranks=ranks, env={"PETSC_OPTIONS": options})
    assert done.returncode == 0, done.stderr
    return parse_solves(done.stdout)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", [*HOSTS, "petsc4py_host"])
def test_every_solve_meets_the_tolerance_of_the_program(
    name, ranks, host, constant_model, run_with, parse_solves
):
    done, lines = run_with(constant_model(**GOOD), host(name), ranks)
    assert done.returncode == 0, done.stderr
    printed = parse_solves(done.stdout)
    assert len(lines) == len(printed) > 0
    for line, solve in zip(lines, printed, strict=True):
        assert line["source"] == "model", line
        assert line["true_residual"] <= line["tolerance"]
        assert solve.reason > 0
        # What the program computes from its own x is what the log claims.
        assert solve.residual == pytest.approx(line["true_residual"], rel=1e-3)
        assert solve.iterations == line["iterations"]


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", HOSTS)
@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"ksp_type": "gmres", "pc_type": "spai"}, "cannot be set up"),
        ({"ksp_type": "richardson", "pc_type": "none", "ksp_richardson_scale": "99"}, "DIVERGED"),
    ],
    ids=["unknown PC", "diverging"],
)
def test_a_fallback_is_the_solve_the_program_would_have_done(
    name, ranks, settings, why, host, constant_model, run_with, run_program, parse_solves
):
    expected = own(run_program, parse_solves, host(name), ranks)
    done, lines = run_with(constant_model(**settings), host(name), ranks)
    assert done.returncode == 0, done.stderr
    assert [s.iterations for s in parse_solves(done.stdout)] == [s.iterations for s in expected]
    assert parse_solves(done.stdout) == expected
    assert lines[0]["source"] == "fallback"
    assert why in lines[0]["why"]


def test_a_diverging_omega_falls_back(host, constant_model, run_with, parse_solves):
    model = constant_model(ksp_type="richardson", pc_type="sor", pc_sor_omega="2.5")
    done, lines = run_with(model, host("time_steps"))
    assert {line["source"] for line in lines} <= {"fallback", "refused"}
    assert all(solve.reason > 0 for solve in parse_solves(done.stdout))


def test_a_wrong_converged_is_found_out(solver_program, constant_model, run_with):
    """Right-preconditioned BiCGStab(l) reports CONVERGED_RTOL at a wrong residual."""
    model = constant_model(ksp_type="bcgsl", pc_type="bjacobi", ksp_pc_side="right")
    command = [*solver_program("convection_diffusion"), "-n", "48", "-peclet", "100"]
    done, lines = run_with(model, command)
    assert done.returncode == 0
    assert lines[0]["source"] == "fallback"
    assert "the true residual is" in lines[0]["why"]
    assert lines[0]["reason"] > 0


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("kind", ["nan", "inf", "zero"])
def test_a_right_hand_side_that_is_no_case_for_a_model(
    kind, ranks, host, constant_model, run_with, run_program, parse_solves
):
    command = [*host("nan_rhs"), "-middle", kind]
    expected = own(run_program, parse_solves, command, ranks)
    done, lines = run_with(constant_model(**GOOD), command, ranks)
    printed = parse_solves(done.stdout)
    assert done.returncode == 0
    assert [s.reason for s in printed] == [s.reason for s in expected]
    assert "refused" in {line["source"] for line in lines}


def test_the_preconditioner_of_the_program_is_not_set_up(host, constant_model, run_with):
    """-log_view counts PCSetUp: a multigrid hierarchy has many more than Jacobi."""
    model = constant_model(ksp_type="cg", pc_type="jacobi")
    options = "-pc_type gamg -log_view"
    done, lines = run_with(model, host("petsc4py_host"), options=options)
    assert {line["source"] for line in lines} == {"model"}
    row = next(line for line in done.stdout.splitlines() if line.startswith("PCSetUp "))
    # The inner Jacobi's, and the deferred one, which does nothing; 3.26 asks for it at each solve.
    assert int(row.split()[1]) <= 1 + len(lines)
    assert "PCGAMG" not in done.stdout.replace("PCGAMGGraph_AGG         0", "")
    assert "PCSetUp_GAMG" not in done.stdout


def test_null_space_component_is_left_as_the_program_would(
    host, constant_model, run_with, parse_solves
):
    for ranks in (1, 2):
        done, _ = run_with(constant_model(**GOOD), host("neumann"), ranks)
        means = [float(line.split()[1]) for line in done.stdout.splitlines() if "mean" in line]
        assert means
        assert max(map(abs, means)) < 1e-10


def test_only_the_prefix_asked_for(host, constant_model, run_with, parse_solves):
    done, lines = run_with(constant_model(**GOOD), host("two_ksps"), env={"METASOLVE_PREFIX": "b_"})
    assert {line["prefix"] for line in lines} == {"b_"}
    assert len(lines) == sum(s.prefix == "b_" for s in parse_solves(done.stdout))


def test_inner_solvers_of_a_preconditioner_are_never_touched(host, constant_model, run_with):
    """One line per solve of the program, whatever its preconditioner consists of."""
    bad = constant_model(ksp_type="gmres", pc_type="spai")
    for options in ("-pc_type bjacobi -sub_ksp_type gmres", "-pc_type gamg", "-pc_type asm"):
        done, lines = run_with(bad, host("petsc4py_host"), options=options)
        assert done.returncode == 0, done.stderr
        assert len(lines) == done.stdout.count("solve ")


@pytest.mark.parametrize("view", ["-ksp_view", "-ksp_monitor_true_residual", "-log_view"])
@pytest.mark.parametrize(
    "pc", ["ilu", "gamg", pytest.param("hypre", marks=needs_hypre), "asm", "mg", "lu", "composite"]
)
def test_views_of_a_deferred_preconditioner_do_no_harm(
    pc, view, host, constant_model, run_with, run_program
):
    options = f"-pc_type {pc} {view}"
    own = run_program(host("time_steps"), env={"PETSC_OPTIONS": options})
    done, lines = run_with(constant_model(**GOOD), host("time_steps"), options=options)
    # A composite of nothing fails by itself, unless a model solves instead.
    assert done.returncode in (0, own.returncode), done.stderr
    assert lines or own.returncode


def test_repeated_fallbacks_are_given_up(host, constant_model, run_with):
    """After three fallbacks in a row the program is left alone for eight solves."""
    bad = constant_model(ksp_type="gmres", pc_type="spai")
    steps = ["-constant_steps", "0", "-changing_steps", "12"]
    _, lines = run_with(bad, [*host("time_steps"), *steps])
    assert [line["source"] for line in lines] == ["fallback"] * 3 + ["refused"] * 8 + ["fallback"]
    assert "paused" in lines[3]["why"]


@pytest.mark.parametrize("name", ["pc/ex1", "pc/ex2"])
def test_a_program_may_look_into_its_preconditioner(
    name, tutorial, constant_model, run_with, run_program
):
    """KSPSetUp, then PCFactorGetMatrix: the factors are there."""
    own = run_program(tutorial(name))
    done, lines = run_with(constant_model(ksp_type="cg", pc_type="jacobi"), tutorial(name))
    assert done.returncode == own.returncode == 0, done.stderr
    assert "PETSC ERROR" not in done.stderr
    assert lines


@pytest.mark.parametrize("name", ["ksp/ex7", "ksp/ex8"])
def test_a_program_may_configure_its_blocks(name, tutorial, constant_model, run_with, run_program):
    """KSPSetUp, then PCBJacobiGetSubKSP: what is set there holds in a fallback."""
    own = run_program(tutorial(name), ranks=2)
    model = constant_model(ksp_type="gmres", pc_type="spai")
    done, lines = run_with(model, tutorial(name), 2)
    assert done.returncode == 0, done.stderr
    assert {line["source"] for line in lines} == {"fallback"}
    assert done.stdout == own.stdout


def logged(done):
    """Calls of each event that -log_view tells of."""
    rows = re.findall(r"^([A-Z]\w+) +(\d+) 1\.0 ", done.stdout, re.MULTILINE)
    return {name: int(count) for name, count in rows}


@pytest.mark.skipif(PETSc.Sys.getVersion() >= (3, 20), reason="its log has no way back")
def test_the_log_goes_on_after_settings_that_cannot_be_set_up(
    host, constant_model, run_with, run_program
):
    """PETSc's set-up keeps solves out of the log until it is over, and an error leaves them out."""
    bad = constant_model(ksp_type="gmres", pc_type="ilu")  # not on two ranks
    command, options = host("time_steps"), "-ksp_type gmres -pc_type jacobi -log_view"
    own = logged(run_program(command, ranks=2, env={"PETSC_OPTIONS": options}))
    done, lines = run_with(bad, command, 2, options=options)
    assert lines[0]["why"] == "the settings cannot be set up"
    assert own["KSPSolve"] > 3
    for event in ("KSPSolve", "PCApply", "KSPGMRESOrthog"):
        assert logged(done)[event] >= own[event], event
