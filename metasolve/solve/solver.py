"""`Solver`: the protocol at the boundary to the legacy code, and `Budget`: what a solve may use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from metasolve.errors import UsageError
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome

Value = float | int | str | bool
"""What a setting can be set to."""


@dataclass(frozen=True)
class Budget:
    """What one solve may use; None means no limit beyond the application's own.

    Parameters
    ----------
    seconds
        Wall time for set-up and solve.
    iterations
        Iterations of the outermost solver.

    Raises
    ------
    UsageError
        If a limit is not positive.
    """

    seconds: float | None = None
    iterations: int | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "iterations"):
            limit = getattr(self, name)
            if limit is not None and not limit > 0:
                raise UsageError(f"budget {name}={limit!r} is not positive; use None for no limit")


@runtime_checkable
class Solver(Protocol):
    """Calls the legacy code, and does nothing else.

    Law: the solver never reports `Reason.CONVERGED` for an answer whose recomputed relative
    residual is above the instance's tolerance.
    """

    def solve(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        """Solve one instance under the given settings.

        A solve stopped by its budget has `Reason.TIME_BUDGET`; one that fails in any other way
        says so in its reason.

        Parameters
        ----------
        instance
            What to solve.
        settings
            Setting name to value, as :meth:`metasolve.space.Space.to_settings` gives them; empty
            means the code's own defaults.
        budget
            Where to stop.

        Raises
        ------
        metasolve.errors.MetasolveError
            If the settings cannot be applied at all. A farm turns it into `Reason.ERROR`.
        """
        ...
