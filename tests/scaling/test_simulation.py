"""Laws of the simulated farm: Graham's bounds, monotony, exactness on one rank."""

import dataclasses
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import UsageError
from metasolve.scaling.costs import OVERHEADS
from metasolve.scaling.durations import SPREAD, around, built_in, durations, of_training
from metasolve.scaling.simulation import Durations, Overheads, limit, predict, simulate

seconds = st.floats(1e-4, 10.0)
pairs = st.lists(st.tuples(seconds, seconds), min_size=1, max_size=40)
ranks = st.integers(1, 12)
costs = st.builds(
    Overheads,
    **{name: st.floats(0.0, 0.1) for name in ("call", "pull", "merge", "alpha", "serial")},
    counter=st.floats(0.0, 0.05),
    beta=st.floats(0.0, 1e-6),
    size=st.floats(0.0, 1e3),
)


def split(calls):
    actual, expected = np.array(calls).T
    return actual, expected


@given(pairs, ranks)
def test_list_scheduling_keeps_grahams_bounds(calls, count):
    """max(Σ/p, longest) <= wall <= Σ/p + longest, whatever was expected."""
    actual, expected = split(calls)
    wall = simulate(actual, expected, count).wall
    share, longest = actual.sum() / count, actual.max()
    assert max(share, longest) <= wall * (1 + 1e-12)
    assert wall <= (share + longest) * (1 + 1e-12)


@given(pairs)
def test_one_rank_takes_the_sum(calls):
    actual, expected = split(calls)
    batch = simulate(actual, expected, 1)
    assert batch.wall == pytest.approx(actual.sum(), rel=1e-12)
    assert batch.idle == pytest.approx(0.0, abs=1e-12)


@given(st.lists(seconds, min_size=1, max_size=7), st.integers(1, 3))
def test_longest_first_is_within_four_thirds_of_the_best_schedule(calls, count):
    """Graham 1969: at most 4/3 - 1/(3p) times the optimum, found here by trying everything."""
    optimum = min(
        max(np.bincount(places, weights=calls, minlength=count))
        for places in itertools.product(range(count), repeat=len(calls))
    )
    bound = (4 / 3 - 1 / (3 * count)) * optimum
    assert simulate(calls, calls, count).wall <= bound * (1 + 1e-12)


@given(pairs, ranks, costs)
def test_another_rank_never_hurts_the_schedule(calls, count, paid):
    """Exchange and counter grow with ranks, so only the schedule itself is compared."""
    actual, expected = split(calls)
    free = dataclasses.replace(paid, pull=0.0, counter=0.0, merge=0.0, alpha=0.0, beta=0.0)
    more, fewer = (simulate(actual, expected, p, free).wall for p in (count + 1, count))
    assert more <= fewer * (1 + 1e-12)


@given(pairs, ranks, costs, st.data())
def test_a_longer_call_never_makes_a_batch_shorter(calls, count, paid, data):
    actual, expected = split(calls)
    longer = actual.copy()
    longer[data.draw(st.integers(0, len(actual) - 1))] += data.draw(seconds)
    before, after = (simulate(each, expected, count, paid).wall for each in (actual, longer))
    assert after >= before * (1 - 1e-12)


@given(pairs, ranks, costs, st.sampled_from(["call", "pull", "counter", "merge", "alpha", "size"]))
def test_an_overhead_never_makes_a_batch_shorter(calls, count, paid, name):
    actual, expected = split(calls)
    more = dataclasses.replace(paid, **{name: getattr(paid, name) + 0.01})
    before, after = (simulate(actual, expected, count, each).wall for each in (paid, more))
    assert after >= before * (1 - 1e-12)


@given(pairs, ranks, costs)
def test_the_same_again(calls, count, paid):
    assert simulate(*split(calls), count, paid) == simulate(*split(calls), count, paid)


@given(st.integers(1, 8), st.integers(1, 6))
def test_equal_calls_fill_whole_rounds(count, rounds):
    """n = p·k calls of one second take k seconds."""
    calls = np.ones(count * rounds)
    assert simulate(calls, calls, count).wall == pytest.approx(rounds)


def test_a_counter_that_serialises_bounds_the_rate():
    """No more calls start per second than the counter answers."""
    calls = np.full(1000, 1e-6)
    wall = simulate(calls, calls, 100, Overheads(pull=1e-3, counter=1e-3)).wall
    assert wall >= 900 * 1e-3


def test_longest_first_saves_the_tail():
    """One long call among short ones: started first it hides, started last it does not."""
    actual = np.r_[np.ones(20), 10.0]
    known, unknown = np.r_[np.ones(20), 10.0], np.r_[np.ones(20), 0.1]
    assert simulate(actual, known, 3).wall == pytest.approx(10.0)
    assert simulate(actual, unknown, 3).wall == pytest.approx(16.0)


@pytest.mark.parametrize("words", [([1.0], [1.0], 0), ([], [], 1)])
def test_nothing_to_simulate_is_refused(words):
    with pytest.raises(UsageError, match="at least one of each"):
        simulate(*words)


def test_a_negative_overhead_is_refused():
    with pytest.raises(UsageError, match="pull=-1"):
        Overheads(pull=-1.0)


def test_predictions_are_those_of_the_batches_and_of_amdahl():
    calls = Durations(np.full(10, 0.1), np.full(10, 0.1), "equal")
    [two, many] = predict(calls, [2, 64], 64, Overheads(serial=0.96, probe=0.01))
    assert (two.efficiency, many.efficiency) == (pytest.approx(1.0), pytest.approx(1.0))
    assert two.step_efficiency == pytest.approx((1.6 + 6.4) / (2 * (1.6 + 3.2)))
    assert many.step_seconds == pytest.approx(1.6 + 0.1)
    assert limit([two, many], 0.9) is None
    assert limit([two, many], 0.5, step=True) == 64


def test_the_seed_decides_the_batches():
    first, again, other = (predict(built_in(), [64], 256, OVERHEADS, seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_manual_says_what_is_simulated():
    """Its row of built-in durations: efficiency at 256 ranks of 4,096 evaluations, and the ends."""
    manual = (Path(__file__).parents[2] / "docs" / "results" / "scaling.md").read_text()
    [row] = re.findall(r"^\| built-in, 128 .*\|$", manual, re.MULTILINE)
    told = [float(cell) for cell in row.split("|")[4:7]]
    found = predict(built_in(), [2**power for power in range(1, 13)], 4096, OVERHEADS, repeats=5)
    [middle] = [each for each in found if each.ranks == 256]
    assert told == [round(middle.efficiency, 2), limit(found, 0.9), limit(found, 0.5)]


def test_a_training_is_replayed_against_the_programs_own_time(tmp_path):
    def event(instance, settings, setup, solve):
        outcome = {
            "reason": "CONVERGED", "iterations": 1, "fractional_iterations": 1.0,
            "true_residual": 0.0, "setup_seconds": setup, "solve_seconds": solve,
        }  # fmt: skip
        return {
            "event": "evaluation", "instance": instance, "settings": settings, "outcome": outcome,
        }  # fmt: skip

    lines = [
        {"event": "start"},
        event("a", {}, 0.1, 0.9), event("b", {}, 0.0, 4.0), event("a", {}, 0.1, 2.9),
        event("a", {"x": 1}, 0.25, 0.25), event("b", {"x": 1}, 0.0, "inf"),
    ]  # fmt: skip
    (tmp_path / "events.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    found = of_training(tmp_path)
    assert found.actual.tolist() == [1.0, 4.0, 3.0, 0.5]  # an infinite one cannot be replayed
    assert found.expected.tolist() == [2.0, 4.0, 2.0, 2.0]
    assert durations(tmp_path).source == found.source


def test_what_is_neither_training_nor_recording_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"neither events\.jsonl nor manifest\.jsonl"):
        durations(tmp_path)


def test_a_recording_is_spread_as_training_spreads_it():
    """Drawn times keep the spread of a training below its cap of twice the program's own time."""
    found = around(np.ones(4000), seed=0)
    logs = np.log(found)
    assert logs.max() == pytest.approx(np.log(2.0))
    assert np.sqrt(np.mean(logs[logs < 0] ** 2)) == pytest.approx(SPREAD, rel=0.1)
    assert (found == around(np.ones(4000), seed=0)).all()


@pytest.mark.parametrize("least", [0.9, 0.7, 0.5])
@pytest.mark.parametrize("evaluations", [64, 1024, 4096])
def test_the_manuals_formula_promises_no_more_ranks_than_the_simulation(least, evaluations):
    """p = (T(1)/e - n(t + c)) / (s + n(q + m) + l), with what it leaves out set to nothing."""
    costs = dataclasses.replace(OVERHEADS, pull=0.0, counter=0.0, alpha=0.0, beta=0.0)
    calls = built_in()
    actual, expected = calls.drawn(evaluations, np.random.default_rng([0, 4]))
    fixed = costs.trainer(evaluations) + costs.merge * evaluations
    work = float(actual.sum()) + costs.call * evaluations
    most = int(((fixed + work) / least - work) / (fixed + actual.max() + costs.call))
    alone = simulate(actual, expected, 1, costs).wall + costs.trainer(evaluations)
    step = simulate(actual, expected, max(most, 1), costs).wall + costs.trainer(evaluations)
    assert alone == pytest.approx(fixed + work)
    assert alone / (max(most, 1) * step) >= least
