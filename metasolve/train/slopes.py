"""What the cost looks like along each numeric setting: its noise, a step, three differences.

Of each setting the first arm in which it is active is taken, with every number at its default, and
seven values at equal spacing along it tell the noise of the cost (ECnoise), three more the
differences at a tenth of the step, the step, and ten times the step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.gradient import Inform, Noise, curvature, ecnoise, forward_step, verdict
from metasolve.solve.solver import Value
from metasolve.space import Integer, Real, Space
from metasolve.train.evaluator import HOST, Evaluator

POINTS = 7
CALLS = 1 + POINTS + 3  # per instance and setting, at least; the first is the host's
WHOLE = "whole steps: an integer has no derivative; it is moved by one step or more"
_SPACINGS = (1e-3, 1e-1, 1e-5)  # in coordinates of [-1, 1]: the first, wider, narrower
_STEP = 0.02  # where noise and curvature do not tell
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Slope:
    """The cost along one setting, on one instance.

    Attributes
    ----------
    setting, instance : names.
    at : the settings around which it was moved.
    noise : standard deviation of the logarithm of the cost; None where it could not be told.
    known : what became of the estimate of the noise; advice where it failed.
    step : ε in coordinates of [-1, 1].
    differences : quotients of the cost (logarithm) at ε/10, ε and 10 ε; None where a solve failed.
    verdict : what they say, and what to do.
    """

    setting: str
    instance: str
    at: dict[str, Value]
    noise: float | None
    known: str
    step: float
    differences: tuple[float | None, ...]
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def slopes_of(
    evaluator: Evaluator,
    space: Space,
    report: Callable[[str, int, int], None],
) -> list[Slope]:
    """Look along every numeric setting, on every instance of the evaluator.

    Parameters
    ----------
    evaluator : evaluates; its budget must allow for `CALLS` and a few more per line.
    report : told what is being done, how much of it, and how much there is.
    """
    numeric = space.numeric
    places = range(len(evaluator.instances))
    evaluator.measure([(index, dict(HOST)) for index in places], "check")
    found = []
    for index in places:
        for each in numeric:
            found.append(_along(evaluator, space, index, each))
            report("settings", len(found), len(places) * len(numeric))
    return found


def _along(evaluator: Evaluator, space: Space, index: int, setting: Real | Integer) -> Slope:
    place = space.offset(setting.name)
    arm = next(each for each in space.arms() if space.active(each)[place])
    base = space.to_vector(arm)
    unit = np.eye(space.dim)[place] * (1.0 if base[place] <= 0.0 else -1.0)  # the side with room

    def costs(offsets: Sequence[float]) -> Array:
        asked = [(index, space.to_settings(base + offset * unit)) for offset in offsets]
        results = evaluator.measure(asked, "check")
        return np.array([each.cost if each.outcome.ok else np.nan for each in results])

    noise, spacing, values = _noise(costs)
    whole = isinstance(setting, Integer)
    step = _step(noise, spacing, values)
    if whole:
        step = 2.0 / (setting.high - setting.low)
    steps = np.array([1.0, 2.0, 3.0] if whole else [0.1, 1.0, 10.0]) * step
    start, *moved = costs([0.0, *steps])
    differences = (np.array(moved) - start) / steps
    said = WHOLE if whole else verdict(differences, step, noise).value
    return Slope(
        setting.name,
        evaluator.instances[index].id,
        dict(arm),
        noise.level,
        noise.inform.value,
        step,
        tuple(float(each) if np.isfinite(each) else None for each in differences),
        said,
    )


def _noise(costs: Callable[[Sequence[float]], Array]) -> tuple[Noise, float, Array]:
    """Noise along the line, at the first spacing that tells it; which, and the values there."""
    first, wider, narrower = _SPACINGS
    noise, values = _noise_at(costs, first)
    if noise.level is not None:
        return noise, first, values
    other = wider if noise.inform is Inform.SPACING_TOO_SMALL else narrower
    again, values = _noise_at(costs, other)
    return again, other, values


def _noise_at(costs: Callable[[Sequence[float]], Array], spacing: float) -> tuple[Noise, Array]:
    values = costs([spacing * each for each in range(POINTS)])
    if not np.isfinite(values).all():
        return Noise(None, Inform.SPACING_TOO_LARGE), values
    return ecnoise(np.exp(values)), values  # of the ratio: a logarithm may be about zero


def _step(noise: Noise, spacing: float, values: Array) -> float:
    """ε of a forward difference; ten times as much must stay in the box."""
    chosen = _STEP
    if noise.level is not None and np.isfinite(values).all():
        second = curvature(values, spacing, noise.level)
        chosen = _STEP if second is None else forward_step(noise.level, second)
    return float(np.clip(chosen, 1e-5, 0.1))
