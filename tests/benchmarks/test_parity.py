"""Parity: errors against a refined solution, what a tolerance stands for, what is counted."""

import numpy as np
import pytest
import scipy.sparse as sp

import metasolve
from metasolve.errors import UsageError
from metasolve.model.pinned import pin
from metasolve.petsc.contract import Measure

parity = pytest.importorskip("benchmarks.parity")
sources = pytest.importorskip("benchmarks.parity_sources")
in_order = pytest.importorskip("benchmarks.parity_in_order")


def laplacian(n=40):
    A = sp.diags([-1.0, 2.0, -1.0], [-1, 0, 1], (n, n)).tocsr()
    return A, np.sin(np.arange(1.0, n + 1))


def test_the_reference_is_the_solution_to_rounding():
    A, _ = laplacian()
    x = np.arange(1.0, 41)
    assert parity.Reference.of(A, A @ x).error(x) < 1e-14


@pytest.mark.parametrize("measure", list(Measure))
def test_ten_times_the_tolerance_stands_for_ten_times_the_error(measure):
    A, b = laplacian()
    reference = parity.Reference.of(A, b)
    small, large = (reference.stood_for(b, measure, t) for t in (1e-8, 1e-7))
    assert large / small == pytest.approx(10, rel=1e-3)


def test_a_singular_matrix_has_no_reference():
    with pytest.raises(UsageError, match="singular"):
        parity.Reference.of(sp.csr_matrix(np.zeros((3, 3))), np.ones(3))


def test_ratios_are_spread():
    told = parity.spread([1.0, 4.0])
    assert told["geometric mean"] == pytest.approx(2.0)
    assert told["worst"] == 4.0
    assert set(parity.spread([]).values()) == {None}


def row(source, ratio, *, converged=True, same=False):
    return {"source": source, "parity": ratio, "own converged": converged, "same": same}


def test_only_chosen_settings_of_systems_that_the_program_solves_have_a_ratio():
    rows = [row("model", 2.0), row("second", 8.0), row("model", 1e-9, converged=False)]
    told = parity.summary([*rows, row("refused", 1.0, same=True), row("fallback", 3.0)], 7)
    assert told["geometric mean"] == pytest.approx(4.0)
    assert (told["solves"], told["chosen settings"], told["left out"]) == (5, 3, 7)
    assert (told["own ones fail"], told["own ones changed"]) == (1, 1)


def test_a_family_is_recorded_and_compared(tmp_path):
    """Exact settings have no error beside what a tolerance of 1e-2 stands for."""
    exact = pin(tmp_path / "exact", {"ksp_type": "gmres", "pc_type": "lu"})
    (loose, tight) = sources.cases(sources.Path("problems/elasticity3d/case.toml"), 2)
    result = parity.run([loose, tight], exact, [1], parity.Limits(), tmp_path / "kept")
    rows, told = (section.rows for section in result.sections)
    assert [each["chosen settings"] for each in told] == [2, 2]
    assert all(each["worst"] < 1e-3 for each in told)
    assert {each["measure"] for each in rows} == {"norm"}
    again = parity.run([loose, tight], exact, [1], parity.Limits(), tmp_path / "kept")
    assert again.document() == result.document()


def test_a_sequence_is_compared_in_its_order(host, tmp_path):
    """Every second one of six; exact settings have no error, and starts are told."""
    steps = [*host("time_steps"), "-n", "12", "-constant_steps", "3", "-changing_steps", "3"]
    metasolve.record(steps, tmp_path / "recording")
    exact = pin(tmp_path / "exact", {"ksp_type": "gmres", "pc_type": "lu"})
    source = sources.recorded(tmp_path / "recording")
    result = in_order.run([source], exact, parity.Limits(most=3))
    rows, (told,) = (section.rows for section in result.sections)
    assert len(rows) == told["solves"] == 3
    assert all(row["own converged"] for row in rows)
    assert told["worst"] is None or told["worst"] <= 1.0


def test_only_chosen_settings_of_a_sequence_have_a_ratio():
    more = {"start": "earlier", "preconditioner": "kept"}
    rows = [{**row("model", 2.0), **more}, {**row("refused", 9.0), **more, "start": "zero"}]
    told = in_order.summary(rows)
    assert (told["chosen settings"], told["from earlier solutions"], told["kept"]) == (1, 1, 1)
    assert told["worst"] == 2.0
