"""What a farm would take on many ranks: its schedule, replayed event by event.

The order is the farm's own: the longest expected first, one each given out, the rest pulled from a
counter. Actual durations differ from expected ones, so that what is pulled last is not always
short. With expected = actual and nothing else to pay this is Graham's list scheduling, "Bounds on
multiprocessing timing anomalies", SIAM J. Appl. Math. 17 (1969).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metasolve.errors import UsageError
from metasolve.farm.schedule import longest_first

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Overheads:
    """What training pays besides its solves; zero by default, measured in `costs`.

    Attributes
    ----------
    call : seconds that the farm adds to a call, on the rank that makes it.
    pull : seconds of a round trip to the counter that nobody else is using.
    counter : seconds for which one pull keeps the counter from the others; at most `pull`.
    merge : seconds that every rank takes per evaluation, whoever made it, to read its outcome.
    alpha : seconds of one message between two ranks.
    beta : seconds per byte between two ranks.
    size : bytes exchanged per evaluation.
    serial, probe : seconds of the trainer per batch, and per evaluation: every rank does the same.
    """

    call: float = 0.0
    pull: float = 0.0
    counter: float = 0.0
    merge: float = 0.0
    alpha: float = 0.0
    beta: float = 0.0
    size: float = 0.0
    serial: float = 0.0
    probe: float = 0.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (math.isfinite(value) and value >= 0.0):
                raise UsageError(f"{name}={value!r} is not a number of seconds or bytes: give >= 0")

    def exchange(self, evaluations: int, ranks: int) -> float:
        """Seconds to tell every rank every outcome, after the last one.

        Two all-gathers of ⌈log₂ p⌉ messages, of the sizes and of the outcomes, after Thakur,
        Rabenseifner and Gropp, "Optimization of collective communication operations in MPICH"
        (2005): α ⌈log₂ p⌉ + β n (p - 1) / p each.
        """
        steps = math.ceil(math.log2(ranks)) if ranks > 1 else 0
        told = self.size * evaluations * (ranks - 1) / ranks
        return 2 * self.alpha * steps + self.beta * told + self.merge * evaluations

    def trainer(self, evaluations: int) -> float:
        """Seconds of the trainer in a step of so many evaluations, on any number of ranks."""
        return self.serial + self.probe * evaluations


@dataclass(frozen=True)
class Batch:
    """One batch on some ranks.

    Attributes
    ----------
    ranks : that took part.
    busy : seconds of all solves together.
    wall : seconds until every rank knows every outcome.
    """

    ranks: int
    busy: float
    wall: float

    @property
    def idle(self) -> float:
        """Share of the ranks' time in which no solve runs."""
        return 1.0 - self.busy / (self.ranks * self.wall)


def simulate(
    actual: ArrayLike, expected: ArrayLike, ranks: int, overheads: Overheads | None = None
) -> Batch:
    """Run one batch.

    Laws: without overheads the wall time is at least max(Σ/p, longest) and at most Σ/p + longest;
    exactly Σ on one rank; it never grows with another rank, and never shrinks with a longer call.

    Parameters
    ----------
    actual : seconds of each call.
    expected : what the scheduler believes they will be.
    ranks : that solve side by side.
    overheads : what else is paid; nothing by default.

    Raises
    ------
    UsageError
        If there are no ranks or no calls.
    """
    seconds = np.asarray(actual, dtype=float)
    costs = overheads or Overheads()
    if ranks < 1 or not len(seconds):
        raise UsageError(f"ranks={ranks}, calls={len(seconds)}: simulate at least one of each")
    order = longest_first(np.asarray(expected, dtype=float).tolist())
    work = (seconds[order] + costs.call).tolist()
    free = _static(work, ranks)
    counter = 0.0
    for each in work[ranks:]:
        counter = max(free[0] + costs.pull / 2, counter) + costs.counter
        heapq.heapreplace(free, counter + _back(costs) + each)
    ended = _told_that_nothing_is_left(free, counter, costs)
    return Batch(ranks, float(seconds.sum()), ended + costs.exchange(len(work), ranks))


def _static(work: Sequence[float], ranks: int) -> list[float]:
    """When each rank ends its first call, as a heap; ranks are alike, so their names do not matter.

    Without a call at once: ranks beyond the number of calls.
    """
    free = [*work[:ranks], *[0.0] * (ranks - len(work))]
    heapq.heapify(free)
    return free


def _told_that_nothing_is_left(free: list[float], counter: float, costs: Overheads) -> float:
    """When the last rank learns from the counter that nothing is left."""
    for moment in sorted(free):
        counter = max(moment + costs.pull / 2, counter) + costs.counter
    return counter + _back(costs)


def _back(costs: Overheads) -> float:
    """Seconds of the way back from the counter."""
    return max(costs.pull / 2 - costs.counter, 0.0)


@dataclass(frozen=True)
class Prediction:
    """What training steps would come to on some ranks, means over simulated batches.

    Attributes
    ----------
    ranks : that solve side by side.
    seconds : wall time of a batch, and with the trainer's own part, of a step.
    calls_per_second : in a batch.
    efficiency : of a batch: speed-up over one rank, divided by the ranks.
    step_efficiency : the same of a step, the trainer's own part included.
    idle : share of the ranks' time in a batch without a solve.
    """

    ranks: int
    seconds: float
    step_seconds: float
    calls_per_second: float
    efficiency: float
    step_efficiency: float
    idle: float


@dataclass(frozen=True)
class Durations:
    """Recorded calls: what they were expected to take, and took.

    Attributes
    ----------
    actual, expected : (n,), seconds.
    source : where they come from, in words.
    """

    actual: Array
    expected: Array
    source: str

    def drawn(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """`count` of them with replacement: actual and expected."""
        index = rng.integers(len(self.actual), size=count)
        return self.actual[index], self.expected[index]


def predict(
    durations: Durations,
    ranks: Sequence[int],
    evaluations: int,
    overheads: Overheads,
    seed: int = 0,
    repeats: int = 3,
) -> list[Prediction]:
    """Simulate the same batches of `evaluations` drawn calls on every number of ranks."""
    rng = np.random.default_rng([seed, 4])
    batches = [durations.drawn(evaluations, rng) for _ in range(repeats)]
    alone = [simulate(*batch, 1, overheads).wall for batch in batches]
    return [_prediction(batches, alone, count, overheads) for count in ranks]


def _prediction(
    batches: Sequence[tuple[Array, Array]], alone: Sequence[float], ranks: int, costs: Overheads
) -> Prediction:
    runs = [simulate(*batch, ranks, costs) for batch in batches]
    wall = float(np.mean([run.wall for run in runs]))
    one = float(np.mean(alone))
    trainer = costs.trainer(len(batches[0][0]))
    step = wall + trainer
    return Prediction(
        ranks=ranks,
        seconds=wall,
        step_seconds=step,
        calls_per_second=len(batches[0][0]) / wall,
        efficiency=one / (ranks * wall),
        step_efficiency=(one + trainer) / (ranks * step),
        idle=float(np.mean([run.idle for run in runs])),
    )


def limit(predictions: Sequence[Prediction], least: float, step: bool = False) -> int | None:
    """Smallest number of ranks whose efficiency is below `least`; None if none is."""
    name = "step_efficiency" if step else "efficiency"
    return next((each.ranks for each in predictions if getattr(each, name) < least), None)
