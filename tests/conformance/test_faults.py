"""Small programs on which the plug-in did harm: they must not notice it, and yet be accelerated.

Law of each: exit code and output with the plug-in are those without, and where the contract allows
an attempt at least one is accepted. A plug-in that refuses everything does no harm, and no good.
"""

import re
import shlex
from dataclasses import dataclass

import pytest
from comparing import told
from running import OPEN_MPI, PLAIN, RECORD, run

EX2, EX42 = "ksp/ksp/tutorials/ex2.c", "ksp/ksp/tests/ex42.c"
SINGULAR = "-ksp_type minres -pc_type none -ksp_converged_reason"  # on one rank's block


@dataclass(frozen=True)
class Fault:
    """A program that was harmed.

    Attributes
    ----------
    name, program, arguments, ranks : what runs.
    way : name of a pin, or RECORD.
    code_only : whether PETSc itself answers otherwise each time, or wrongly.
    accepted : whether the contract allows an answer other than the program's own: none does before
        a direct solver's own accuracy was seen, or where every attempt must fail.
    """

    name: str
    way: str
    program: str
    arguments: str
    ranks: int = 1
    code_only: bool = False
    accepted: bool = True


def after(name, arguments, way="gmres-hypre", **more):
    return Fault(name, way, "after_solve", arguments, **more)


FAULTS = [
    after("fp_trap", "-fp_trap"),
    after("built_cg", "-ksp_type cg -built_solution -built_residual"),
    after("built_gcr", "-ksp_type gcr -built_solution -built_residual"),
    # PETSc's own GMRES builds a wrong solution here.
    after("built_gmres", "-ksp_type gmres -built_solution -built_residual", code_only=True),
    after("history", "-ksp_type cg -history"),
    after("apply_ilu", "-pc_type ilu -apply"),
    after("apply_gamg", "-pc_type gamg -apply"),
    after("factor", "-pc_type lu -factor", accepted=False),
    after("operator", "-pc_type ilu -operator"),
    after("retype", "-transpose -retype"),
    Fault("zero_diagonal", "gmres-gamg-sor", "zero_diagonal", "-pc_type none", accepted=False),
    Fault("prefix", "bcgs-bjacobi", "matrix_prefix", "-pc_type jacobi"),
    Fault(
        "single_reduction",
        "gmres-hypre",
        EX2,
        "-m 100 -n 100 -ksp_type cg -ksp_cg_single_reduction",
    ),
    Fault(
        "superlu_dist",
        "gmres-gamg",
        EX2,
        "-m 50 -n 50 -ksp_type gmres -pc_type lu -pc_factor_mat_solver_type superlu_dist",
        code_only=True,
        accepted=False,
    ),
    # What is viewed is the program's preconditioner: it has to be set up, and the program solves.
    Fault(
        "view",
        "gmres-hypre",
        EX2,
        "-m 30 -n 30 -pc_type jacobi -ksp_view binary:view.bin",
        accepted=False,
    ),
    *[
        Fault(f"one_rank_{pin}", pin, EX42, SINGULAR, ranks=3, accepted=False)
        for pin in ("gmres-gamg", "bcgs-bjacobi", "gmres-asm", "gmres-sor")
    ],
    Fault(
        "cached_norm_bcgs",
        RECORD,
        EX42,
        "-ksp_type bcgs -pc_type bjacobi -ksp_pc_side right -ksp_converged_reason",
        ranks=3,
    ),
    Fault(
        "cached_norm_fgmres",
        RECORD,
        EX42,
        "-ksp_type fgmres -pc_type bjacobi -ksp_converged_reason",
        ranks=3,
    ),
    # The contract covers a test of the program's own.
    Fault("own_test", "gmres-hypre", "own_test", "-n 60"),
]
#: What acceleration is for; `Norm of error` follows the program's tolerance, not its last digits.
MAY_DIFFER = re.compile(r"iterations? \d+|(Norm of error|relative residual) \S+")


def printed(output):
    """Lines in any order, as ranks write; what was reached in how many iterations left out."""
    return sorted(MAY_DIFFER.sub("", line) for line in told(output))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_program_does_not_notice_the_plug_in(fault, program, model, ranks, tmp_path):
    words = ranks([*program(fault.program), *shlex.split(fault.arguments)], fault.ranks)
    environment = {**OPEN_MPI, "LC_ALL": "C"}
    plain = run(words, PLAIN, tmp_path / "plain", environment=environment)
    way = RECORD if fault.way == RECORD else model(fault.way)
    other = run(words, way, tmp_path / "run", environment=environment)
    assert other.code == plain.code, other.output[-2000:]
    if not fault.code_only:
        assert printed(other.output) == printed(plain.output)
    if fault.way == RECORD:
        assert other.recorded
    elif fault.accepted:
        assert other.accepted >= 1, [(line["source"], line["why"]) for line in other.log]
    else:
        assert other.log, other.said


@pytest.mark.parametrize("scale", ["1", "2e11"])
def test_units_do_not_decide_accuracy(scale, program, model, tmp_path):
    """Boundary rows that are kept with a diagonal of 1 beside stiffness in whatever unit."""
    pytest.importorskip("scipy")
    words = [*program("kept_rows.py"), "0", "2", scale]
    plain = run(words, PLAIN, tmp_path / "plain", environment=OPEN_MPI)
    other = run(words, model("gmres-hypre"), tmp_path / "run", environment=OPEN_MPI)
    assert plain.code == other.code == 0, other.output
    assert max(errors(other.output)) <= 10 * max(errors(plain.output))
    if scale == "1":  # in the other unit the 2-norm of the residual is out of anybody's reach
        assert other.accepted >= 1, [(line["source"], line["why"]) for line in other.log]


def errors(output):
    found = [float(each) for each in re.findall(r"error (\S+)", output)]
    assert len(found) == 2, output
    return found
