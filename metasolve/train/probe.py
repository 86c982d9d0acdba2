"""`Probe`: what is measured of one instance in a perturbation step, and what remains of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metasolve.gradient import Scheme
from metasolve.solve.solver import Value
from metasolve.train.evaluator import Evaluation

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Draw:
    """An arm that was drawn: its probability by the learner, and by those who drew it."""

    arm: int
    chance: float = 1.0
    drawn: float = 1.0


@dataclass(frozen=True)
class Probe:
    """One instance's part of a step: a base point and its perturbations.

    Attributes
    ----------
    instance, draw : which instance, which arm was drawn and how.
    settings : forward: base first, then one per tangent; central: all ahead, then all behind.
    encoded : (m, dim), the settings as the surrogate sees them.
    moves : (dim, k), in units of the step sizes, what really changed: after clamping to the box
        and rounding of integers; half the way from behind to ahead where central.
    scheme : of the differences.
    """

    instance: int
    draw: Draw
    settings: list[dict[str, Value]]
    encoded: Array
    moves: Array
    scheme: Scheme = "forward"

    def differences(self, values: Array) -> Array:
        """Change (k,) of what was measured (m,) along each of the moves."""
        if self.scheme == "forward":
            along: Array = values[1:] - values[0]
            return along
        ahead, behind = np.split(values, 2)
        return (ahead - behind) / 2.0

    def level(self, values: Array) -> float:
        """Value at the base point; where it is not measured, the mean around it."""
        return float(values[0] if self.scheme == "forward" else np.mean(values))

    def rows(self, columns: Sequence[int]) -> list[int]:
        """Rows of the settings that the given tangents need."""
        if self.scheme == "forward":
            return [0, *(column + 1 for column in columns)]
        return [*columns, *(column + self.moves.shape[1] for column in columns)]

    def only(self, columns: Sequence[int]) -> Probe:
        """The probe with some of its tangents."""
        rows = self.rows(columns)
        return replace(
            self,
            settings=[self.settings[row] for row in rows],
            encoded=self.encoded[rows],
            moves=self.moves[:, list(columns)],
        )


def survivors(
    probe: Probe, evaluations: Sequence[Evaluation]
) -> tuple[Probe, list[Evaluation]] | None:
    """What remains of a probe whose evaluations were lost in part; None where nothing does.

    Estimators average over the tangents they are given. Those that remain are a random choice of
    all when the loss does not depend on the value, so the mean over them has the same expectation.
    A crash teaches something only through the dataset, where it is a failure.
    """
    lost = [each.outcome.lost for each in evaluations]
    k = probe.moves.shape[1]
    kept = [column for column in range(k) if not any(lost[row] for row in probe.rows([column]))]
    if (k and not kept) or (not k and lost[0]):
        return None
    return probe.only(kept), [evaluations[row] for row in probe.rows(kept)]
