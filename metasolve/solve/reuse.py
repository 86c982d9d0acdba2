"""Keep a preconditioner or build it anew: the rule of the plug-in's ``reuse.c``.

With L = ln(2/reduction) and f(z) = ln coth(z/2), which is its own inverse, conjugate gradients need
n = L / f(u/2) iterations where the preconditioned operator has the condition exp(u) (the bound of
Chebyshev polynomials; Saad, Iterative Methods for Sparse Linear Systems, 2003, 6.11.3).
Coefficients that change by factors change the condition by factors: u grows with the change x of
the operator since the build,

    u(kept) = u(fresh) + exp(m) x.

m is learned: Gaussian, from a prior for the family of the preconditioner, updated by each solve.
"""

from __future__ import annotations

from math import exp, expm1, log, log1p, sqrt

MEAN, VARIANCE = 0.9, 0.9  #: of m, before anything was seen: of sequences of many kinds
NOISE = 0.2  #: standard deviation of m from one solve to the next
DRIFT = 0.02  #: variance that m gains with each build
CAUTION = 0.5  #: standard deviations of m by which keeping has to look good
SURPRISE = 2.0  #: that one solve may say of m beyond what was thought
COUNTED = 0.5  #: iterations by which a count is uncertain
LEAST = 1e-3  #: change that says nothing of m
OVERRUN = 1.2  #: times the iterations of a stopped solve: it would have taken more
PATIENCE = 1.3  #: times set-up and fresh solve after which a kept one is stopped
RECENT = 0.3  #: weight of the newest change in their mean
HALF = 0.5  #: weight of the newest seconds in theirs
LONGEST = 25  #: solves of a build that are looked ahead
FURTHEST = 300.0  #: its exponential is finite, and no solve is that good or that bad


def spectrum(z: float) -> float:
    """Return ln coth(z/2): from L/n to u/2, and back."""
    return log1p(2.0 / expm1(min(z, FURTHEST)))


class Reuse:
    """What is known of one preconditioner on operators that change; the numbers of reuse.h.

    Parameters
    ----------
    reduction
        See `ask`.
    mean, variance
        Of m, before anything was seen.

    Attributes
    ----------
    setup, solve : seconds of a build, and of the solve right after it.
    each : seconds of an iteration with what was kept.
    condition : u of what was built last, on the operator that it was built for.
    rate : change of the operator from one solve to the next.
    total, solves : seconds since the last build, and how many solves they served.
    keeps : solves that were kept; before there are any, `each` is that of builds.
    """

    def __init__(self, reduction: float, mean: float = MEAN, variance: float = VARIANCE) -> None:
        self.mean, self.variance = mean, variance
        self.setup = self.solve = self.each = 0.0
        self.condition, self.rate = 0.0, -1.0
        self.total = self.solves = self.keeps = 0.0
        self.ask(reduction)

    def ask(self, reduction: float) -> None:
        """Say to which share of what it is the residual has to fall in the solves that follow."""
        self.accuracy = log(2.0 / min(reduction, 1.0))

    def _condition(self, iterations: float) -> float:
        return 2.0 * spectrum(self.accuracy / iterations)

    def _seconds(self, added: float) -> float:
        """Expected of a solve with what is there, u having grown by so much."""
        return self.each * self.accuracy / spectrum(0.5 * (self.condition + added))

    def average(self, longest: int = LONGEST) -> float:
        """Expected seconds of a solve, builds included, where builds come at the best moments.

        The operator is expected to go on changing as it did, for `longest` solves.
        """
        step, total = exp(self.mean) * max(self.rate, 0.0), self.setup + self.solve
        best, age = total, 1
        while age < longest:
            seconds = self._seconds(step * age)
            if seconds >= best:
                break
            total, age = total + seconds, age + 1
            best = total / age
        return best

    def patience(self, change: float, moved: float) -> float:
        """Seconds that a solve with what is there may take; 0 builds anew.

        A build is due where one more solve is expected to take longer than the mean of a solve,
        builds included: of those since the build, or of the best that is to come.

        Parameters
        ----------
        change, moved
            Of the operator since the build, and since the solve before.
        """
        if self.rate < 0.0:
            self.rate = moved
        mean = min(self.total / self.solves, self.average())
        self.rate += RECENT * (moved - self.rate)
        slope = exp(self.mean + CAUTION * sqrt(self.variance))
        kept = self._seconds(slope * change) <= mean  # not of a change that is NaN
        return PATIENCE * (self.setup + self.solve) if kept else 0.0

    def built(self, setup: float, seconds: float, iterations: float) -> None:
        """See a build and the solve right after it."""
        weight = 1.0 if self.each == 0.0 else HALF
        if self.keeps == 0.0:
            self.each += weight * (seconds / iterations - self.each)
        self.setup += weight * (setup - self.setup)
        self.solve += weight * (seconds - self.solve)
        self.condition = self._condition(iterations)
        self.total, self.solves = setup + seconds, 1.0
        self.variance += DRIFT

    def renewed(self, setup: float) -> None:
        """See a build in the middle of a solve, of which the rest tells nothing."""
        self.setup += HALF * (setup - self.setup)
        self.total, self.solves = setup + self.solve, 1.0
        self.variance += DRIFT

    def again(self, seconds: float) -> None:
        """See one more solve with the operator of the last."""
        self.total, self.solves = self.total + seconds, self.solves + 1.0
        self.rate -= RECENT * self.rate

    def kept(self, change: float, seconds: float, iterations: float) -> None:
        """See a solve with what was there."""
        self.each += HALF * (seconds / iterations - self.each)
        self.total, self.solves = self.total + seconds, self.solves + 1.0
        self.keeps += 1.0
        self._learn(change, iterations, stopped=False)

    def stopped(self, change: float, iterations: float) -> None:
        """See one that was stopped."""
        self._learn(change, OVERRUN * iterations, stopped=True)

    def _learn(self, change: float, iterations: float, *, stopped: bool) -> None:
        u = self._condition(iterations)
        step = self._condition(iterations + COUNTED) - u
        added = u - self.condition
        if change < LEAST:
            return
        beyond = log(max(added, step) / change) - self.mean
        # No more iterations than fresh, or stopped: m is at most, or at least, so large.
        if (added < step and beyond > 0.0) or (stopped and beyond < 0.0):
            return
        noise = step / max(added, step)
        gain = self.variance / (self.variance + NOISE * NOISE + noise * noise)
        self.mean += gain * min(max(beyond, -SURPRISE), SURPRISE)
        self.variance -= gain * self.variance
