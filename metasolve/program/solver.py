"""`ProgramSolver`: a `Solver` that runs a program; the reference is its run as it always was."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metasolve.model.model import Model
from metasolve.program import reading
from metasolve.program.case import Case
from metasolve.program.limit import seconds_allowed
from metasolve.program.plugged import started
from metasolve.program.process import Finished, run, scratch
from metasolve.program.start import Start, petsc_options, start
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget, Value

_LEAST_LIMIT = 0.05  # seconds: starting a process takes some


@dataclass(frozen=True)
class Own:
    """The run of an instance under the program's own settings.

    Attributes
    ----------
    ok : whether it succeeded.
    overhead : wall seconds that its cost leaves out.
    answer : numbers of its answer; None where there is none to compare with.
    """

    ok: bool
    overhead: float
    answer: NDArray[np.float64] | None


class ProgramSolver:
    """Runs the program of a case, one process per solve.

    Laws: an answer further from that of the program's own settings than ``[accept]`` allows is
    `Reason.WRONG_RESIDUAL`, its distance the true residual; after a solve no file and no process of
    it is left; the environment of this process never changes.

    Where there is something to compare with, or a time limit to derive, the program is run once
    more under its own settings on an instance not yet seen so.

    Parameters
    ----------
    case : the program.
    model : runs are as it has them in production, but those that others are compared with: started
        where its directory says, if it does, and given as long as it allows.
    """

    def __init__(self, case: Case, model: Model | None = None) -> None:
        self.case, self._model = case, model
        self._own: dict[str, Own] = {}

    def solve(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        """Run the program on an instance; without settings, as it is.

        Raises
        ------
        UsageError
            If the program cannot be started or a setting is unknown.
        ReadingError
            If a successful run does not hold what the case reads from it.
        """
        plain = self._start(instance, settings)
        begin = started(plain, self._model, instance.features)
        if not settings and begin is plain:
            return self._run_own(instance, budget)
        own = self.own(instance)
        with scratch() as folder:
            finished = run(begin, folder, self._allowed(instance, settings, budget, own))
            outcome, answer = self._judged(finished)
        if answer is None or own.answer is None:
            return outcome
        changed = reading.distance(answer, own.answer)
        if instance.accepts(changed):
            return replace(outcome, true_residual=changed)
        allowed = self.case.accept.tolerance if self.case.accept else 0.0
        return replace(
            outcome,
            reason=Reason.WRONG_RESIDUAL,
            true_residual=changed,
            message=f"the answer changed by {changed:.3g}, more than accept.tolerance={allowed:g}; "
            "tighten the bounds of the settings that stop the program early",
        )

    def own(self, instance: Instance) -> Own:
        """The run under the program's own settings, made once per instance."""
        if instance.id not in self._own:
            self._run_own(instance, Budget())
        return self._own[instance.id]

    def repeatability(self, instance: Instance) -> float | None:
        """Distance of the answers of two runs under the program's own settings, if it has any."""
        first = self.own(instance).answer
        if first is None:
            return None
        with scratch() as folder:
            finished = run(self._start(instance, {}), folder, self._limit(Budget(), None))
            _, again = self._judged(finished)
        return math.inf if again is None else reading.distance(again, first)

    def _run_own(self, instance: Instance, budget: Budget) -> Outcome:
        with scratch() as folder:
            finished = run(self._start(instance, {}), folder, self._limit(budget, None))
            outcome, answer = self._judged(finished)
        overhead = max(finished.wall - outcome.solve_seconds, 0.0)
        self._own.setdefault(instance.id, Own(outcome.ok, overhead, answer))
        return outcome

    def _start(self, instance: Instance, settings: Mapping[str, Value]) -> Start:
        begin = start(self.case, instance.payload, settings)
        if not self.case.cost.petsc_log:
            return begin
        logged = {"log_view": f":{reading.PETSC_LOG}:ascii_csv"}
        before = begin.environment.get("PETSC_OPTIONS")
        text = (
            petsc_options(logged) if before is None else f"{before} -log_view {logged['log_view']}"
        )
        return replace(begin, environment={**begin.environment, "PETSC_OPTIONS": text})

    def _allowed(
        self, instance: Instance, settings: Mapping[str, Value], budget: Budget, own: Own
    ) -> float:
        """Seconds a run may take; with a model, as in production."""
        if self._model is None or not settings:
            return self._limit(budget, own)
        allowed = seconds_allowed(self.case, self._model, instance.features)
        return self.case.timeout if allowed is None else allowed

    def _limit(self, budget: Budget, own: Own | None) -> float:
        """Seconds a run may take: more than the budget where there is no success to be close to."""
        if budget.seconds is None or (own is not None and not own.ok):
            return self.case.timeout
        overhead = 0.0 if own is None else own.overhead
        return min(max(budget.seconds + overhead, _LEAST_LIMIT), self.case.timeout)

    def _judged(self, finished: Finished) -> tuple[Outcome, NDArray[np.float64] | None]:
        """Outcome of a run, and its answer if it succeeded and has one."""
        if finished.exit_code is None:
            text = f"timeout: stopped after {finished.wall:.3g} s; raise it if that is too early"
            return _failed(Reason.TIME_BUDGET, finished, text), None
        why = reading.why_failed(self.case.success, finished)
        if why:
            return _failed(Reason.DIVERGED, finished, why), None
        cost = reading.cost(self.case.cost, finished)
        answer = None if self.case.accept is None else reading.answer(self.case.accept, finished)
        if self.case.cost.unit == "seconds":
            return Outcome(Reason.CONVERGED, 0, 0.0, 0.0, 0.0, cost), answer
        return Outcome(Reason.CONVERGED, math.ceil(cost), cost, 0.0, 0.0, finished.wall), answer


def _failed(reason: Reason, finished: Finished, message: str) -> Outcome:
    return Outcome(reason, 0, 0.0, math.inf, 0.0, finished.wall, message=message)
