"""`Guessed`: a solver that starts generated systems from a guess; it *is* a solver."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from metasolve.guess.guess import Start
from metasolve.petsc.replay import Replay
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget, Value

Array = NDArray[np.float64]
Guessing = Callable[[sp.csr_matrix, Array, Array], Start]


class Guessed:
    """A `Solver` of generated systems that makes a guess first.

    Laws: making the guess, and finding out whether it is one, is part of the solve's seconds; a
    guess that meets the tolerance is the answer, for which nothing is set up; an answer is as
    accurate as without a guess, rtol being relative to ‖b‖₂.

    Parameters
    ----------
    replay
        Solves; the application's own settings are stopped on the unpreconditioned norm.
    guess
        Makes guesses, of A, b and features; None starts from zero.
    """

    def __init__(self, replay: Replay, guess: Guessing | None = None) -> None:
        self._replay, self._guess = replay, guess

    def solve(
        self,
        instance: Instance,
        settings: Mapping[str, Value],
        budget: Budget = Budget(),  # noqa: B008
    ) -> Outcome:
        """Solve from a guess; empty settings mean the application's own."""
        if self._guess is None:
            return self._solve(instance, settings, budget)
        A, b = instance.payload.assemble()
        A @ b  # as in `System.warm`: a program that has just made them has them in the caches
        features = np.array(list(instance.features.values()))
        began = time.perf_counter()
        start = self._guess(A, b, features)
        seconds = time.perf_counter() - began
        if start.residual <= instance.tolerance:
            return Outcome(Reason.CONVERGED, 0, 0.0, start.residual, 0.0, seconds)
        begun = replace(instance, payload=replace(instance.payload, guess=start.x0))
        outcome = self._solve(begun, settings, budget)
        return replace(outcome, solve_seconds=outcome.solve_seconds + seconds)

    def _solve(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        if not settings:
            return self._replay.solve_host(instance, equal_residual=True)
        return self._replay.solve(instance, settings, budget)
