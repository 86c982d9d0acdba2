"""A fault on one rank ends in the program's own solve on all of them."""

import functools

import pytest

from metasolve.model.pinned import pin

from ..conftest import needs_hypre

FAULTS = [
    *("zero_diagonal", "singular_block", "zero_row", "nan", "indefinite"),
    "missing_diagonal",
]
SPLIT = (
    "ksp_type=fgmres pc_type=fieldsplit pc_fieldsplit_detect_saddle_point=1 "
    "pc_fieldsplit_schur_precondition=selfp fieldsplit_0_ksp_type=preonly "
    "fieldsplit_0_pc_type=bjacobi fieldsplit_1_ksp_type=preonly "
)
SETTINGS = [
    "ksp_type=gmres pc_type=jacobi",
    "ksp_type=gmres pc_type=sor",
    "ksp_type=gmres pc_type=bjacobi",
    "ksp_type=gmres pc_type=bjacobi sub_pc_type=sor",
    "ksp_type=gmres pc_type=bjacobi sub_pc_type=icc",
    "ksp_type=gmres pc_type=asm sub_pc_type=lu",
    "ksp_type=gmres pc_type=gamg",
    "ksp_type=gmres pc_type=gamg mg_levels_pc_type=sor",
    "ksp_type=gmres pc_type=gamg mg_levels_pc_type=bjacobi",
    pytest.param("ksp_type=gmres pc_type=hypre", marks=needs_hypre),
    f"{SPLIT} fieldsplit_1_pc_type=jacobi",
    f"{SPLIT} fieldsplit_1_pc_type=sor",
    f"{SPLIT} fieldsplit_1_pc_type=bjacobi",
    pytest.param(f"{SPLIT} fieldsplit_1_pc_type=hypre", marks=needs_hypre),
]


@pytest.fixture(scope="module")
def alone(host, run_program):
    """`alone(fault, ranks)`: the command, and how it ends without metasolve, run once."""

    @functools.cache
    def run(fault, ranks):
        command = [*host("one_rank"), "-fault", fault, "-pc_type", "jacobi", "-ksp_max_it", "2000"]
        return command, run_program(command, ranks=ranks)

    return run


@pytest.mark.parametrize("ranks", [1, 3])
@pytest.mark.parametrize("settings", SETTINGS)
def test_the_program_ends_as_it_would_have(settings, ranks, alone, tmp_path, run_with):
    pin(tmp_path / "model", dict(word.split("=") for word in settings.split()))
    for fault in FAULTS:
        command, own = alone(fault, ranks)
        done, lines = run_with(tmp_path / "model", command, ranks)
        assert done.returncode == own.returncode, (fault, done.stderr)
        assert len(lines) == 1
        if lines[0]["source"] != "model":
            assert done.stdout == own.stdout, fault
        else:
            assert "CONVERGED" in done.stdout, fault
            assert lines[0]["true_residual"] <= lines[0]["tolerance"]
