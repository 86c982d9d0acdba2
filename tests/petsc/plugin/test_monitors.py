"""A monitor of the program's own is told of the solve that was made in place of the program's."""

import itertools
import json
import sys

import pytest

from metasolve.model.pinned import pin

RANKS = pytest.mark.parametrize("size", [1, 2])
PROGRAM = """
import json
import sys
from petsc4py import PETSc
n, own, looks, solves = 40, sys.argv[1], sys.argv[2].split("+"), int(sys.argv[3])
A = PETSc.Mat().createAIJ([n * n, n * n], nnz=5)
start, end = A.getOwnershipRange()
for i in range(start, end):
    A.setValue(i, i, 4.0)
    for j in (i - n, i + n, i - 1 if i % n else -1, i + 1 if (i + 1) % n else -1):
        if 0 <= j < n * n:
            A.setValue(i, j, -1.0)
A.assemble()
x, b = A.createVecs()
b.set(1.0)
ksp = PETSc.KSP().create()
ksp.setOperators(A)
ksp.setType(own)
ksp.getPC().setType("jacobi")
ksp.setConvergenceHistory(20000, reset=True)
seen, view = [], x.array

def residual(y):
    r = b.duplicate()
    A.mult(y, r)
    r.aypx(-1.0, b)
    return r.norm()

def monitor(solver, it, norm):
    assert solver == ksp
    line = {"it": it, "norm": norm, "its": solver.getIterationNumber(),
            "rnorm": solver.getResidualNorm(), "reason": int(solver.getConvergedReason()),
            "history": len(solver.getConvergenceHistory())}
    if "late" in looks and it == 3 or "built" in looks:
        line["true"] = residual(solver.buildSolution())
        assert abs(solver.buildResidual().norm() - line["true"]) <= 1e-9 * b.norm()
    if "read" in looks:
        line["true"] = residual(x)
    if "norm" in looks:
        line["size"] = x.norm()
    if "one" in looks and PETSc.COMM_WORLD.rank == 0 and len(x.array):
        line["largest"] = float(max(abs(x.array)))
    if "view" in looks:
        line["view"] = float(max(abs(view)))
    seen.append(line)
    if "raises" in looks and it == 2:
        raise KeyError("of the monitor")

if "first" not in looks or PETSc.COMM_WORLD.rank == 0:
    ksp.setMonitor(monitor)
ksp.setTolerances(rtol=1e-8)
ksp.setFromOptions()
for _ in range(solves):
    x.set(1.0 if "guess" in looks else 0.0)
    ksp.setInitialGuessNonzero("guess" in looks)
    seen.clear()
    try:
        ksp.solve(b, x)
    except (KeyError, PETSc.Error) as error:  # newer petsc4py raises its own, from ours
        error = error.__cause__ or error
        PETSc.Sys.Print(json.dumps({"raised": str(error), "seen": seen}))
        continue
    PETSc.Sys.Print(json.dumps({"seen": seen, "iterations": ksp.getIterationNumber(),
                    "residual": residual(x), "size": x.norm(), "b": b.norm()}))
"""


@pytest.fixture
def monitored(tmp_path, run_program, run_with, plugin_library):
    """`monitored(looks, ...)`: what the program says, solve by solve, and the journal."""
    (tmp_path / "program.py").write_text(PROGRAM)

    def run(looks, size=1, own="cg", settings=None, solves=2, plain=False, options="", model=None):
        command = [sys.executable, str(tmp_path / "program.py"), own, looks, str(solves)]
        if plain:
            done, lines = run_program(command, ranks=size), []
        else:
            chosen = settings or {"ksp_type": "cg", "pc_type": "bjacobi"}
            model = model or pin(tmp_path / "pinned", chosen)
            patient = {"METASOLVE_BUDGET": "1e5"}  # the monitor is Python's
            done, lines = run_with(model, command, size, env=patient, options=options)
        assert done.returncode == 0, done.stderr
        told = [json.loads(row) for row in done.stdout.splitlines() if row.startswith("{")]
        return told, lines

    return run


def accelerated(lines):
    """The first solve is, and later ones are not left alone for their monitor."""
    assert lines[0]["source"] == "model", lines[0]["why"]
    return not any("monitors" in line["why"] for line in lines)


def norms(told):
    """What it is told in each call; PETSc's own solves ask for rnorm only after the first."""
    return [(line["it"], line["norm"]) for line in told["seen"]]


def one_history(told):
    """One call for each iteration and one before the first, each as the KSP says at that time."""
    seen = told["seen"]
    assert [line["it"] for line in seen] == list(range(told["iterations"] + 1))
    for line in seen:
        assert line["its"] == line["it"]
        assert line["rnorm"] == line["norm"]
        assert line["history"] == line["it"] + 1
        assert line["reason"] == 0


@RANKS
@pytest.mark.parametrize("own", ["cg", "gmres"])
def test_a_monitor_of_norms_is_told_the_solve_that_counts(monitored, size, own):
    told, lines = monitored("norms", size, own)
    assert accelerated(lines)
    for one, line in zip(told, lines, strict=True):
        if line["source"] != "model":  # on a busy machine
            continue
        one_history(one)
        assert one["iterations"] == line["iterations"]
        assert one["seen"][0]["norm"] == pytest.approx(one["b"])
        assert one["seen"][-1]["norm"] == pytest.approx(one["residual"], rel=1e-6)
        assert one["seen"][-1]["norm"] <= 1e-8 * one["b"]


@RANKS
@pytest.mark.parametrize("inner", ["cg", "gmres", "bcgs"])
@pytest.mark.parametrize("looks", ["built", "read"])
def test_who_looks_at_the_solution_sees_the_iterate_of_that_norm(monitored, size, inner, looks):
    """Whatever the type: gmres leaves its iterate elsewhere. Later solves are left alone."""
    told, lines = monitored(looks, size, settings={"ksp_type": inner, "pc_type": "bjacobi"})
    assert lines[0]["source"] == "model", lines[0]["why"]
    assert lines[1]["source"] == "refused"
    assert "monitors" in lines[1]["why"]
    one_history(told[0])
    for line in told[0]["seen"]:
        assert line["true"] == pytest.approx(line["norm"], rel=1e-4, abs=1e-9 * told[0]["b"])
    plain, _ = monitored(looks, size, plain=True)
    assert norms(told[1]) == norms(plain[1])


@RANKS
def test_who_looks_late_sees_that_iterate_too(monitored, size):
    told, lines = monitored("late", size)
    assert lines[0]["source"] == "model", lines[0]["why"]
    assert lines[1]["source"] == "refused"
    one_history(told[0])
    assert told[0]["seen"][3]["true"] == pytest.approx(told[0]["seen"][3]["norm"], rel=1e-6)


def test_a_norm_that_petsc_has_kept_counts_as_a_look(monitored):
    told, lines = monitored("norm")
    assert [line["source"] for line in lines] == ["model", "refused"], lines[0]["why"]
    sizes = [line["size"] for line in told[0]["seen"]]
    assert sizes[0] == 0
    assert all(after > 0.99 * size for size, after in itertools.pairwise(sizes))
    assert sizes[-1] == pytest.approx(told[0]["size"])


def test_a_look_on_one_rank_does_not_leave_the_others_waiting(monitored):
    told, lines = monitored("one", 2)
    assert [line["source"] for line in lines] == ["model", "refused"], lines[0]["why"]
    largest = [line["largest"] for line in told[0]["seen"]]
    assert largest[0] == 0
    assert all(value > 0 for value in largest[1:])


def test_a_pointer_of_its_own_finds_the_start_until_the_end(monitored):
    """It reads past PETSc, which nobody can notice: as under gmres, the solution comes last."""
    told, lines = monitored("view")
    assert accelerated(lines)
    *before, last = [line["view"] for line in told[0]["seen"]]
    assert set(before) == {0.0}
    assert last > 0


@RANKS
def test_an_attempt_that_is_undone_is_never_shown(monitored, size):
    bad = {"ksp_type": "richardson", "pc_type": "none", "ksp_richardson_scale": "9"}
    told, lines = monitored("norms", size, settings=bad)
    assert {line["source"] for line in lines} <= {"fallback", "refused"}
    assert lines[0]["source"] == "fallback"
    plain, _ = monitored("norms", size, plain=True)
    assert [norms(one) for one in told] == [norms(one) for one in plain]


@pytest.mark.parametrize("looks", ["raises", "built+raises", "late+raises"])
def test_what_a_monitor_raises_reaches_the_program(monitored, looks):
    told, _ = monitored(looks)
    plain, _ = monitored(looks, plain=True)
    assert [one["raised"] for one in told] == [one["raised"] for one in plain]
    assert [len(one["seen"]) for one in told] == [len(one["seen"]) for one in plain]


@RANKS
def test_a_guess_of_the_programs_is_the_first_iterate_shown(monitored, size):
    told, lines = monitored("built+guess", size)
    assert lines[0]["source"] == "model", lines[0]["why"]
    one_history(told[0])
    plain, _ = monitored("built+guess", size, plain=True)
    assert told[0]["seen"][0]["true"] == pytest.approx(plain[0]["seen"][0]["true"])
    assert told[0]["seen"][0]["norm"] == pytest.approx(told[0]["seen"][0]["true"])


@RANKS
@pytest.mark.parametrize("looks", ["norms", "built"])
def test_a_second_choice_is_told_from_the_start(monitored, constant_model, size, looks):
    slow = {"ksp_type": "richardson", "pc_type": "none", "ksp_richardson_scale": "0.1"}
    model = constant_model(**slow, second={**slow, "ksp_type": "cg"})
    told, lines = monitored(looks, size, model=model)
    assert lines[0]["source"] == "second", lines[0]["why"]
    one_history(told[0])
    assert told[0]["seen"][0]["norm"] == pytest.approx(told[0]["b"])
    for line in told[0]["seen"] if looks == "built" else ():
        assert line["true"] == pytest.approx(line["norm"], rel=1e-4)


def test_a_monitor_of_one_rank_is_told_as_well(monitored):
    told, lines = monitored("first", 2)
    assert accelerated(lines)
    for one in told:
        assert len(one["seen"]) == one["iterations"] + 1


@pytest.mark.parametrize("looks", ["norms", "built"])
def test_a_direct_solve_is_told_of_one_iteration(monitored, looks):
    told, lines = monitored(looks, own="preonly", options="-pc_type lu")
    assert lines[0]["source"] == "model", lines[0]["why"]
    for one in told:
        assert [line["it"] for line in one["seen"]] == [0, 1]
        if looks == "built":
            assert one["seen"][-1]["true"] == pytest.approx(one["residual"])


@RANKS
def test_a_monitor_in_c_that_views_each_iterate(tutorial, run_program, run_with, tmp_path, size):
    """Its first solve is shown as it was made, and the others are as without us."""
    model = pin(tmp_path / "model", {"ksp_type": "gmres", "pc_type": "bjacobi"})
    command = [*tutorial("ksp/ex9"), "-my_ksp_monitor"]
    done, lines = run_with(model, command, size, env={"METASOLVE_BUDGET": "1e5"})
    watched = [line for line in lines if "monitors" in line["why"]]
    assert watched, [line["why"] for line in lines]
    plain = run_program(command, ranks=size)
    assert done.returncode == plain.returncode == 0
    views = [row for row in done.stdout.splitlines() if "solution vector" in row]
    norms_of = [row for row in done.stdout.splitlines() if "KSP Residual norm" in row]
    assert [row.split()[1] for row in views] == [row.split()[1] for row in norms_of]


@RANKS
def test_beside_petscs_own_monitor_both_are_told(monitored, size):
    told, lines = monitored("norms", size, options="-ksp_monitor ascii:/dev/null")
    assert accelerated(lines)
    one_history(told[0])
