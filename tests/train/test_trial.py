"""Laws of the trial that chooses how gradients are measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.farm import SerialFarm
from metasolve.train import TrainConfig, trial
from metasolve.train.events import read_events
from metasolve.train.perturb import Plan
from metasolve.train.session import train_task
from metasolve.train.task import Task

PLANS = [Plan("projected", 2, "surrogate", ""), Plan("full", 2, "none", "")]


@given(st.floats(0.01, 100.0))
def test_the_length_of_a_gradient_does_not_matter(length):
    rng = np.random.default_rng(0)
    along, power, calls = rng.uniform(0.1, 1, 5), rng.uniform(0.1, 1, 5), rng.uniform(1, 9, 5)
    found = trial._efficiency(np.stack([along, power, calls], axis=1))
    scaled = trial._efficiency(np.stack([length * along, length**2 * power, calls], axis=1))
    np.testing.assert_allclose(scaled, found)


@pytest.mark.parametrize(("better", "winner"), [(0.9, 0), (1.5, 1)])
def test_only_what_is_surely_better_replaces_the_usual(better, winner):
    base = np.array([[1.0, 1.0, 3.0]] * 6)
    progress = np.stack([base, base * [better, 1.0, 1.0]])
    assert trial._judge(PLANS, progress, 6).estimator == PLANS[winner].estimator
    noisy = progress.copy()
    noisy[1, :, 0] = [9.0, -9.0, 9.0, -9.0, 9.0, 0.1]
    assert trial._judge(PLANS, noisy, 6).estimator == "projected"


def test_a_trial_is_counted_logged_and_gives_reasons(analytic, hasty, tmp_path, monkeypatch):
    monkeypatch.setattr(trial, "SHARE", 0.8)
    config = TrainConfig(calls=150, selection_share=0.1, measure="iterations")
    task = Task(analytic.instances(8, 5), analytic.space)
    model = train_task(task, SerialFarm(analytic()), tmp_path, config)
    events = read_events(tmp_path / "events.jsonl")
    tried = [each for each in events if each.get("phase") == "trial" and "outcome" in each]
    (chosen,) = [each for each in events if each["event"] == "gradient"]
    assert len(tried) == model.info["calls"]["trial"] > 0
    assert model.info["calls"]["train"] <= 150
    assert chosen["why"] == model.info["gradient"]["why"]
    assert "trial" in chosen["why"] or "base points" in chosen["why"]


@pytest.mark.parametrize(("once", "now"), [(True, "surrogate"), (False, "none")])
def test_a_control_variate_logged_as_a_truth_value_is_understood(once, now):
    assert TrainConfig(control_variate=once).control_variate == now
