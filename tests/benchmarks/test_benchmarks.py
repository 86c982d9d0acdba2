"""Benchmarks: their objectives are what they say, small runs keep the papers' ranking."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import control_variates, fixed_point, frank_wolfe, multi_tangent, spry
from benchmarks.__main__ import main
from benchmarks.functions import Functions
from benchmarks.objectives import OBJECTIVES
from benchmarks.step_sizes import METHODS, STEP_SIZES
from metasolve.report.result import Result, Section, silent

points = st.lists(st.floats(-2, 2), min_size=6, max_size=6).map(np.array)


@pytest.mark.parametrize("name", OBJECTIVES)
@given(points)
def test_gradients_are_derivatives(name, x):
    function = OBJECTIVES[name]
    axes = 1e-6 * np.eye(6)
    quotient = (function.value(x + axes) - function.value(x - axes)) / 2e-6
    np.testing.assert_allclose(function.gradient(x), quotient, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "least"), [("sphere", 0), ("rastrigin", 0), ("styblinski-tang", -2.903534)]
)
def test_minima_are_where_they_should_be(name, least):
    function = OBJECTIVES[name]
    assert function.value(np.full(6, least)) == pytest.approx(6 * function.least, abs=1e-9)
    np.testing.assert_allclose(function.gradient(np.full(6, float(least))), 0.0, atol=1e-4)
    for rosenbrock in ("rosenbrock", "separable-rosenbrock"):
        assert OBJECTIVES[rosenbrock].value(np.ones(6)) == 0.0


def test_every_published_step_size_is_there():
    for table in STEP_SIZES.values():
        assert max(table) == 1024
        assert all(len(row) == len(METHODS) for row in table.values())


@pytest.mark.parametrize(
    ("function", "n", "name", "k", "reference"),
    [
        ("sphere", 128, "mean", 1, 5.7e-2),
        ("sphere", 1024, "mean", 1, 386.0),
        ("styblinski-tang", 1024, "true", 0, -4.01e4),
        ("styblinski-tang", 1024, "mean", 1, -1.99e4),
    ],
)
def test_published_step_sizes_give_the_reference_values(function, n, name, k, reference):
    steps = multi_tangent.STEPS[function]
    found = multi_tangent.descend(function, n, name, k, steps, range(2)).mean()
    assert 1 / 1.5 < found / reference < 1.5


@pytest.mark.slow
def test_the_whole_reference_table_within_a_factor_of_three():
    """Where it is far from zero: values above 1e-3."""
    rows = multi_tangent.measure(range(5), everything=False, report=silent)
    found = {(r["function"], r["n"], r["method"], r["k"]): r["mean"] for r in rows}
    reference = {
        ("rosenbrock", 16): (5.4e-12, 2.32, 1.4e-3, 6.7e-12),
        ("rosenbrock", 64): (1.8e-8, 55.4, 10.2, 0.755),
        ("sphere", 128): (0.0, 5.7e-2, 1.7e-49, 2.7e-57),
        ("sphere", 1024): (0.0, 386.0, 1.9e-4, 1.4e-4),
        ("styblinski-tang", 1024): (-4.01e4, -1.99e4, -3.72e4, -3.72e4),
    }
    for case, values in reference.items():
        columns = (("true", 0), ("mean", 1), ("mean", 16), ("projected", 16))
        for column, value in zip(columns, values, strict=True):
            if abs(value) > 1e-3:
                assert 1 / 3 < found[case + column] / value < 3
            else:
                assert abs(found[case + column]) < 1e-3


def test_a_control_variate_ends_lower_than_the_forward_gradient_at_equal_calls():
    finals = {
        kind: control_variates.minimise(OBJECTIVES["sphere"], 32, kind, 120, 0).final
        for kind in (control_variates.PLAIN, control_variates.SURROGATE, control_variates.TRUE)
    }
    assert finals["true gradient"] < finals["control variate"] < 0.7 * finals["forward gradient"]


def test_sixteen_bits_learn_what_eight_do_not():
    finals = {}
    for name, (form, rate) in fixed_point.VARIANTS.items():
        training = fixed_point.train(form, rate, 1200, 0)
        assert training.replays
        finals[name] = training.costs[-1]
    assert finals["int16"] < 0.3 * min(finals[name] for name in finals if name != "int16")


def test_blocks_have_the_variance_of_the_law_and_turns_remove_bias():
    for count in (1, 4):
        row = spry._variance(16, count, 1000, [0, 1])
        assert row["measured"] == pytest.approx(row["predicted"], rel=0.15)
    own, turns = (spry.distance(name, 0.3, 300, 0) for name in (spry.FIXED, spry.CYCLIC))
    assert turns < 0.3 * own


def test_results_are_json_with_null_for_what_is_not_finite():
    rows = [{"a": np.float64(1.5), "b": np.inf, "c": None, "d": np.bool_(True)}]
    result = Result("name", {"seeds": range(2)}, (Section("title", rows),))
    document = json.loads(json.dumps(result.document()))
    assert document["tables"]["title"] == [{"a": 1.5, "b": None, "c": None, "d": True}]
    assert len(result.tables()) == 1


def test_functions_plots_what_it_measured(tmp_path):
    rows, histories = control_variates.measure([0, 1], [2], 5, silent)
    case = {"function": "sphere", "n": 128, "mean": 1.0, "min": 0.5, "max": 2.0}
    rounded = {"mean": 1.0 - 1e-16, "min": 1.0, "max": 1.0}  # as a mean of equal values may be
    tangents = [{**case, "method": "true", "k": 0}, {**case, **rounded, "method": "mean", "k": 4}]
    result = Result("functions", {}, (Section("a", tangents), Section("b", rows)))
    Functions(result, histories, 5).plot(tmp_path / "f.png")
    assert (tmp_path / "f.png").stat().st_size > 10_000


def test_the_command_shows_the_floor_of_the_naive_method_as_table_json_and_plot(capsys, tmp_path):
    words = ["frank-wolfe", "--seeds", "1", "--seed", "3"]
    words += ["--json", str(tmp_path / "f.json"), "--plot", str(tmp_path / "f.png")]
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert not stop.value.code
    assert "averaged forward" in capsys.readouterr().out
    document = json.loads((tmp_path / "f.json").read_text())
    assert document["settings"]["seeds"] == [3]
    [rows] = document["tables"].values()
    assert all(row["all points feasible"] for row in rows)
    assert {row["method"]: row["better than naive"] > 100 for row in rows} == {
        frank_wolfe.EXACT: True,
        frank_wolfe.NAIVE: False,
        frank_wolfe.AVERAGED: True,
    }
    assert (tmp_path / "f.png").is_file()


def test_seeds_that_are_none_are_refused(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["spry", "--seeds", "0"])
    assert stop.value.code == 2
    assert "at least 1 seed" in capsys.readouterr().err
