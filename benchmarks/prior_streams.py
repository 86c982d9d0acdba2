"""Streams of solves of a kind that the prior was not fitted to: what is learned on line.

Four ways: Tsallis-INF (Zimmert & Seldin, JMLR 22, 2021) and Thompson sampling without a prior, the
prior alone, and the prior with one Gaussian offset per candidate, whose trials an account bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.prior_choice import Foreseen, single_of_kind
from benchmarks.prior_table import Array, Ints, Table

LENGTH, ORDERS = 300, 5
NOISE = 0.25  #: standard deviation of ln(seconds) of one setting from system to system
WIDEST = 3.0  #: a choice costs at most so many times the own time
#: The account: of own time, and of one median own solve, that learning may cost.
SHARE, OVERRUN = 0.03, 3.0
TSALLIS, THOMPSON = "Tsallis-INF, no prior", "Thompson sampling, no prior"
PRIOR, ONLINE = "prior", "prior and on line"
FIXED, ORACLE = "best fixed, in hindsight", "oracle"


@dataclass
class Streams:
    """ln(cost / own time) of every solve.

    Parameters
    ----------
    taken
        By way; a row per stream.
    lost
        By way; the largest share of own time by which a stream was ever behind at its end.
    """

    taken: dict[str, list[Array]] = field(default_factory=dict)
    lost: dict[str, list[float]] = field(default_factory=dict)

    def add(self, way: str, taken: Array, own: Array) -> None:
        """Add a stream."""
        self.taken.setdefault(way, []).append(taken)
        extra = float((own * (np.exp(taken) - 1.0)).sum() / own.sum())
        self.lost.setdefault(way, []).append(extra)


def streams(table: Table, foreseen: Foreseen) -> Streams:
    """Solve streams of each kind in some orders."""
    found, own, fixed = Streams(), table.seconds, single_of_kind(table)
    relative, chosen = foreseen.relative(table), foreseen.choices(table)
    for kind in np.unique(table.kinds):
        mine = np.flatnonzero(table.kinds == kind)
        for order in range(ORDERS):
            sequence = np.random.default_rng(order).choice(mine, LENGTH)
            L, seconds = table.L[sequence], own[sequence]
            every = np.arange(LENGTH)
            ways: Mapping[str, Array] = {
                TSALLIS: tsallis(L, np.random.default_rng(order)),
                THOMPSON: thompson(L, table.usable[sequence], np.random.default_rng(order)),
                PRIOR: L[every, chosen[sequence]],
                ONLINE: online(
                    L, seconds, relative[sequence], foreseen.beside[sequence], table.own[sequence]
                ),
                FIXED: L[every, fixed[sequence]],
                ORACLE: L.min(axis=1),
            }
            for way, taken in ways.items():
                found.add(way, taken, seconds)
    return found


def tsallis(L: Array, rng: np.random.Generator) -> Array:
    """Tsallis-INF over all candidates, from nothing."""
    total, taken = np.zeros(L.shape[1]), np.zeros(len(L))
    for step, costs in enumerate(L):
        p = _tsallis_weights(total, 2.0 / np.sqrt(step + 1))
        j = int(rng.choice(len(p), p=p))
        total[j] += min(np.exp(costs[j]), WIDEST) / WIDEST / p[j]
        taken[step] = costs[j]
    return taken


def _tsallis_weights(total: Array, eta: float) -> Array:
    """Weights 4 / (eta (total - x))^2 that add up to one: Newton's method for x."""
    x = total.min() - 2.0 / eta
    for _ in range(30):
        w = 4.0 / (eta * (total - x)) ** 2
        step = (w.sum() - 1.0) / (eta * (w**1.5).sum())
        x -= step
        if abs(step) < 1e-12 * max(1.0, abs(x)):
            break
    w = 4.0 / (eta * (total - x)) ** 2
    p: Array = w / w.sum()
    return p


def thompson(L: Array, usable: Array, rng: np.random.Generator) -> Array:
    """Gaussian Thompson sampling: own time for all to begin with, spread 1."""
    K = L.shape[1]
    mean, var, taken = np.zeros(K), np.ones(K), np.zeros(len(L))
    for step, costs in enumerate(L):
        drawn = np.where(usable[step], rng.normal(mean, np.sqrt(var)), np.inf)
        j = int(drawn.argmin())
        taken[step] = costs[j]
        gain = var[j] / (var[j] + NOISE**2)
        mean[j] += gain * (costs[j] - mean[j])
        var[j] *= 1.0 - gain
    return taken


def online(L: Array, own: Array, relative: Array, beside: Array, home: Ints) -> Array:
    """The prior with an offset per candidate; what is bold is tried while the account allows it."""
    K = L.shape[1]
    offset, var = np.zeros(K), np.maximum(beside.mean(axis=0), 0.15) ** 2
    taken, total, lost, usual = np.zeros(len(L)), 0.0, 0.0, float(np.median(own))
    for step, costs in enumerate(L):
        m, s = relative[step] + offset, np.sqrt(var)
        m[home[step]] = s[home[step]] = 0.0
        j, bold = int((m + 0.25 * s).argmin()), int((m - s).argmin())
        j = j if m[j] + 0.25 * s[j] < 0.0 else int(home[step])
        risk = own[step] * (np.exp(min(m[bold] + s[bold], 1.1)) - np.exp(m[j]))
        room = SHARE * total + OVERRUN * usual - lost
        if m[bold] - s[bold] < m[j] - 0.05 and risk < room:
            j = bold
        taken[step] = costs[j]
        total += own[step]
        lost += own[step] * max(np.exp(costs[j]) - 1.0, 0.0)
        if j != home[step]:
            gain = var[j] / (var[j] + NOISE**2)
            offset[j] += gain * (costs[j] - m[j])
            var[j] *= 1.0 - gain
    return taken
