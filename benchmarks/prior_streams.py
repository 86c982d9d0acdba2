"""Streams of solves of a kind that the prior was not fitted to: what is learned on line.

Four ways: Tsallis-INF (Zimmert & Seldin, JMLR 22, 2021) and Thompson sampling without a prior, the
prior alone, and the prior with what the plug-in learns on line, whose trials an account bounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.prior_choice import CAUTION, LOG_ROWS, MARGIN, Foreseen, single_of_kind, sure
from benchmarks.prior_posterior import NOISE, Posterior
from benchmarks.prior_table import STOPPED, Array, Bools, Ints, Table
from metasolve.prior.targets import TOTAL

LENGTH, ORDERS = 300, 5
#: A choice costs at most so many times the own time, and one that fails counts as that.
WIDEST = 3.0
FAILURE = float(np.log(WIDEST))
#: An attempt is stopped at so many times what was foreseen of it, or of the own time.
PATIENT, SHORTEST, LONGEST = 4.0, 0.5, STOPPED
#: The account: of own time, and of one mean own solve, that learning may cost.
SHARE, OVERRUN = 0.03, 1.0
#: What was seen so often is proven, on systems no larger than one it has answered: it may go on
#: when the account is overdrawn, up to so many mean own solves.
OFTEN, PROVEN = 3, 5.0
BOLD = 0.05  #: what a trial must promise, in log
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
        By way; the share of own time by which each stream took longer in all.
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
    beyond = table.Y[..., TOTAL] - foreseen.mean
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
                    L,
                    table.answers[sequence],
                    table.X[sequence, LOG_ROWS],
                    seconds,
                    table.own[sequence],
                    relative[sequence],
                    foreseen.apart[sequence],
                    beyond[sequence],
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


@dataclass
class Account:
    """What learning has cost, and what it may.

    Parameters
    ----------
    own, solves
        What the own settings would have taken, in all and of how many solves.
    ventured
        What trials have lost.
    behind
        Losses less gains.
    """

    own: float = 0.0
    solves: int = 0
    ventured: float = 0.0
    behind: float = 0.0

    def overdrawn(self, overrun: float = OVERRUN) -> bool:
        """Whether more was lost than may be, with so many mean own solves."""
        return self.behind > SHARE * self.own + overrun * self.own / max(self.solves, 1)

    def allows(self, risk: float) -> bool:
        """Whether a trial may be made that is expected to lose so much at worst."""
        return self.ventured + risk < SHARE * self.own

    def book(self, own: float, cost: float, lost: float) -> None:
        """Book a solve: its cost in own times, in log, and in own times what a trial has lost."""
        self.own, self.solves = self.own + own, self.solves + 1
        self.ventured += own * lost
        self.behind += own * (np.exp(cost) - 1.0)


def online(
    L: Array,
    answers: Bools,
    rows: Array,
    own: Array,
    home: Ints,
    relative: Array,
    apart: Array,
    beyond: Array,
) -> Array:
    """The prior and what is learned; what is bold is tried while the account allows it.

    Parameters
    ----------
    L, relative
        Of each solve: what candidates cost and were foreseen to cost, ln(seconds / own seconds);
        (n, K).
    answers
        Whether they meet the contract, if they may go on for so long; (n, K).
    rows
        Logarithms of the unknowns; (n,).
    own, home
        Own seconds, and the place of the own settings; (n,).
    apart, beyond
        What parts of the prior had said beyond its mean, (n, parts, K), and what a solve takes
        beyond it, (n, K).
    """
    posterior, account = Posterior(L.shape[1]), Account()
    taken, largest = np.zeros(len(L)), np.full(L.shape[1], -np.inf)
    for step in range(len(L)):
        at, parts = int(home[step]), apart[step]
        learned, s = posterior.mean(parts), posterior.deviation(parts, at)
        m = relative[step] + learned - learned[at]
        m[at] = s[at] = 0.0
        proven = (posterior.seen >= OFTEN) & (rows[step] <= largest)
        failed = (posterior.seen > 0) & np.isneginf(largest)
        j, usual, risk = _choice(m, s, at, float(own[step]), account, proven, failed)
        answered, taken[step] = True, L[step, j]
        if j != at:
            answered, taken[step] = _attempt(m[j], bool(answers[step, j]), L[step, j])
        if answered:
            largest[j] = max(largest[j], rows[step])
        lost = float(np.exp(taken[step]) - np.exp(m[usual])) if risk else 0.0
        account.book(float(own[step]), float(taken[step]), max(lost, 0.0))
        seen = beyond[step, j] if answered else beyond[step, at] + FAILURE - relative[step, j]
        posterior.see(parts, j, float(seen))
    return taken


def _choice(
    m: Array, s: Array, home: int, own: float, account: Account, proven: Bools, failed: Bools
) -> tuple[int, int, float]:
    """What is taken, in place of what, and what a trial risks.

    Where too much was lost, it is what is proven at most.
    """
    overdrawn = account.overdrawn()
    gains, bold = m + sure(s) < -MARGIN, int((m - s).argmin())
    if overdrawn:
        gains &= proven & (not account.overdrawn(PROVEN))
    best = int(np.where(gains, m + CAUTION * s, np.inf).argmin()) if gains.any() else home
    if overdrawn:
        return best, best, 0.0
    worst = np.exp(FAILURE if failed[bold] else min(m[bold] + s[bold], FAILURE))
    risk = own * max(float(worst - np.exp(m[best])), 0.0)
    if m[bold] - s[bold] < m[best] - BOLD and account.allows(risk):
        return bold, best, risk
    return best, best, 0.0


def _attempt(expected: float, answers: bool, cost: float) -> tuple[bool, float]:
    """Whether an attempt answers before it is stopped, and what it costs, all in log."""
    budget = min(max(PATIENT * np.exp(expected), SHORTEST), LONGEST)
    if answers and np.exp(cost) <= budget:
        return True, cost
    stopped = float(np.log1p(budget))  # own settings solve then
    return False, stopped if answers else min(cost, stopped)
