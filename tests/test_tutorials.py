"""Record, train, run: PETSc's own tutorials, compiled unmodified, solve as well as without us."""

import re

import pytest

from metasolve.petsc import launch
from metasolve.petsc.conduct import Conduct
from metasolve.petsc.recording import Recording
from metasolve.production import journal
from metasolve.report.evaluation import ACCEPTED

pytest.importorskip("petsc4py")

CALLS = 40
NUMBER = re.compile(r"[-+]?\d+\.\d*(?:[eE][-+]?\d+)?")
# What a program prints that belongs to the way it solved, not to the answer.
OTHERWISE = re.compile(r"iteration|residual|its |not set up|type|error|linear solve", re.IGNORECASE)

DEFAULT = [
    ("ksp/ex2", "-m 60 -n 60", 1),
    ("ksp/ex2f", "-m 60 -n 60", 2),
    ("snes/ex19", "-da_refine 2", 1),
]
SLOW = [
    ("ksp/ex2", "-m 60 -n 60", 2),
    ("ksp/ex2f", "-m 60 -n 60", 1),
    ("ksp/ex1", "", 1),
    ("ksp/ex5", "-m 40 -n 20", 2),
    ("ksp/ex5f", "", 1),
    ("ksp/ex7", "", 2),
    ("ksp/ex8", "", 2),
    ("ksp/ex9", "", 2),
    ("ksp/ex12", "", 1),
    ("ksp/ex13", "", 1),
    ("ksp/ex13f90", "", 1),
    ("ksp/ex15", "-user_defined_pc", 1),
    ("ksp/ex16", "-ntimes 4", 1),
    ("ksp/ex22f", "", 2),
    ("ksp/ex23", "", 2),
    ("ksp/ex25", "-da_refine 4", 1),
    ("ksp/ex29", "-da_refine 4 -bc_type neumann", 1),
    ("ksp/ex45", "-da_refine 1", 1),
    ("ksp/ex50", "-da_refine 4", 2),
    ("snes/ex5", "-da_refine 3", 1),
    ("snes/ex5f90", "", 2),
    ("snes/ex15", "-da_grid_x 20 -da_grid_y 20 -p 1.3 -lambda 1", 1),
    ("snes/ex19", "-da_refine 2", 2),
    ("ts/ex13", "-ts_max_steps 5", 2),
    ("ts/ex15", "-da_grid_x 20 -da_grid_y 20 -boundary 0 -ts_max_steps 10", 1),
    ("ts/ex17", "-da_grid_x 40 -ts_max_steps 20", 1),
]


CASES = [pytest.param(*case, id=f"{case[0]} on {case[2]}") for case in DEFAULT]
CASES += [
    pytest.param(*case, id=f"{case[0]} on {case[2]}", marks=pytest.mark.slow) for case in SLOW
]


def answers(output):
    """Numbers of the lines that tell the answer."""
    lines = [line for line in output.splitlines() if not OTHERWISE.search(line)]
    return [float(number) for line in lines for number in NUMBER.findall(line)]


@pytest.mark.parametrize(("name", "arguments", "size"), CASES)
def test_a_tutorial_solves_as_well_as_without_us(
    name, arguments, size, tutorial, hasty, ranks, run_program, tmp_path, capfd
):
    import metasolve

    command = [*tutorial(name), *arguments.split()]
    own = run_program(command, ranks=size)
    assert own.returncode == 0, own.stderr

    code = launch.record(ranks(command, size), tmp_path / "recording")
    assert code == own.returncode
    assert capfd.readouterr().out == own.stdout, "recording changes nothing"
    solves = Recording(tmp_path / "recording").solves
    assert solves

    model = metasolve.train(tmp_path / "recording", tmp_path / "model", calls=CALLS, seed=1)
    assert model.info["calls"]["train"] <= CALLS

    log = tmp_path / "run.jsonl"
    capfd.readouterr()
    code = launch.run(ranks(command, size), tmp_path / "model", conduct=Conduct(log))
    output = capfd.readouterr().out
    assert code == own.returncode
    assert answers(output) == pytest.approx(answers(own.stdout), rel=1e-2, abs=1e-4)
    lines = journal.solves(log)
    # Newton's method may need more solves where its own were more exact than asked, or fewer.
    many = 1 if name.startswith("ksp") else 2
    assert len(solves) <= many * len(lines)
    assert len(lines) <= many * len(solves)
    assert {line["source"] for line in lines} <= {*ACCEPTED, "fallback", "refused"}
    for line in lines:
        if line["source"] in ACCEPTED:
            assert line["true_residual"] <= line["tolerance"], line
            assert line["reason"] > 0
