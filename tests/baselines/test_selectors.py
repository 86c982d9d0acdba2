"""Other ways to choose by instance are what they say, and cost what they say."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metasolve.baselines.contenders import constant
from metasolve.baselines.hand_rule import ROWS_FOR_LU, ROWS_FOR_MULTIGRID, hand_rule
from metasolve.baselines.nearest import NEIGHBOURS, Nearest
from metasolve.baselines.oracle import best_of_each, fastest
from metasolve.model.model import Model, Standardisation
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget
from metasolve.space import Choice, Real, Space

SPACE = Space(
    (
        Choice("ksp", ("cg", "gmres")),
        Choice("pc", ("sor", "ilu", "lu")),
        Real("omega", 0.2, 1.8, default=1.0, when={"pc": ("sor",)}),
    )
)


def instances(points):
    return [Instance(f"i{k}", {"x": float(x)}) for k, x in enumerate(points)]


def model(known, measure="seconds"):
    standardisation = Standardisation.fit(["x"], np.array([[i.features["x"]] for i in known]))
    return Model("policy", SPACE, standardisation, (), {"measure": measure, "cap": 2.0})


def evaluation(instance, settings, cost):
    return {"event": "evaluation", "instance": instance.id, "settings": settings, "cost": cost}


@given(
    st.lists(st.floats(-10, 10), min_size=NEIGHBOURS, max_size=9, unique=True),
    st.floats(-10, 10),
    st.integers(0, 1000),
)
def test_on_a_table_the_least_mean_over_the_four_nearest_wins(points, asked, seed):
    known, choices = instances(points), [SPACE.complete(arm) for arm in SPACE.arms()]
    costs = np.random.default_rng(seed).standard_normal((len(known), len(choices)))
    events = [
        evaluation(each, settings, costs[i, j])
        for i, each in enumerate(known)
        for j, settings in enumerate(choices)
    ]
    model_ = model(known)
    scaled = model_.standardisation(np.array([points, [asked] * len(points)]).T[:, :1])[:, 0]
    place = model_.standardisation(np.array([[asked]]))[0, 0]
    nearest = np.argsort((scaled - place) ** 2, kind="stable")[:NEIGHBOURS]
    best = int(np.argmin(costs[nearest].mean(axis=0)))
    rule = Nearest(model_, known, events)
    assert rule(Instance("new", {"x": asked})) == choices[best]


def test_neighbours_lend_their_numbers_and_the_programs_own_settings_compete():
    known = instances([0, 1, 2, 3])
    sor = [
        evaluation(each, {"ksp": "cg", "pc": "sor", "omega": 0.5 + 0.1 * k}, -1.0 - (k == 2))
        for k, each in enumerate(known)
    ]
    own = [evaluation(each, {}, 0.0) for each in known]
    rule = Nearest(model(known), known, [*own, *sor])
    assert rule(known[0])["omega"] == 0.7
    slow = [{**event, "cost": 0.5} for event in sor]
    assert Nearest(model(known), known, [*own, *slow])(known[0]) == {}


class Timed:
    """Seconds in closed form: lu never converges, gmres takes half as long again as cg."""

    def __init__(self, own=1.0):
        self.own, self.asked = own, []

    def solve(self, instance, settings, budget=None):
        self.asked.append((instance.id, dict(settings), budget))
        if not settings:
            return Outcome(Reason.CONVERGED, 9, 9.0, 1e-6, 0.0, self.own)
        if settings["pc"] == "lu":
            return Outcome(Reason.DIVERGED, 9, 9.0, 1.0, 0.0, 0.01)
        seconds = 0.2 + 0.5 * abs(settings["omega"] - 1.5) if settings["pc"] == "sor" else 0.4
        seconds *= 1.5 if settings["ksp"] == "gmres" else 1.0
        if seconds > budget.seconds:
            return Outcome(Reason.TIME_BUDGET, 9, 9.0, 1e-2, 0.0, budget.seconds)
        return Outcome(Reason.CONVERGED, 9, 9.0, 1e-6, 0.0, seconds)


def test_the_oracle_is_the_fastest_that_answers():
    solver, one = Timed(), instances([0])[0]
    best = fastest(solver, one, SPACE)
    assert best == {"ksp": "cg", "pc": "sor", "omega": 1.4}  # three quarters of its range
    limits = [budget.seconds for _, settings, budget in solver.asked if settings]
    assert limits == sorted(limits)  # nothing is waited for longer than twice the best
    assert limits[-1] <= 2 * 0.25
    tried = [settings for _, settings, _ in solver.asked]
    assert all(SPACE.complete(arm) in tried for arm in SPACE.arms())
    assert fastest(Timed(own=0.01), one, SPACE) == {}


def test_the_oracle_is_asked_once(tmp_path):
    solver, known = Timed(), instances([0, 1])
    first = best_of_each(solver, known, SPACE, tmp_path)
    count = len(solver.asked)
    assert best_of_each(solver, known, SPACE, tmp_path) == first
    assert len(solver.asked) == count
    best_of_each(solver, known[:1], SPACE, tmp_path)
    assert len(solver.asked) > count


@pytest.mark.parametrize(
    ("asymmetry", "rows", "null", "method", "preconditioner"),
    [
        (0.0, ROWS_FOR_MULTIGRID, False, "cg", "icc"),
        (0.0, ROWS_FOR_MULTIGRID + 1, False, "cg", "gamg"),
        (0.1, ROWS_FOR_LU, False, "gmres", "lu"),
        (0.1, ROWS_FOR_LU, True, "bcgs", "ilu"),
        (0.1, ROWS_FOR_LU + 1, False, "bcgs", "ilu"),
    ],
)
def test_the_hand_rule_looks_at_symmetry_and_size(asymmetry, rows, null, method, preconditioner):
    operator = SimpleNamespace(asymmetry=asymmetry, rows=rows, null=null)
    each = Instance("i", {"negative_diagonal": 0.0}, payload=SimpleNamespace(operator=operator))
    assert hand_rule(each) == {"ksp_type": method, "pc_type": preconditioner}


def test_cg_is_not_for_a_negative_diagonal():
    operator = SimpleNamespace(asymmetry=0.0, rows=10**5, null=False)
    each = Instance("i", {"negative_diagonal": 0.5}, payload=SimpleNamespace(operator=operator))
    assert hand_rule(each)["ksp_type"] == "bcgs"


def test_a_contender_gives_its_solver_the_budget_that_every_solver_takes():
    class Strict:
        def solve(self, instance, settings, budget):
            return Outcome(Reason.CONVERGED, 1, 1.0, 1e-6, 0.0, float(budget == Budget()))

    outcome, record = constant(Strict(), {"pc": "sor"})(instances([0])[0])
    assert outcome.solve_seconds == 1.0
    assert record == {}
