"""Settings that would never return from a system are recognised before their set-up is started."""

import pytest


@pytest.mark.parametrize(
    "settings",
    [
        {"pc_type": "icc"},
        {"pc_type": "icc", "pc_factor_mat_ordering_type": "rcm"},
        {"pc_type": "bjacobi", "sub_pc_type": "icc"},
    ],
)
def test_incomplete_cholesky_of_strong_convection_is_not_begun(
    settings, host, constant_model, run_with
):
    """PETSc shifts the diagonal again and again, and not far enough."""
    command = [*host("sequence"), "-solves", "6", "-largest", "90"]
    done, lines = run_with(constant_model(ksp_type="gmres", **settings), command)
    assert done.returncode == 0, done.stderr
    assert len(lines) == 6
    assert any("or not return" in line["why"] for line in lines)


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("name", ["time_steps", "elasticity"])
def test_incomplete_cholesky_of_what_is_symmetric_is_tried(
    name, ranks, host, constant_model, run_with
):
    model = constant_model(ksp_type="cg", pc_type="bjacobi", sub_pc_type="icc", seconds=10.0)
    done, lines = run_with(model, host(name), ranks)
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "model"
