"""Laws of the parts of training."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from metasolve.errors import ModelError, UsageError
from metasolve.gradient import arm_log_probabilities
from metasolve.model.model import symmetric
from metasolve.solve.instance import Instance
from metasolve.space import Choice, Real, Space
from metasolve.train.arms import Arms, shortlist
from metasolve.train.design import stratified
from metasolve.train.events import Events, read_events
from metasolve.train.inputs import Inputs, expected_seconds, usable
from metasolve.train.perturb import epsilon_for, step_sizes
from metasolve.train.split import split, spread_out


@given(st.lists(st.integers(0, 6), min_size=4, max_size=40), st.integers(0, 5))
def test_groups_stay_together_and_nothing_is_lost(labels, seed):
    groups = [str(label) for label in labels]
    indices = list(range(len(labels)))
    train, validation = split(groups, indices, seed)
    if len(set(groups)) < 2:
        assert train == validation == indices
        return
    assert sorted(train + validation) == indices
    assert train
    assert validation
    assert not {groups[i] for i in train} & {groups[i] for i in validation}


def test_spread_out_takes_the_corners_before_the_middle():
    table = np.array([[0.0, 0], [0.1, 0], [1, 1], [0.9, 1], [0, 1], [1, 0]])
    for seed in range(5):
        chosen = table[spread_out(table, 4, seed)]
        gaps = np.linalg.norm(chosen[:, None] - chosen[None], axis=2) + np.eye(4)
        assert gaps.min() > 0.5


def test_arm_probabilities_are_those_of_the_score_function(analytic):
    arms = Arms(analytic.space)
    z = np.random.default_rng(0).normal(size=(7, analytic.space.dim))
    everywhere = torch.ones(7, dtype=torch.bool)
    found = arms.log_probability(torch.as_tensor(z, dtype=torch.float32), everywhere).numpy()
    np.testing.assert_allclose(found, arm_log_probabilities(analytic.space, z), atol=1e-5)


NEEDY = Space(
    (
        Choice("ksp_type", ("gmres", "cg"), symmetric=("cg",)),
        Choice("pc_type", ("ilu", "sor", "icc"), symmetric=("icc",)),
    )
)


def test_arms_for_symmetric_operators_have_no_probability_for_others():
    """Those that are left share it all, in the proportions they had."""
    arms = Arms(NEEDY)
    assert [arm for arm, general in zip(arms.arms, arms.general, strict=True) if general] == [
        {"ksp_type": "gmres", "pc_type": "ilu"},
        {"ksp_type": "gmres", "pc_type": "sor"},
    ]
    z = torch.as_tensor(np.random.default_rng(0).normal(size=(9, NEEDY.dim)), dtype=torch.float32)
    here = torch.arange(9) % 2 == 0
    pi = arms.log_probability(z, here).exp()
    every = arms.log_probability(z, torch.ones(9, dtype=torch.bool)).exp()
    torch.testing.assert_close(pi.sum(dim=1), torch.ones(9))
    torch.testing.assert_close(pi[here], every[here])
    left = every[~here] * torch.as_tensor(arms.general)
    torch.testing.assert_close(pi[~here], left / left.sum(dim=1, keepdim=True))


@given(st.integers(0, 10**6))
def test_constants_are_judged_as_what_they_become(seed):
    """On every instance, by what the space decides where its operator is not symmetric."""
    space = Space((*NEEDY.settings, Real("omega", 0.5, 1.5, when={"ksp_type": ("gmres",)})))
    arms, here = Arms(space), np.array([True, False])
    numbers = np.random.default_rng(seed).uniform(-1, 1, (arms.count, space.dim))
    decided = arms.decided(numbers, here)
    for arm in range(arms.count):
        z = space.to_vector(arms.settings(arm, numbers[arm]))
        for row, is_symmetric in zip(decided, here, strict=True):
            settings = space.to_settings(z, bool(is_symmetric))
            np.testing.assert_allclose(row[arm], space.encode(settings), atol=1e-4)


def test_a_design_asks_none_of_them_of_other_operators():
    arms, here = Arms(NEEDY), np.arange(12) % 3 == 0
    asked = stratified(arms, here, range(12), 60, seed=1)
    wrong = [s for i, s in asked if not here[i] and not arms.general[NEEDY.arm_of(s)]]
    assert not wrong
    assert any(settings["ksp_type"] == "cg" for _, settings in asked)


def test_what_is_symmetric_is_read_from_standardised_features_too():
    """As from the features themselves; by asymmetry and by the sign of the diagonal."""
    rng = np.random.default_rng(2)
    instances = [
        Instance(str(i), {"log_asymmetry": a, "negative_diagonal": n, "rows": rng.normal()})
        for i, (a, n) in enumerate([(-12.0, 0.0), (-3.0, 0.0), (-12.0, 0.1), (-9.0, 0.0)])
    ]
    inputs = Inputs.of(instances)
    found = inputs.symmetric(inputs.table).tolist()
    assert found == [symmetric(each.features) for each in instances] == [True, False, False, True]


def test_arms_encode_as_the_space_does(analytic):
    arms, rng = Arms(analytic.space), np.random.default_rng(1)
    for arm in range(arms.count):
        numbers = rng.uniform(-1, 1, analytic.space.dim)
        settings = arms.settings(arm, numbers)
        assert analytic.space.arm_of(settings) == arm
        encoded = arms.onehot[arm] + arms.mask[arm] * numbers
        whole = np.abs(encoded - analytic.space.encode(settings))
        assert whole.max() < 0.34  # integers are rounded
    assert arms.prior().sum() == pytest.approx(1.0)


def test_a_stratified_design_is_even_over_choices_and_instances(analytic):
    arms = Arms(analytic.space)
    asked = stratified(arms, np.ones(9, dtype=bool), [3, 5, 8], 80, seed=2)
    kinds = [settings["pc_type"] for _, settings in asked]
    assert {kinds.count(kind) for kind in set(kinds)} == {20}
    turns = [index for index, _ in asked]
    assert max(map(turns.count, (3, 5, 8))) - min(map(turns.count, (3, 5, 8))) <= 1


def test_shortlist_keeps_whatever_is_best_somewhere():
    best = np.array([[0.0, 1.0, 0.5], [1.0, 0.0, 0.9]])
    assert list(shortlist(best, within=0.1, most=9)) == [0, 1]
    assert list(shortlist(best, within=0.6, most=9)) == [0, 1, 2]
    assert len(shortlist(best, within=0.6, most=1)) == 1


def test_a_perturbation_moves_an_integer_by_a_whole_step(analytic):
    sizes = step_sizes(analytic.space, 0.2)
    assert sizes[analytic.space.offset("levels")] == pytest.approx(0.4)
    assert sizes[analytic.space.offset("omega")] == 0.2


def test_epsilon_rises_with_noise_within_bounds():
    noises = [0.0, 0.03, 0.06, 0.1, 3.0]
    sizes = [epsilon_for(noise) for noise in noises]
    assert sizes == sorted(sizes)
    assert 0.1 <= sizes[0] <= sizes[-1] <= 0.5


def test_host_seconds_are_bounded_from_above_for_most():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(240, 12))
    seconds = np.exp(-3 + 1.2 * inputs[:, 0] - 0.5 * inputs[:, 1] + 0.3 * rng.normal(size=240))
    b, w = expected_seconds(inputs[:40], seconds[:40])
    bound = np.exp(b + inputs[40:] @ w)
    assert w[0] == pytest.approx(1.2, abs=0.3)
    assert np.mean(seconds[40:] <= bound) > 0.7
    assert np.median(bound / seconds[40:]) < 3.0
    b, w = expected_seconds(np.zeros((2, 3)), [0.5, 0.5])
    assert b == pytest.approx(np.log(0.5))
    assert (w == 0).all()


def test_inputs_keep_common_features_and_silence_constant_ones():
    instances = [Instance(str(i), {"a": float(i), "b": 2.0, f"only{i}": 1.0}) for i in range(5)]
    inputs = Inputs.of(instances)
    assert inputs.standardisation.names == ("a", "b")
    assert list(inputs.varies) == [True, False]
    assert (inputs.table[:, 1] == 0).all()
    with pytest.raises(UsageError, match="record some"):
        Inputs.of([])
    assert usable([Instance("x", {"a": float("nan")}), instances[0]]) == [instances[0]]


def test_a_damaged_line_in_the_middle_is_an_error_and_a_torn_last_one_is_not(tmp_path):
    path = tmp_path / "events.jsonl"
    log = Events(path)
    for number in range(3):
        log.emit("step", number=number)
    log.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert [event["number"] for event in read_events(path)] == [0, 1]
    path.write_bytes(whole.replace(b'"step"', b'"st\x00', 1))
    with pytest.raises(ModelError, match=":1 is damaged"):
        read_events(path)


def test_training_needs_neither_petsc_nor_mpi():
    program = (
        "import sys, metasolve.train.session, metasolve.recorded.training, metasolve.model;"
        "assert not {'petsc4py', 'mpi4py'} & {name.split('.')[0] for name in sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    quick = "import sys, metasolve.model, metasolve.cli.train; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", quick], check=True)
