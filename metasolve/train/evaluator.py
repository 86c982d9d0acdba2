"""`Evaluator`: turns (instance, settings) into costs, counting every solver call honestly."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.farm import Farm, Request
from metasolve.solve.cost import Cost
from metasolve.solve.course import beyond, moment
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget, Value
from metasolve.train.events import Event, Events
from metasolve.train.interrupt import InterruptedTraining
from metasolve.train.losses import Losses

HOST: dict[str, Value] = {}  # no settings: the host's own configuration
_MAX_SETUP_CREDIT = 10.0
_CHUNK = 16  # evaluations per group of ranks between two flushes of the log
_HOST_SECONDS, _NET_SECONDS = 60.0, 10.0  # least limits of evaluations not measured in seconds


@dataclass(frozen=True)
class Evaluation:
    """One solver call: which instance (index), under which settings, what it cost."""

    instance: int
    settings: dict[str, Value]
    cost: float
    outcome: Outcome


class Evaluator:
    """Evaluates batches on a farm, logs them, and keeps the budget.

    Parameters
    ----------
    farm : where solver calls run. Collective: yes, on the farm's ranks.
    instances : all instances that may be evaluated, addressed by index.
    cost : outcome to number.
    calls : the budget.
    events : every call is logged here.
    on_batch : called after each batch with the number of calls made so far.
    made_good : failures that production sees, and makes good by the host's own settings.
    """

    def __init__(
        self,
        farm: Farm,
        instances: Sequence[Instance],
        cost: Cost,
        calls: int,
        events: Events,
        on_batch: Callable[[int], None] = lambda _: None,
        made_good: Collection[Reason] = (),
    ) -> None:
        self.made_good = made_good
        self.farm, self.instances, self.cost, self.budget = farm, list(instances), cost, calls
        self.events, self._on_batch = events, on_batch
        self.calls = 0
        self.losses = Losses(calls)
        self.seconds = 0.0  # that solvers took, in all
        self.host: dict[int, list[Outcome]] = {}

    @property
    def left(self) -> int:
        """Solver calls left in the budget."""
        return self.budget - self.calls

    def measure(
        self, asked: Sequence[tuple[int, dict[str, Value]]], phase: str
    ) -> list[Evaluation]:
        """Evaluate pairs (instance index, settings); what exceeds the budget is left out.

        The host's own configuration (settings `HOST`) becomes its instance's reference and must
        have been measured, by an earlier call, before any other settings on that instance.

        Raises
        ------
        InterruptedTraining
            When the farm was stopped; what was evaluated before is logged.
        TrainingError
            When most of what may be evaluated came to nothing.
        """
        # All at once: limits follow what was known before, however the work is cut up.
        requests = [self._request(*each) for each in asked[: self.left]]
        results: list[Evaluation] = []
        chunk = _CHUNK * max(1, self.farm.size)  # what a kill can lose
        for start in range(0, len(requests), chunk):
            results += self._batch(
                asked[start : start + chunk], requests[start : start + chunk], phase
            )
        return results

    def _request(self, index: int, settings: dict[str, Value]) -> Request:
        known = index in self.host
        expected = self.host_seconds(index) if known else self.instances[index].expected_seconds
        return Request(self.instances[index], settings, self._limits(index, settings), expected)

    def _batch(
        self,
        asked: Sequence[tuple[int, dict[str, Value]]],
        requests: Sequence[Request],
        phase: str,
    ) -> list[Evaluation]:
        outcomes = self.farm.evaluate(requests)
        results = [
            self._record(*each, outcome, phase)
            for each, outcome in zip(asked, outcomes, strict=False)
        ]
        self.events.flush()
        self._on_batch(self.calls)
        if self.farm.stopped:
            raise InterruptedTraining(f"stopped after {self.calls} calls")
        self.losses.check()
        return results

    def _record(
        self, index: int, settings: dict[str, Value], outcome: Outcome, phase: str
    ) -> Evaluation:
        outcome = outcome.brief()
        self._count(index, settings, outcome)
        result = Evaluation(index, settings, self.cost_of(index, outcome), outcome)
        self.events.emit(
            "evaluation",
            call=self.calls,
            phase=phase,
            instance=self.instances[index].id,
            settings=settings,
            cost=result.cost,
            outcome=outcome.to_dict(),
        )
        return result

    def _count(self, index: int, settings: dict[str, Value], outcome: Outcome) -> None:
        self.calls += 1
        self.losses.count(outcome, settings == HOST)
        spent = outcome.setup_seconds + outcome.solve_seconds
        self.seconds += spent if math.isfinite(spent) else 0.0
        if settings == HOST:
            self.host.setdefault(index, []).append(outcome)

    def recall(self, events: Sequence[Event]) -> list[Evaluation]:
        """Count evaluations of an earlier, finished training; returns those of settings."""
        places = {instance.id: index for index, instance in enumerate(self.instances)}
        results = [
            Evaluation(
                places[e["instance"]], e["settings"], e["cost"], Outcome.from_dict(e["outcome"])
            )
            for e in events
        ]
        for each in results:
            self._count(each.instance, each.settings, each.outcome)
        return [each for each in results if each.settings != HOST]

    def host_seconds(self, index: int) -> float:
        """Seconds of set-up and solve under the host's own configuration, median over repeats."""
        return float(np.median([o.setup_seconds + o.solve_seconds for o in self._warm(index)]))

    def reference(self, index: int) -> float:
        """What the host's own configuration takes on an instance: median over its repeats."""
        instance = self.instances[index]
        measured = [self.cost.quantity(outcome, instance) for outcome in self._warm(index)]
        known = [value for value in measured if math.isfinite(value) and value > 0]
        return float(np.median(known)) if known else 1.0

    def references(self) -> dict[int, float]:
        """`reference` of every instance whose host was measured."""
        return {index: self.reference(index) for index in self.host}

    def _warm(self, index: int) -> list[Outcome]:
        """The host's repeats without the first, which alone finds memory that nobody touched yet.

        It took 13 to 20 % longer than later ones, now and then several times as long: every other
        setting would look that much better.
        """
        return self.host[index][1:] or self.host[index]

    def cost_of(self, index: int, outcome: Outcome) -> float:
        """Cost of an outcome relative to the host's own configuration as known so far."""
        return self.cost(outcome, self.instances[index], self.reference(index))

    def host_cost(self, index: int) -> float:
        """Cost of staying with the host.

        The host's own answer counts as it is, also where its true residual is above the
        tolerance it was asked for; a host that did not converge at all counts as a failure.
        """
        costs = [
            0.0
            if outcome.reason in (Reason.CONVERGED, Reason.WRONG_RESIDUAL)
            else self.cost_of(index, outcome)
            for outcome in self.host[index]
        ]
        return float(np.median(costs))

    def host_costs(self) -> NDArray[np.float64]:
        """`host_cost` of every instance, 0 where it was not measured."""
        every = range(len(self.instances))
        return np.array([self.host_cost(i) if i in self.host else 0.0 for i in every])

    def watched(
        self, index: int, cost: float | None, patience: float, look: float = 0.0
    ) -> float | None:
        """Cost of a host that is watched, and given up for settings; None: it needs no look.

        Parameters
        ----------
        cost : of the settings alone, the decision included; None if they were not measured.
        patience : seconds that the host's solve may still seem to need; 0: any.
        look : seconds that it may seem to need before anybody looks at the system.
        """
        instance, outcome = self.instances[index], self.host[index][-1]
        iteration = max(outcome.solve_seconds / max(outcome.iterations, 1), 1e-12)
        seen, target = outcome.course, instance.tolerance
        start = beyond(seen, target, look / iteration) if look else 0
        failed = self.host_cost(index) > 0.0 and bool(seen)
        if start is None and not failed:
            return None
        alone = self.host_cost(index) + self.decision_cost(index)
        if cost is None or not patience:
            return alone
        end = None if start is None else beyond(seen, target, patience / iteration, start)
        if end is None and not failed:
            return alone
        spent = instance.setup_share * outcome.setup_seconds
        spent += outcome.solve_seconds if end is None else moment(end) * iteration
        return float(np.log(spent / self.reference(index) + np.exp(cost)))

    def decision_cost(self, index: int) -> float:
        """Cost of asking the model and then staying with the host."""
        instance = self.instances[index]
        if self.cost.measure != "seconds":
            return 0.0
        asking = instance.setup_share * instance.decision_seconds
        return math.log1p(asking / self.reference(index))

    def _limits(self, index: int, settings: dict[str, Value]) -> Budget:
        instance = self.instances[index]
        if settings == HOST:
            usual = instance.expected_seconds
            return Budget(seconds=max(_HOST_SECONDS, 100.0 * usual) if usual else None)
        total = self.host_seconds(index)
        if self.cost.measure == "seconds":
            # A set-up shared by many solves may take longer than one solve is allowed to.
            credit = min(1.0 / max(instance.setup_share, 1e-9), _MAX_SETUP_CREDIT)
            return Budget(seconds=max(0.01, self.cost.cap * total * credit), iterations=None)
        # A safety net against hanging, far off: nothing else in these measures depends on time.
        seconds = max(_NET_SECONDS, 20.0 * total)
        if self.cost.measure == "iterations":
            limit = math.ceil(self.cost.cap * self.reference(index)) + 1
            return Budget(seconds=seconds, iterations=limit)
        return Budget(seconds=seconds, iterations=None)
