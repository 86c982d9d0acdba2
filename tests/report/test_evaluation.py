"""What is reported is what the measurements say, on measurements made by hand."""

import json
import math
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.baselines.contenders import Measurements, measure
from metasolve.recorded.evaluation import write_json
from metasolve.report.evaluation import DEFAULT, EQUAL, GLOBAL, MODEL, ORACLE, Evaluation
from metasolve.report.plot import plot
from metasolve.report.result import Result, Section
from metasolve.report.table import instance_table, short, summary_lines, summary_table
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason

CONTENDER = {"reason", "message", "iterations", "true_residual", "seconds"}


def outcome(seconds, reason=Reason.CONVERGED, residual=1e-6, setup=0.0):
    return Outcome(reason, 10, 10.0, residual, setup, seconds)


def measured(*outcomes, source=None, decision=0.0):
    record = {"seconds": {"decision": decision}, "settings": {"pc_type": "sor"}}
    records = [{**record, "source": source, "why": ""} if source else {} for _ in outcomes]
    return Measurements(list(outcomes), records)


def instance(name="a", share=1.0):
    payload = SimpleNamespace(operator=SimpleNamespace(rows=100))
    return Instance(name, {"log_rows": 2.0}, share, payload, 1e-5)


def evaluation(default, model, training_seconds=60.0, **more):
    """Seconds of default and model, instance by instance."""
    instances = [instance(f"i{k}") for k in range(len(default))]
    found = {
        DEFAULT: {i.id: measured(outcome(t)) for i, t in zip(instances, default, strict=True)},
        MODEL: {
            i.id: measured(outcome(t), source="model")
            for i, t in zip(instances, model, strict=True)
        },
    }
    found.update(more)
    return Evaluation(instances, found, None, {"train": 100}, training_seconds)


def test_speedups_are_ratios_of_medians():
    made = evaluation([2.0, 8.0, 3.0], [1.0, 1.0, 3.0])
    found = made.speedup(DEFAULT)
    assert found["geomean"] == pytest.approx(16 ** (1 / 3))
    assert (found["worst"], found["best"], found["median"]) == (1.0, 8.0, 2.0)
    assert found["total"] == pytest.approx(13 / 5)
    assert found["compared"] == 3


times = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=8)


@given(times, st.floats(1e-2, 1e2))
def test_a_model_that_is_always_so_many_times_faster_is_just_that(seconds, factor):
    found = evaluation([factor * t for t in seconds], seconds).speedup(DEFAULT)
    for key in ("geomean", "median", "worst", "best", "total"):
        assert found[key] == pytest.approx(factor)


def test_a_median_forgives_one_slow_repeat():
    times = [outcome(t) for t in (1.0, 100.0, 1.1, 0.9, 1.0)]
    assert Measurements(times).seconds(1.0) == 1.0


def test_a_shared_setup_is_paid_in_shares():
    assert measured(outcome(1.0, setup=4.0)).seconds(0.25) == 2.0


def test_parts_add_up_to_the_total():
    one = measured(outcome(2.0, setup=0.5), source="model", decision=0.1)
    parts = one.parts()
    assert parts == pytest.approx({"decision": 0.1, "setup": 0.4, "solve": 2.0})
    assert sum(parts.values()) == pytest.approx(one.seconds(1.0))


def test_failures_are_not_averaged_over():
    made = evaluation([1.0, 4.0], [1.0, 1.0])
    broken = Measurements([outcome(0.001, Reason.DIVERGED)], [{"source": "fallback"}])
    made.measured[MODEL]["i0"] = broken
    found = made.to_dict()
    assert found["failures"] == 1
    assert found["fallbacks"] == 1
    assert found["speedup"][DEFAULT]["compared"] == 1
    assert found["speedup"][DEFAULT]["geomean"] == 4.0


def test_what_a_baseline_fails_on_is_solved_again_by_the_programs_own_settings():
    made = evaluation([4.0, 2.0], [1.0, 1.0])
    made.measured[GLOBAL] = {
        "i0": measured(outcome(1.0, Reason.DIVERGED)),
        "i1": measured(outcome(1.0)),
    }
    found = made.speedup(GLOBAL)
    assert found["compared"] == 1
    assert found["geomean"] == 1.0
    assert found["resolved"] == pytest.approx(math.sqrt(5.0 * 1.0))
    assert made.speedup(DEFAULT)["resolved"] == made.speedup(DEFAULT)["geomean"]


def test_nothing_to_compare_is_said_and_not_a_crash():
    made = evaluation([1.0], [1.0])
    made.measured[MODEL]["i0"] = measured(outcome(1.0, Reason.DIVERGED), source="fallback")
    found = made.to_dict()
    assert found["speedup"][DEFAULT]["geomean"] is None
    assert found["break_even_solves"] is None
    summary_table(made)
    instance_table(made)


@pytest.mark.parametrize("residual", [2e-5, math.inf, math.nan])
def test_an_accepted_answer_above_the_tolerance_is_a_wrong_result(residual):
    made = evaluation([1.0], [1.0])
    assert made.wrong_results() == 0
    made.measured[MODEL]["i0"] = measured(outcome(1.0, residual=residual), source="model")
    assert made.wrong_results() == 1
    # The program's own solve may stop on another norm: that is not ours to judge.
    made.measured[MODEL]["i0"] = measured(
        outcome(1.0, Reason.WRONG_RESIDUAL, residual), source="fallback"
    )
    assert made.wrong_results() == 0
    assert made.to_dict()["failures"] == 0


def test_who_answered_in_a_repeat_answers_for_that_repeat():
    """The model in the first, the program's own settings, which stop on another norm, later."""
    made, own = evaluation([1.0], [1.0]), outcome(1.0, Reason.WRONG_RESIDUAL, 2e-5)
    records = [{"source": "switched"}, {"source": "refused"}]
    made.measured[MODEL]["i0"] = Measurements([outcome(1.0), own], records)
    assert made.wrong_results() == 0
    made.measured[MODEL]["i0"] = Measurements([outcome(1.0), own], records[::-1])
    assert made.wrong_results() == 1


def test_baselines_of_ours_must_reach_the_tolerance():
    inaccurate = {"i0": measured(outcome(1.0, Reason.WRONG_RESIDUAL, 1e-3))}
    made = evaluation([1.0], [1.0], **{EQUAL: inaccurate, GLOBAL: inaccurate})
    failures = made.to_dict()["failures_of"]
    assert failures == {DEFAULT: 0, MODEL: 0, EQUAL: 1, GLOBAL: 1}


def test_the_strongest_baseline_is_the_fastest_that_somebody_can_have():
    quick = {"i0": measured(outcome(0.5))}
    made = evaluation([3.0], [1.0], **{GLOBAL: {"i0": measured(outcome(2.0))}, ORACLE: quick})
    found = made.to_dict()
    assert found["strongest"] == GLOBAL
    assert found["over_oracle"][MODEL] == {"geomean": 2.0, "p90": 2.0, "worst": 2.0}
    assert found["over_oracle"][ORACLE]["worst"] == 1.0
    assert any("2.00 (p90)" in line for line in summary_lines(made))


def test_what_was_not_tried_is_no_oracle():
    assert evaluation([3.0], [1.0]).to_dict()["over_oracle"] == {}


def test_training_is_paid_back_by_what_is_saved():
    assert evaluation([3.0, 2.0], [1.0, 1.0]).break_even_solves() == pytest.approx(40)
    assert evaluation([1.0], [2.0]).break_even_solves() is None
    assert evaluation([2.0], [1.0], training_seconds=None).break_even_solves() is None


def test_how_long_training_took_is_said_beside_when_it_is_paid_back():
    lines = summary_lines(evaluation([3.0, 2.0], [1.0, 1.0], training_seconds=75.0))
    assert lines[-1] == (
        "training took 1 min 15 s of wall time, paid back after 50 solves like these"
    )
    lines = summary_lines(evaluation([2.0], [1.0], training_seconds=None))
    assert not any("paid back" in line for line in lines)


def test_the_json_has_the_keys_other_programs_rely_on(tmp_path):
    made = evaluation([2.0, 1.0], [1.0, 1.0])
    made.measured[MODEL]["i1"] = measured(outcome(1.0, residual=math.nan), source="refused")
    write_json(made, tmp_path / "new" / "evaluation.json")
    found = json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert {"failures", "wrong_results", "fallbacks", "calls", "break_even_solves"} <= set(found)
    assert {"geomean", "worst"} <= set(found["speedup"]["default"])
    assert len(found["instances"]) == found["count"] == 2
    for each in found["instances"]:
        assert {"features", "settings", "contenders"} <= set(each)
        for contender in each["contenders"].values():
            assert set(contender) >= CONTENDER
            assert set(contender["seconds"]) == {"decision", "setup", "solve", "total"}
    assert found["instances"][1]["contenders"]["model"]["true_residual"] is None


def test_contenders_take_turns_and_are_all_measured():
    order = []

    def solve(name):
        def one(each):
            order.append((name, each.id))
            return outcome(1.0), {}

        return one

    instances = [instance("a"), instance("b")]
    found = measure({"x": solve("x"), "y": solve("y")}, instances, 3)
    assert order[:2] == [("x", "a"), ("y", "a")]  # warm-up
    assert [name for name, _ in order[2:8]] == ["x", "y", "y", "x", "x", "y"]
    repeats = {i.id: {len(by[i.id].outcomes) for by in found.values()} for i in instances}
    assert all(len(same) == 1 and 3 <= min(same) <= 15 for same in repeats.values())


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_plot_is_written(tmp_path, suffix):
    made = evaluation([2.0, 1.0], [1.0, 1.5])
    made.measured[MODEL]["i1"] = measured(outcome(1.0, Reason.DIVERGED), source="fallback")
    plot(made, tmp_path / f"plot.{suffix}")
    assert (tmp_path / f"plot.{suffix}").stat().st_size > 1000


def test_the_headline_is_the_total():
    made = evaluation([2.0, 8.0, 2.0], [1.0, 2.0, 3.0])
    assert made.headline() == "6 s of 12 s saved on 3 unseen systems: 2.00 times faster in all"
    slower = evaluation([1.0], [4.0])
    assert slower.headline() == "3 s of 1 s lost on 1 unseen systems: 4.00 times slower in all"


def test_a_notebook_shows_the_headline_and_a_row_for_each_baseline():
    shown = evaluation([2.0, 8.0], [1.0, 2.0])._repr_html_()
    assert "7 s of 10 s saved" in shown
    assert shown.count("<tr>") == 2
    assert "2.83" in shown  # the geometric mean of 2 and 4


def test_a_plot_of_one_failure_is_no_crash(tmp_path):
    made = evaluation([2.0], [1.0])
    made.measured[MODEL]["i0"] = measured(outcome(1.0, Reason.DIVERGED), source="fallback")
    plot(made, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").exists()


def test_tables_say_what_was_chosen_and_why_not():
    made = evaluation([2.0, 1.0], [1.0, 1.5])
    made.measured[MODEL]["i1"].records[0].update(source="refused", why="unfamiliar")
    assert instance_table(made).row_count == 2
    column = list(instance_table(made).columns[-1].cells)
    assert "sor" in column[0]
    assert column[1] == "refused: unfamiliar"
    assert any("solver calls: training 100" in line for line in summary_lines(made))
    assert short("pc_hypre_boomeramg_strong_threshold") == "strong_threshold"


def test_an_evaluation_and_a_result_show_their_sizes():
    assert repr(evaluation([1.0, 2.0], [0.5, 1.0])) == "<Evaluation: 2 instances, 2 contenders>"
    section = Section("speed", [{"a": 1}, {"a": 2}])
    assert repr(Result("families", {"seeds": [1]}, [section])) == (
        "<Result families: 1 tables, 2 rows>"
    )
