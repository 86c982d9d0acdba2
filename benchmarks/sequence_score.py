"""Every rule over every sequence, and what it gains over building always."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.sequence_baselines import (
    Keeps,
    Simple,
    average_cost,
    iteration_ratio,
    lag,
    log_diagonal,
)
from benchmarks.sequence_grid import Array
from benchmarks.sequence_kinds import OLDEST
from benchmarks.sequence_prior import NOTHING, Key, Prior, Tables, prior, slope, without
from benchmarks.sequence_simulation import Ours, Run, oracle, simulate
from benchmarks.sequence_table import Table
from metasolve.report.result import Row
from metasolve.solve.reuse import LONGEST, Reuse

Runs = Mapping[Key, Run]
LAGS = range(1, OLDEST + 2)
RATIOS = (1.1, 1.2, 1.35, 1.5, 2.0, 3.0)
THRESHOLDS = (0.03, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
OURS, ORACLE, ALWAYS, NEW = "ours", "oracle", "rebuild always", "a new solver for each system"
LAG, LAG_EACH = "best fixed lag for all", "best fixed lag per sequence"
RATIO, AVERAGE, DIAGONAL = "iteration ratio", "average cost", "log diagonal, average cost"
SCATTER = 0.1  #: of the logarithm of seconds, from one solve to the next
LEAST = 0.95  #: of the speed of building always


class _Untaught(Reuse):
    """Does not learn from solves."""

    def _learn(self, change: float, iterations: float, *, stopped: bool) -> None:
        pass


class _Past(Reuse):
    """Compares with the mean since the build alone."""

    def average(self, longest: int = LONGEST) -> float:  # noqa: ARG002
        return self.total / self.solves


@dataclass(frozen=True)
class Scores:
    """What rules did on every sequence.

    Parameters
    ----------
    runs
        By rule, then by sequence; baselines with a number have the best for all, in hindsight.
    variants
        The same of our rule without one of its parts.
    numbers
        Of the baselines that have one.
    priors
        Mean and variance of m, from all sequences and by host.
    """

    runs: Mapping[str, Runs]
    variants: Mapping[str, Runs]
    numbers: Mapping[str, float]
    priors: Mapping[str, Prior]

    def gains(self, runs: Runs, keys: Iterable[Key] | None = None) -> Array:
        """Times faster than building always, of each sequence."""
        always = self.runs[ALWAYS]
        chosen = always if keys is None else keys
        return np.array([always[key].seconds / runs[key].seconds for key in chosen])

    def mean(self, runs: Runs, keys: Iterable[Key] | None = None) -> float:
        """Geometric mean of the gains."""
        return float(np.exp(np.log(self.gains(runs, keys)).mean()))

    def row(self, runs: Runs) -> Row:
        """Of an overview."""
        gains, best = self.gains(runs), self.gains(self.runs[ORACLE])
        setups = [key for key in runs if key[1] != "ilu"]
        return {
            "times faster": self.mean(runs),
            "without ilu": self.mean(runs, setups),
            "of the oracle": float(np.exp(np.log(gains / best).mean())),
            "worst": float(gains.min()),
            f"below {LEAST}": int((gains < LEAST).sum()),
            "builds": float(np.mean([run.builds for run in runs.values()])),
            "stopped": sum(run.stops for run in runs.values()),
        }

    def part(self, keys: list[Key]) -> Row:
        """Means of some sequences."""
        shown = (OURS, LAG, AVERAGE, DIAGONAL, ORACLE)
        means = {name: self.mean(self.runs[name], keys) for name in shown}
        return {"sequences": len(keys), **means, "worst": self.gains(self.runs[OURS], keys).min()}

    def ways(self) -> list[Row]:
        """GAMG with new interpolation in each build, or the first one: over the latter, always."""
        pairs = [
            ((each, "gamg"), (each, "gamg-values"))
            for each, host in self.runs[ALWAYS]
            if host == "gamg-values"
        ]
        base = np.array([self.runs[ALWAYS][values].seconds for _, values in pairs])
        rows = list[Row]()
        for name in (ALWAYS, OURS, ORACLE):
            taken = np.array([[self.runs[name][key].seconds for key in pair] for pair in pairs])
            gains = np.exp(np.log(base[:, None] / taken).mean(axis=0))
            better = float(np.exp(np.log(base / taken.min(axis=1)).mean()))
            rows.append(
                {"rule": name, "new": gains[0], "first": gains[1], "better of both": better}
            )
        return rows


def score(tables: Tables) -> Scores:
    """Run every rule."""
    slopes = {key: slope(table) for key, table in tables.items()}
    known = {key: without(slopes, key[0]) for key in tables}

    def ours(
        make: type[Reuse] = Reuse,
        *,
        watched: bool = True,
        blank: bool = False,
        over: Tables = tables,
    ) -> Runs:
        return {
            key: simulate(
                table, Ours(make(table.rtol, *(NOTHING if blank else known[key])), watched=watched)
            )
            for key, table in over.items()
        }

    lags = {float(every): _every(tables, lag(every)) for every in LAGS}
    always = lags[1.0]
    ratios = {times: _every(tables, iteration_ratio(times)) for times in RATIOS}
    moves = {most: _every(tables, log_diagonal(most)) for most in THRESHOLDS}
    every, ratio, most = (_best(each, always) for each in (lags, ratios, moves))
    runs = {
        NEW: {key: _anew(table) for key, table in tables.items()},
        ALWAYS: always,
        LAG: lags[every],
        LAG_EACH: {k: min((of[k] for of in lags.values()), key=_seconds) for k in tables},
        RATIO: ratios[ratio],
        AVERAGE: _every(tables, average_cost),
        DIAGONAL: moves[most],
        OURS: ours(),
        ORACLE: {key: oracle(table) for key, table in tables.items()},
    }
    variants = {
        OURS: runs[OURS],
        "nothing is learned": ours(_Untaught),
        "no prior": ours(blank=True),
        "neither": ours(_Untaught, blank=True),
        "no look ahead": ours(_Past),
        "no watchdog but the table's": ours(watched=False),
        "seconds scatter by a tenth": ours(over=_scattered(tables)),
    }
    numbers = {LAG: every, RATIO: ratio, DIAGONAL: most}
    hosts = {host: prior(slopes, host) for host in sorted({key[1] for key in tables})}
    return Scores(runs, variants, numbers, {"all": prior(slopes), **hosts})


def _scattered(tables: Tables) -> Tables:
    """The same with seconds as a program measures them: each time others."""
    rng = np.random.default_rng(0)

    def factors(like: Array) -> Array:
        told: Array = np.exp(SCATTER * rng.standard_normal(like.shape))
        return told

    return {
        key: replace(
            table,
            setup=table.setup * factors(table.setup),
            seconds=table.seconds * factors(table.seconds),
        )
        for key, table in tables.items()
    }


def _every(tables: Tables, keeps: Keeps) -> Runs:
    return {key: simulate(table, Simple(keeps)) for key, table in tables.items()}


def _anew(table: Table) -> Run:
    """What a program takes that makes a solver for each system."""
    n = len(table)
    return Run(n * table.anew + float(np.diagonal(table.seconds).sum()), n, 0)


def _best(runs: Mapping[float, Runs], always: Runs) -> float:
    """The number whose runs take the least time, in the geometric mean over sequences."""
    return min(runs, key=lambda number: sum(np.log(runs[number][k].seconds) for k in always))


def _seconds(run: Run) -> float:
    return run.seconds
