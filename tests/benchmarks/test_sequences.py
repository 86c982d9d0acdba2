"""Laws of simulated sequences: nobody beats the oracle, and nobody sees what was not paid for."""

import dataclasses
import itertools

import numpy as np
import pytest

pytest.importorskip("petsc4py")

from benchmarks.sequence_baselines import (
    Simple,
    average_cost,
    iteration_ratio,
    lag,
    log_diagonal,
)
from benchmarks.sequence_change import Change, Sample, changes
from benchmarks.sequence_grid import Grid
from benchmarks.sequence_kinds import KINDS, Trajectory
from benchmarks.sequence_measurement import HOSTS, Solver
from benchmarks.sequence_prior import prior, slope, without
from benchmarks.sequence_score import ALWAYS, ORACLE, OURS, score
from benchmarks.sequence_simulation import Ours, oracle, simulate
from benchmarks.sequence_table import Table, table
from benchmarks.sequences import SequencesBenchmark, _sections
from metasolve.petsc.capabilities import of_petsc4py
from metasolve.report.result import Result
from metasolve.solve.reuse import PATIENCE, Reuse, spectrum

RTOL = 1e-6
RULES = {
    "always": lambda: Simple(lag(1)),
    "every third": lambda: Simple(lag(3)),
    "never": lambda: Simple(lag(99)),
    "ratio": lambda: Simple(iteration_ratio(1.5)),
    "average": lambda: Simple(average_cost),
    "diagonal": lambda: Simple(log_diagonal(0.3)),
    "ours": lambda: Ours(Reuse(RTOL)),
}


def drifting(seed, n=16, m=1.0, oldest=12, noise=0.0):
    """A table that obeys the model: a coefficient that walks, and solves that feel it."""
    rng = np.random.default_rng(seed)
    place = np.cumsum(0.1 * rng.gamma(1.0, 1.0, n))
    accuracy, each, setup = np.log(2.0 / RTOL), 1e-3, rng.uniform(5e-3, 5e-2)
    nothing = np.full((n, n), np.nan)
    seconds, iterations, solved = nothing.copy(), nothing.copy(), np.zeros((n, n), dtype=bool)
    for step in range(n):
        for built in range(max(0, step - oldest), step + 1):
            u = 2.0 * spectrum(accuracy / 8.0) + np.exp(m) * (place[step] - place[built])
            taken = np.ceil(accuracy / spectrum(0.5 * u) * np.exp(noise * rng.standard_normal()))
            most = np.floor(2.0 * (setup / each + 8.0))
            iterations[step, built] = min(taken, most)
            seconds[step, built] = each * iterations[step, built]
            solved[step, built] = taken <= most
    moved = [
        [
            Change(place[i] - place[j], place[i] - place[j])
            for j in range(i - 1, max(-1, i - 1 - oldest), -1)
        ]
        for i in range(n)
    ]
    return Table(np.full(n, setup), seconds, iterations, solved, moved, RTOL, 2.0 * setup)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rule", RULES)
def test_nobody_beats_the_oracle(rule, seed):
    known = drifting(seed, noise=0.2)
    assert simulate(known, RULES[rule]()).seconds >= oracle(known).seconds * (1 - 1e-12)


def test_a_lag_of_one_builds_always():
    known = drifting(0)
    done = simulate(known, Simple(lag(1)))
    assert done.builds == len(known)
    assert done.seconds == pytest.approx(known.fresh.sum(), rel=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_the_oracle_is_the_best_of_all_ways(seed):
    known = drifting(seed, n=9, m=1.5, oldest=4, noise=0.3)
    least = np.inf
    for choice in itertools.product([False, True], repeat=len(known) - 1):
        total, built = known.fresh[0], 0
        for step, anew in enumerate(choice, 1):
            if anew:
                total, built = total + known.fresh[step], step
            elif known.solved[step, built]:
                total += known.seconds[step, built]
            else:
                total = np.inf
        least = min(least, total)
    assert oracle(known).seconds == pytest.approx(least, rel=1e-12)


class Diary:
    """Writes down which entries of a table a rule was told."""

    def __init__(self, rule):
        self.rule, self.step, self.since, self.seen = rule, -1, 0, set()

    def patience(self, change, moved):
        return self.rule.patience(change, moved)

    def built(self, *told):
        self.step = self.since = self.step + 1
        self.seen.add((self.step, self.since))
        self.rule.built(*told)

    def kept(self, *told):
        self.step += 1
        self.seen.add((self.step, self.since))
        self.rule.kept(*told)

    def stopped(self, *told):
        self.seen.add((self.step + 1, self.since))
        self.rule.stopped(*told)


@pytest.mark.parametrize("rule", RULES)
def test_what_was_not_paid_for_is_not_seen(rule):
    known = drifting(3, noise=0.2)
    diary = Diary(RULES[rule]())
    first = simulate(known, diary)
    unpaid = np.isfinite(known.seconds)
    for place in diary.seen:
        unpaid[place] = False
    assert unpaid.any()
    other = dataclasses.replace(
        known,
        seconds=np.where(unpaid, 17.0 * known.seconds, known.seconds),
        iterations=np.where(unpaid, 3.0 * known.iterations, known.iterations),
        solved=known.solved ^ unpaid,
    )
    assert simulate(other, RULES[rule]()) == first


def test_a_solve_is_stopped_at_its_patience_and_paid():
    known = drifting(1)
    worse = dataclasses.replace(
        known,
        seconds=np.where(np.tri(len(known), k=-1) > 0, 10.0, known.seconds),
        iterations=np.where(np.tri(len(known), k=-1) > 0, 1e4, known.iterations),
    )
    reuse = Reuse(RTOL)
    done = simulate(worse, Ours(reuse))
    assert done.builds == len(known)
    lost = done.seconds - worse.fresh.sum()
    assert lost == pytest.approx(done.stops * PATIENCE * worse.fresh[0], rel=1e-9)
    assert 0 < done.stops < len(known) // 2  # it has learned


def test_iterations_and_condition_are_each_others():
    for z in (1e-3, 0.1, 1.0, 5.0, 30.0):
        assert spectrum(spectrum(z)) == pytest.approx(z, rel=1e-6)


@pytest.mark.parametrize("m", [0.0, 1.0, 2.0])
def test_what_a_change_costs_is_learned(m):
    reuse = Reuse(RTOL)
    simulate(drifting(2, n=40, m=m), Ours(reuse))
    assert reuse.mean == pytest.approx(m, abs=0.25)
    assert slope(drifting(2, n=40, m=m)) == pytest.approx(m, abs=0.25)


def test_what_is_asked_of_a_solve_changes_what_it_is_expected_to_take_and_nothing_else():
    reuse = Reuse(1e-8)
    reuse.built(1.0, 16.0, 16.0)
    reuse.ask(1e-2)
    iterations = np.log(2.0 / 1e-2) / spectrum(0.5 * reuse.condition)
    assert iterations == pytest.approx(16.0 * np.log(2.0 / 1e-2) / np.log(2.0 / 1e-8))
    before = reuse.mean
    reuse.kept(0.5, iterations, iterations)  # as fresh: m is at most so large
    assert reuse.mean < before


def test_a_scaled_operator_has_not_changed():
    grid = Grid(2, 20)
    k = np.exp(np.random.default_rng(0).standard_normal(grid.size))
    change = Sample(grid, grid.values(k)).change(7.0 * grid.values(k))
    assert change.whole == pytest.approx(0.0, abs=1e-12)
    assert change.diagonal == pytest.approx(np.log(7.0))


def test_a_wind_that_turns_is_seen_beside_the_diagonal():
    grid = Grid(2, 20)
    east, north = (
        grid.values(np.ones(grid.size), wind=np.array(wind)) for wind in ([5.0, 0.0], [0.0, 5.0])
    )
    change = Sample(grid, east).change(north)
    assert change.diagonal < 0.1 < change.whole


def test_another_mesh_has_no_change():
    systems = Trajectory("mesh", 2, 0).systems()
    found = changes(systems)
    for step, system in enumerate(systems):
        before = [other.grid is system.grid for other in systems[:step][::-1]]
        assert len(found[step]) == len(list(itertools.takewhile(bool, before[:12])))


@pytest.mark.parametrize("kind", KINDS)
def test_a_trajectory_is_the_same_each_time(kind):
    one, two = Trajectory(kind, 2, 1).systems(), Trajectory(kind, 2, 1).systems()
    for a, b in zip(one, two, strict=True):
        assert (a.values == b.values).all()
        assert (a.b == b.b).all()
    assert (Trajectory(kind, 2, 2).systems()[0].b[:50] != one[0].b[:50]).any()


@pytest.mark.parametrize("host", HOSTS)
def test_what_is_kept_takes_more_the_farther_the_operator_has_moved(host):
    if HOSTS[host].options["pc_type"] not in of_petsc4py().preconditioners:
        pytest.skip(f"this PETSc was built without {host}")
    systems = Trajectory("bursts", 2, 0).systems()
    solver = Solver(systems[0].grid, HOSTS[host], symmetric=True)
    column = solver.column([systems[0], systems[0], systems[-1]])["solves"]
    solver.destroy()
    fresh, same, moved = column
    assert same["iterations"] <= fresh["iterations"] + 1  # a direct host answers without iterating
    # GAMG's Jacobi smoothers, of newer PETSc, keep a diagonal that makes it indefinite
    assert moved["iterations"] > same["iterations"] or not moved["converged"]
    assert same["converged"]


def tables():
    return {
        (Trajectory(kind, 2, seed), host): drifting(10 * seed + place, m=m)
        for place, kind in enumerate(["slow", "fast", "wind"])
        for seed in range(2)
        for host, m in (("gamg-values", 1.5), ("gamg", 0.5))
    }


def test_a_prior_has_not_seen_the_kind_nor_the_seed():
    slopes = {key: float(key[0].kind == "slow" or key[0].seed == 0) for key in tables()}
    assert without(slopes, Trajectory("slow", 2, 0)) == (0.0, 0.0)
    assert prior(slopes)[0] > 0.5


def test_scores_and_the_picture(tmp_path):
    scores = score(tables())
    for name, runs in scores.runs.items():
        assert scores.mean(runs) <= scores.mean(scores.runs[ORACLE]), name
    assert scores.mean(scores.runs[ALWAYS]) == pytest.approx(1.0)
    assert scores.mean(scores.runs[OURS]) > 0.9 * scores.mean(scores.runs[ORACLE])
    assert scores.ways()[0]["first"] == pytest.approx(1.0)
    benchmark = SequencesBenchmark(Result("sequences", {}, _sections(scores, list(tables()))))
    benchmark.plot(tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 0


def test_seconds_of_kept_solves_are_iterations_times_the_usual_second_of_one():
    solves = [
        {"seconds": 0.5, "iterations": 1, "converged": True},
        {"seconds": 2.0, "iterations": 10, "converged": True},
        {"seconds": 9.0, "iterations": 20, "converged": True},
        {"seconds": 6.0, "iterations": 30, "converged": False},
    ]
    found = {
        "steps": [{"setup": 1.0, "solves": solves}, *[{"setup": 1.0, "solves": solves[:1]}] * 3]
    }
    moved = [[(0.1, 0.1)] * step for step in range(4)]
    made = table(found, moved, RTOL, 1.0)
    assert list(made.seconds[:, 0]) == pytest.approx([0.5, 2.0, 4.0, 6.0])
    assert list(made.solved[:, 0]) == [True, True, True, False]
    assert np.isnan(made.seconds[2, 1])
