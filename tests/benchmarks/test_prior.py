import numpy as np
import pytest

pytest.importorskip("petsc4py")
pytest.importorskip("sklearn")

from benchmarks.prior import run
from benchmarks.prior_choice import (
    SMALL,
    Foreseen,
    costs,
    foresee,
    foresee_larger,
    forest,
    single_of_others,
)
from benchmarks.prior_posterior import PARTS, Posterior, parts
from benchmarks.prior_streams import LENGTH, online, thompson, tsallis
from benchmarks.prior_table import Table, comparable, hand_rule, own_seconds, table
from metasolve.prior import read_candidates
from metasolve.prior.candidates import DEFAULT
from metasolve.prior.corpus import Row, Taken

CANDIDATES = read_candidates()
NAMES = tuple(each.name for each in CANDIDATES)


def system(number, measure="norm", **changed):
    rng = np.random.default_rng(number)
    symmetric = number % 2 == 0
    features = {
        "log_rows": 3.5 + rng.random(),
        "nonzeros_per_row": 5.0,
        "log_asymmetry": -12.0 if symmetric else -1.0,
        "negative_diagonal": 0.0,
    }
    taken = {}
    for place, each in enumerate(CANDIDATES):
        if each.suits(features):
            seconds = 1e-3 * (1 + place) * np.exp(0.05 * rng.standard_normal())
            taken[each.name] = Taken(0.2 * seconds, 0.8 * seconds, 10, 1e-7, "CONVERGED", 1.0)
    taken |= changed
    kind = f"{'even' if symmetric else 'odd'}{number % 6}"
    return Row(kind, kind, number, measure, 1e-6, features, taken, "a machine")


@pytest.fixture(scope="module")
def known():
    return table([system(number) for number in range(48)], CANDIDATES)


def test_own_settings_cost_nothing_more(known):
    assert (costs(known, known.own) == 0.0).all()


def test_programs_that_factorise_are_compared_with_a_factorisation():
    direct = table([system(0, "backward")], CANDIDATES)
    assert NAMES[direct.own[0]] == "lu-petsc"
    assert NAMES[table([system(0)], CANDIDATES).own[0]] == DEFAULT


def test_what_own_settings_do_not_solve_is_left_out():
    failed = Taken(0.0, 0.0, 0, None, "SETUP_FAILED", 1.0)
    assert not comparable(system(0, **{DEFAULT: failed}))
    slow = Taken(0.1, 0.9, 9, 1e-3, "TIME_BUDGET", 1.0)
    assert comparable(system(0, **{DEFAULT: slow}))
    assert own_seconds(system(0, **{DEFAULT: slow})) == 1.0


@pytest.mark.parametrize(
    ("taken", "cost"),
    [
        (Taken(0.5, 0.5, 9, 1e-7, "CONVERGED", 9.0), 0.5),
        (Taken(0.5, 99.0, 9, 1e-7, "CONVERGED", 9.0), 3.0),
        (Taken(0.5, 0.5, 9, 1e-3, "TIME_BUDGET", 9.0), 3.0),
        (Taken(0.5, 0.5, 9, 1e-3, "DIVERGED", 9.0), 1.5),
    ],
)
def test_a_failure_costs_what_it_took_and_own_settings_after_it(taken, cost):
    own = Taken(1.0, 1.0, 9, 1e-7, "CONVERGED", 9.0)
    made = table([system(0, **{DEFAULT: own, "cg+icc0": taken})], CANDIDATES)
    assert np.exp(made.L[0, 0]) == pytest.approx(cost)


def test_the_hand_rule_looks_at_symmetry_and_size():
    assert hand_rule(system(0)) in ("cg+icc0", "cg+gamg")
    assert hand_rule(system(1)) == "bcgs+ilu0"


def test_the_prior_finds_what_is_best_on_kinds_left_out(known):
    chosen = foresee(known, forest(trees=16)).choices(known)
    assert costs(known, chosen).mean() < -1.0
    assert known.usable[np.arange(len(chosen)), chosen].all()


def test_a_fit_does_not_see_the_kind_it_is_asked_about(known):
    seen = []

    def learner(some, Z):
        seen.append((len(some.X), len(Z)))
        assert not {tuple(x) for x in some.X} & {tuple(z) for z in Z}
        return np.zeros((2, len(Z), *some.Y.shape[1:]))

    foresee(known, learner)
    assert sum(out for _, out in seen) == len(known.rows)
    assert all(inside + out == len(known.rows) for inside, out in seen)


def test_a_fit_that_is_asked_about_larger_systems_has_seen_smaller_ones(known):
    def learner(some, Z):
        assert some.X[:, 0].max() <= np.log10(SMALL) < Z[:, 0].min()
        return np.zeros((2, len(Z), *some.Y.shape[1:]))

    larger, foreseen = foresee_larger(known, learner)
    assert 0 < len(larger.rows) == len(foreseen.mean) < len(known.rows)


def test_what_is_hardly_faster_is_not_taken(known):
    """Nor what is faster by less than it is uncertain."""
    mean, apart = np.zeros(known.L.shape), np.zeros((len(known.L), PARTS + 1, known.L.shape[1]))
    mean[:, 0] = -0.25
    assert (Foreseen(mean, mean * 0, apart).choices(known) == known.own).all()
    mean[:, 0] = -0.4
    taken = Foreseen(mean, mean * 0, apart).choices(known) == 0
    assert (taken == known.usable[:, 0]).all()


def test_one_setting_for_others_is_not_fitted_to_its_own_kind(known):
    assert isinstance(known, Table)
    assert (costs(known, single_of_others(known)) <= 0.0).all()


def costs_of_three(best):
    L = np.full((LENGTH, 3), 1.0)
    L[:, 0], L[:, best] = 0.0, -1.0
    return L


@pytest.mark.parametrize("best", [1, 2])
def test_bandits_find_the_best_in_the_end(best):
    L, rng = costs_of_three(best), np.random.default_rng(0)
    assert tsallis(L, rng)[-100:].mean() < -0.3
    assert thompson(L, L < 9, rng)[-100:].mean() == pytest.approx(-1.0)


def test_a_wrong_prior_is_corrected_within_the_account():
    L, home = costs_of_three(2), np.zeros(LENGTH, dtype=int)
    relative, apart = np.tile([0.0, -1.0, -0.8], (LENGTH, 1)), np.zeros((LENGTH, PARTS + 1, 3))
    answers = np.ones(L.shape, dtype=bool)
    rows = np.zeros(LENGTH)
    taken = online(L, answers, rows, np.ones(LENGTH), home, relative, apart, L - relative)
    assert taken[-100:].mean() == pytest.approx(-1.0)
    assert (np.exp(np.maximum(taken, 0.0)) - 1.0).sum() < 10.0


def test_parts_that_foresaw_what_was_seen_gain_weight():
    """Half of the members say that a and b are slower, half that they are faster: one tells."""
    each = np.zeros((2 * PARTS, 1, 3))
    each[::2, 0, :2], each[1::2, 0, :2] = 1.0, -1.0
    (apart,), posterior = parts(each), Posterior(3)
    before = posterior.deviation(apart, 2)
    for _ in range(20):
        posterior.see(apart, 0, 1.0)
    a, b, c = posterior.mean(apart)
    assert a > b > 0.5 > abs(c)
    assert posterior.deviation(apart, 2)[1] < 0.8 * before[1]


def test_one_odd_solve_tells_little_and_two_tell_that_it_lasts():
    apart, posterior = np.zeros((PARTS + 1, 2)), Posterior(2)
    for _ in range(10):
        posterior.see(apart, 0, 0.0)
    posterior.see(apart, 0, 3.0)
    once = posterior.mean(apart)[0]
    posterior.see(apart, 0, 3.0)
    assert 0.5 < once < 1.0
    assert posterior.mean(apart)[0] > 2 * once


def test_every_table_has_its_rows():
    measured = run([system(number) for number in range(24)], rivals=False).result
    assert len(measured.sections) == 4
    assert next(iter(measured.sections[0].rows))["choice"].startswith("prior")
    assert measured.settings["compared"] == 24
