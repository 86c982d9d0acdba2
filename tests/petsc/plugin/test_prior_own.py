"""Under a prior: what the program's own settings are expected to take, set-up included."""

import pytest

from ..prior_writer import write_prior
from .test_direct import need
from .test_prior import ALL, UNHURRIED, leaf, sequence


def test_once_measured_own_settings_are_expected_to_take_what_they_took(
    host, tmp_path, feature_names, run_with
):
    """Systems of which the forest says the same: how wrong it is of them plays no part."""
    folder = write_prior(tmp_path / "prior", ALL, [UNHURRIED], list(feature_names))
    _, lines = run_with(folder, sequence(host, 60))
    took, compared = [], 0
    for line in lines:
        if took and line["own_expected"] and line["source"] == "refused" and len(took) < 12:
            assert line["own_expected"] == pytest.approx(sum(took) / len(took), rel=0.4)
            compared += 1
        if line["own_taken"]:
            took.append(line["own_taken"])
    assert compared > 5


def test_own_settings_that_are_among_the_best_are_left_alone(
    host, tmp_path, feature_names, run_with
):
    """A tenth is what another candidate must gain."""
    told = leaf(gmres_ilu0=9.0, gmres_jacobi=8.95)
    folder = write_prior(tmp_path / "prior", ALL, [told], list(feature_names))
    _, lines = run_with(folder, sequence(host, 2))
    assert {line["source"] for line in lines} == {"refused"}
    assert "expected to gain enough" in lines[0]["why"]


@pytest.mark.parametrize(
    ("package", "ranks", "left"),
    [("petsc", 1, True), ("mumps", 1, False), ("", 1, True), ("", 2, False)],
)
def test_a_factorisation_is_foreseen_by_its_package(
    package, ranks, left, host, tmp_path, feature_names, run_with
):
    """Where nobody names one, PETSc takes its own on one rank, and MUMPS on several."""
    leaf = {"lu": 9.0, "lu+mumps": 14.0, "gmres+jacobi": 11.0}
    folder = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    named = ["-pc_factor_mat_solver_type", package] if package else []
    done, lines = run_with(folder, [*host("direct"), "-solves", "1", *named], ranks)
    need(done)
    assert done.returncode == 0, done.stderr
    assert (lines[0]["source"] == "refused") == left


def test_a_set_up_of_the_programs_own_that_is_done_counts_no_more(
    host, tmp_path, feature_names, run_with
):
    """After an attempt that fails there is a factor, which serves the second right-hand side."""
    leaf = {"lu": (9.0, -2.0), "stuck": 6.0, "gmres+jacobi": 6.5}
    folder = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    done, lines = run_with(folder, [*host("direct"), "-solves", "1", "-twice"])
    assert done.returncode == 0, done.stderr
    assert lines[0]["source"] == "fallback"
    assert "expected to gain enough" in lines[1]["why"]


@pytest.mark.parametrize(("prefix", "left"), [("eps_", False), ("eps_st_", True), ("st_", True)])
def test_an_eigensolver_keeps_a_factor_that_serves_many_solves(
    prefix, left, host, tmp_path, feature_names, run_with
):
    """SLEPc's spectral transformation is known by its prefix."""
    leaf = {"lu": (9.0, -2.0), "gmres+jacobi": 7.5}
    folder = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    done, lines = run_with(folder, [*host("direct"), "-solves", "1", "-prefix", prefix])
    assert done.returncode == 0, done.stderr
    assert ("expected to gain enough" in lines[0]["why"]) == left


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("flags", ["-keep", "-keep -inplace"])
def test_an_own_set_up_that_nobody_announces_is_due(
    flags, ranks, host, tmp_path, feature_names, run_with
):
    """A matrix that changes in place, without KSPSetOperators(): PCApply() would set up the PC."""
    leaf = {"lu": (6.0, 2.0), "lu+mumps": (6.0, 2.0), "gmres+jacobi": 8.0}
    folder = write_prior(tmp_path / "prior", list(leaf), [leaf], list(feature_names))
    env = {"METASOLVE_STATE": str(tmp_path / "program.state")}
    command = [*host("direct"), *flags.split(), "-solves", "4"]
    if ranks > 1:
        command += ["-pc_factor_mat_solver_type", "mumps"]
    done, lines = run_with(folder, command, ranks, env=env)
    need(done)
    assert done.returncode == 0, done.stderr
    assert "WRONG" not in done.stdout
    own = [line["learned"]["own"] for line in lines if line["source"] == "refused"]
    assert own
    assert all(setup > 0 for setup, _ in own)
