"""Laws of what a prior is to a training: a mean to begin from, and candidates to begin with."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from metasolve.farm import SerialFarm
from metasolve.model.matches import as_tensor
from metasolve.model.squash import squash
from metasolve.prior.candidates import Candidate, Own
from metasolve.prior.expertise import Expertise, own_settings
from metasolve.prior.forest import fit
from metasolve.prior.prior_file import Prior
from metasolve.solve.solver import Budget
from metasolve.train import TrainConfig
from metasolve.train.difficulty import Difficulty
from metasolve.train.events import read_events
from metasolve.train.foreseen import Foreseen
from metasolve.train.inputs import Inputs
from metasolve.train.past import journal_of
from metasolve.train.session import repeat, train_task
from metasolve.train.task import Task

pytest.importorskip("sklearn")
CHOICES = (
    {"pc_type": "ilu", "levels": "0"},
    {"pc_type": "ilu", "levels": "2"},
    {"pc_type": "ilu", "levels": "4"},
    {"pc_type": "jacobi"},
    {"pc_type": "sor", "omega": "1.2"},
    {"pc_type": "gamg", "threshold": "0.02", "smooths": "1"},
    {"pc_type": "gamg", "threshold": "0.005", "smooths": "2"},
    {"pc_type": "gamg", "threshold": "0.1", "smooths": "2"},
)
CANDIDATES = tuple(
    Candidate(f"c{n}", False, (Own("gmres", "ilu", "-"),) if n == 0 else (), options, options)
    for n, options in enumerate(CHOICES)
)


def known(instances):
    """The instances with a feature that a prior asks for."""
    return [replace(i, features={**i.features, "nonzeros_per_row": 5.0}) for i in instances]


@pytest.fixture(scope="module")
def prior(analytic):
    """Fitted to 300 other instances of the family."""
    solver, corpus = analytic(), known(analytic.instances(300, 99))
    names = tuple(corpus[0].features)
    X = np.array([list(each.features.values()) for each in corpus])
    unit = np.array([10.0 ** each.features["log_rows"] * 5e-9 for each in corpus])
    settings = [analytic.space.complete(_typed(options)) for options in CHOICES]
    seconds = [[solver.log_seconds(each, one) for one in settings] for each in corpus]
    Y = np.repeat((np.array(seconds) - np.log(unit)[:, None])[..., None], 2, axis=2)
    return Prior(names, CANDIDATES, np.zeros((len(CHOICES), 2)), fit(X, Y))


def _typed(options):
    numbers = {"levels": int, "smooths": int, "omega": float, "threshold": float}
    return {name: numbers.get(name, str)(text) for name, text in options.items()}


def task(analytic, prior, count=24, seed=0):
    """Instances that were recorded, with the prior."""
    instances, solver = known(analytic.instances(count, seed)), analytic()
    own = [own_settings(CANDIDATES, "gmres", "ilu")] * count
    recorded = {each.id: solver.solve(each, {}, Budget()) for each in instances}
    expertise = Expertise(prior, own)
    return Task(instances, analytic.space, expertise=expertise, recorded=recorded)


def foreseen(analytic, prior, slower=0.0):
    """What is foreseen once hosts were seen that took exp(slower) times what they take."""
    asked, solver = task(analytic, prior), analytic()
    inputs = Inputs.of(asked.instances)
    taken = {n: np.exp(solver.log_seconds(i, {}) + slower) for n, i in enumerate(asked.instances)}
    difficulty = Difficulty(inputs.table, taken)
    held = (asked.space, inputs, difficulty)
    return Foreseen.of(asked.expertise, *held, taken, 1.0), inputs, difficulty


def test_settings_of_a_candidate_take_what_it_is_foreseen_to_take(analytic, prior):
    found, inputs, difficulty = foreseen(analytic, prior)
    x = as_tensor(inputs.table)
    host, rule = difficulty.of_host(x)[0], difficulty.rule(x)
    for column, place in enumerate(found.places):
        s = as_tensor(place.encoded[None]).expand(len(x), -1)
        cost = squash(as_tensor(found.costs(inputs.table)[:, column]) - host)
        assert torch.allclose(found(x, s), cost + host - rule, atol=1e-2)


def test_it_foresees_better_than_a_constant(analytic, prior):
    found, inputs, _ = foreseen(analytic, prior)
    solver, instances = analytic(), task(analytic, prior).instances
    taken = np.array(
        [[solver.log_seconds(i, place.settings) for place in found.places] for i in instances]
    )
    error = found.costs(inputs.table) - taken
    assert error.std() < 0.5 * taken.std()


def test_between_candidates_of_the_same_words_it_goes_from_one_to_the_other(analytic, prior):
    found, inputs, _ = foreseen(analytic, prior)
    levels = [analytic.space.encode({"pc_type": "ilu", "levels": level}) for level in range(5)]
    x = as_tensor(inputs.table[:1])
    low, between, high = found(x, as_tensor(levels))[[0, 1, 2]].tolist()
    assert min(low, high) <= between <= max(low, high)


def test_other_words_take_what_those_with_most_words_alike_take(analytic, prior):
    found, inputs, _ = foreseen(analytic, prior)
    square = {"pc_type": "gamg", "threshold": 0.02, "smooths": 1, "square": True}
    x = as_tensor(inputs.table[:1])
    plain, other = found(
        x, as_tensor([analytic.space.encode({**square, "square": on}) for on in (False, True)])
    ).tolist()
    jacobi = found(x, as_tensor(analytic.space.encode({"pc_type": "jacobi"})[None])).item()
    assert abs(other - plain) < 0.2 * abs(other - jacobi)


def test_a_slow_host_says_that_the_machine_is_slow(analytic, prior):
    usual, inputs, _ = foreseen(analytic, prior)
    slow = foreseen(analytic, prior, slower=1.0)[0]
    added = slow.costs(inputs.table) - usual.costs(inputs.table)
    assert added.mean() == pytest.approx(1.0, abs=0.1)


def test_numbers_have_a_slope(analytic, prior):
    found, inputs, _ = foreseen(analytic, prior)
    s = as_tensor(analytic.space.encode({"pc_type": "ilu", "levels": 1})[None])
    s.requires_grad_(True)
    found(as_tensor(inputs.table[:1]), s).sum().backward()
    where = analytic.space.continuous
    assert s.grad[0, analytic.space.offset("levels")] != 0.0
    assert torch.isfinite(s.grad[0, where]).all()


def regret(model, analytic):
    unseen, solver = known(analytic.instances(40, 1000)), analytic()
    return np.mean([solver.regret(each, model.settings(each.features)) for each in unseen])


@pytest.mark.slow
def test_with_few_calls_it_loses_less_than_from_nothing(analytic, prior, tmp_path):
    regrets = {
        start: [
            regret(
                train_task(
                    task(analytic, prior, 60, 0),
                    SerialFarm(analytic()),
                    tmp_path / f"{start}{seed}",
                    TrainConfig(calls=80, seed=seed, prior=start),
                ),
                analytic,
            )
            for seed in range(3)
        ]
        for start in ("shipped", "none")
    }
    assert np.mean(regrets["shipped"]) < 0.8 * np.mean(regrets["none"]), regrets


@pytest.mark.parametrize("options", [{"prior": "none"}, {"measure": "iterations"}])
def test_where_it_is_not_asked_all_is_as_without_it(analytic, prior, hastily, tmp_path, options):
    config = TrainConfig(calls=40, seed=1, **options)
    informed = task(analytic, prior, 8)
    with hastily():
        for name, asked in (("with", informed), ("without", replace(informed, expertise=None))):
            train_task(asked, SerialFarm(analytic()), tmp_path / name, config)
    one, other = (
        [e for e in read_events(tmp_path / name / "events.jsonl") if e["event"] == "evaluation"]
        for name in ("with", "without")
    )
    for event in (*one, *other):
        del event["time"], event["elapsed"]
    assert one == other


def test_the_first_settings_of_the_design_are_candidates(analytic, prior, hastily, tmp_path):
    asked = task(analytic, prior, 12)
    with hastily():
        train_task(asked, SerialFarm(analytic()), tmp_path, TrainConfig(calls=60, seed=1))
    events = read_events(tmp_path / "events.jsonl")
    design = [e["settings"] for e in events if e.get("phase") == "design" and "outcome" in e]
    candidates = [analytic.space.complete(_typed(options)) for options in CHOICES]
    assert all(each in candidates for each in design[: len(design) // 4])


def test_where_no_call_is_left_for_a_design_all_is_as_foreseen(analytic, prior, hastily, tmp_path):
    asked, config = task(analytic, prior), TrainConfig(calls=16, seed=1, design_share=0.05)
    with hastily():
        model = train_task(asked, SerialFarm(analytic()), tmp_path, config)
    told = [e for e in read_events(tmp_path / "events.jsonl") if e["event"] == "evaluation"]
    assert "design" not in {each["phase"] for each in told}
    assert model.info["calls"]["train"] <= 16


def test_what_a_journal_tells_corrects_what_is_foreseen_and_is_replayed(
    analytic, prior, hastily, tmp_path
):
    """The log holds it: a journal that has gone on since then changes nothing."""
    asked = task(analytic, prior, 8)
    parts = [0] * 22 + [1000]
    told = replace(asked.expertise, journal=[["c3", 1.0, parts]] * 50 + [["gone", 9.0, parts]])
    asked = replace(asked, expertise=told)
    assert len(told.seen) == 50
    first, again = tmp_path / "first", tmp_path / "again"
    with hastily():
        train_task(asked, SerialFarm(analytic()), first, TrainConfig(calls=40, seed=1))
        events = read_events(first / "events.jsonl")
        assert journal_of(events) == told.journal
        assert journal_of([]) is None
        repeat(asked, again, events, {}, {})
    for name in ("policy.txt", "weights.safetensors"):
        assert (again / name).read_bytes() == (first / name).read_bytes()


def test_more_calls_go_on_with_what_was_remembered(analytic, prior, hastily, tmp_path):
    """Instances that only taught were not measured under the host's own configuration."""
    asked, farm = task(analytic, prior, 24), SerialFarm(analytic())
    with hastily():
        train_task(asked, farm, tmp_path, TrainConfig(calls=40, seed=1))
        events = read_events(tmp_path / "events.jsonl")
        model = train_task(asked, farm, tmp_path, TrainConfig(calls=60, seed=1), events)
        repeat(asked, tmp_path / "again", read_events(tmp_path / "events.jsonl"), {}, {})
    assert 40 < model.info["calls"]["train"] <= 60
    again = (tmp_path / "again" / "weights.safetensors").read_bytes()
    assert again == (tmp_path / "weights.safetensors").read_bytes()


def test_a_candidate_that_was_slower_is_foreseen_to_be(analytic, prior):
    asked = task(analytic, prior)
    inputs = Inputs.of(asked.instances)
    taken = {n: np.exp(analytic().log_seconds(i, {})) for n, i in enumerate(asked.instances)}
    held = (asked.space, inputs, Difficulty(inputs.table, taken), taken, 1.0)
    slow = replace(asked.expertise, journal=[["c3", 1.0, [0] * 23]] * 50)
    usual, wiser = Foreseen.of(asked.expertise, *held), Foreseen.of(slow, *held)
    added = (wiser.costs(inputs.table) - usual.costs(inputs.table)).mean(axis=0)
    assert added[3] == pytest.approx(1.0, abs=0.1)
    assert np.abs(np.delete(added, 3)).max() < 0.3
