"""`Evaluator`: turns (instance, settings) into costs, counting every solver call honestly."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metasolve.cost import Cost
from metasolve.errors import ModelError
from metasolve.farm import Farm, Request
from metasolve.instance import Instance
from metasolve.outcome import Outcome, Reason
from metasolve.solver import Budget, Value
from metasolve.train.events import Event, Events

HOST: dict[str, Value] = {}  # no settings: the host's own configuration
_MAX_SETUP_CREDIT = 10.0


@dataclass(frozen=True)
class Evaluation:
    """One solver call: which instance (index), under which settings, what it cost."""

    instance: int
    settings: dict[str, Value]
    cost: float
    outcome: Outcome


class Evaluator:
    """Evaluates batches on a farm, answers from a journal first, and keeps the budget.

    Parameters
    ----------
    farm : where solver calls run. Collective: yes, on the farm's ranks.
    instances : all instances that may be evaluated, addressed by index.
    cost : outcome to number.
    calls : the budget.
    events : every call is logged here.
    journal : evaluation events of an interrupted run, answered in order before the farm is asked.
    on_batch : called after each batch with the number of calls made so far.
    """

    def __init__(
        self,
        farm: Farm,
        instances: Sequence[Instance],
        cost: Cost,
        calls: int,
        events: Events,
        journal: Sequence[Event] = (),
        on_batch: Callable[[int], None] = lambda _: None,
    ) -> None:
        self.farm, self.instances, self.cost, self.budget = farm, list(instances), cost, calls
        self.events, self._journal, self._on_batch = events, list(journal), on_batch
        self.calls = self._recalled = 0
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
        come before any other settings on that instance.
        """
        asked = list(asked[: self.left])
        results: list[Evaluation] = []
        chunk = max(8, 4 * self.farm.size)  # what a kill can lose
        for start in range(0, len(asked), chunk):
            results += self._batch(asked[start : start + chunk], phase)
        return results

    def _batch(self, asked: Sequence[tuple[int, dict[str, Value]]], phase: str) -> list[Evaluation]:
        written = self._journal[self.calls - self._recalled :][: len(asked)]
        known = len(written)
        outcomes = [
            self._from_journal(event, *pair) for event, pair in zip(written, asked, strict=False)
        ]
        if known < len(asked):
            requests = [
                Request(self.instances[i], settings, self._limits(i, settings))
                for i, settings in asked[known:]
            ]
            outcomes += self.farm.evaluate(requests)
        results = [self._record(i, s, o, phase) for (i, s), o in zip(asked, outcomes, strict=True)]
        self.events.flush()
        self._on_batch(self.calls)
        return results

    def _from_journal(self, event: Event, index: int, settings: dict[str, Value]) -> Outcome:
        if event["instance"] != self.instances[index].id or not _same(event["settings"], settings):
            raise ModelError(
                f"evaluation {event['call']} of the interrupted training does not match this one: "
                "train with --fresh, or with the version that began it"
            )
        return Outcome.from_dict(event["outcome"])

    def _record(
        self, index: int, settings: dict[str, Value], outcome: Outcome, phase: str
    ) -> Evaluation:
        result = self._count(index, settings, outcome)
        stored = outcome.to_dict()
        # The cost only asks whether a history was known; two norms of it keep the line short.
        stored["history"] = stored["history"][-2:]
        self.events.emit(
            "evaluation",
            call=self.calls,
            phase=phase,
            instance=self.instances[index].id,
            settings=settings,
            cost=result.cost,
            outcome=stored,
        )
        return result

    def _count(self, index: int, settings: dict[str, Value], outcome: Outcome) -> Evaluation:
        self.calls += 1
        spent = outcome.setup_seconds + outcome.solve_seconds
        self.seconds += spent if math.isfinite(spent) else 0.0
        if settings == HOST:
            self.host.setdefault(index, []).append(outcome)
        return Evaluation(index, settings, self.cost_of(index, outcome), outcome)

    def recall(self, events: Sequence[Event]) -> list[Evaluation]:
        """Count evaluations of an earlier, finished training; returns those of settings."""
        places = {instance.id: index for index, instance in enumerate(self.instances)}
        self._recalled += len(events)
        results = [
            self._count(places[e["instance"]], e["settings"], Outcome.from_dict(e["outcome"]))
            for e in events
        ]
        return [each for each in results if each.settings != HOST]

    def host_seconds(self, index: int) -> float:
        """Seconds of set-up and solve under the host's own configuration, median over repeats."""
        return float(np.median([o.setup_seconds + o.solve_seconds for o in self.host[index]]))

    def reference(self, index: int) -> float:
        """What the host's own configuration takes on an instance: median over its repeats."""
        instance = self.instances[index]
        measured = [self.cost.quantity(outcome, instance) for outcome in self.host[index]]
        known = [value for value in measured if math.isfinite(value) and value > 0]
        return float(np.median(known)) if known else 1.0

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

    def decision_cost(self, index: int) -> float:
        """Cost of asking the model and then staying with the host."""
        instance = self.instances[index]
        if self.cost.measure != "seconds":
            return 0.0
        asking = instance.setup_share * instance.decision_seconds
        return math.log1p(asking / self.reference(index))

    def _limits(self, index: int, settings: dict[str, Value]) -> Budget:
        if settings == HOST:
            return Budget(seconds=None, iterations=None)
        instance, total = self.instances[index], self.host_seconds(index)
        if self.cost.measure == "seconds":
            # A set-up shared by many solves may take longer than one solve is allowed to.
            credit = min(1.0 / max(instance.setup_share, 1e-9), _MAX_SETUP_CREDIT)
            return Budget(seconds=max(0.01, self.cost.cap * total * credit), iterations=None)
        seconds = max(1.0, 20.0 * total)  # a safety net only: these measures are deterministic
        if self.cost.measure == "iterations":
            limit = math.ceil(self.cost.cap * self.reference(index)) + 1
            return Budget(seconds=seconds, iterations=limit)
        return Budget(seconds=seconds, iterations=None)


def _same(stored: dict[str, Any], settings: dict[str, Value]) -> bool:
    """Whether settings read back from JSON are these, up to the rounding of another machine."""
    if stored.keys() != settings.keys():
        return False
    for name, value in settings.items():
        if isinstance(value, float):
            if not math.isclose(stored[name], value, rel_tol=1e-4, abs_tol=1e-6):
                return False
        elif stored[name] != value:
            return False
    return True
