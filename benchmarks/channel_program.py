"""The channel program: decks of laws and flows in, wall stresses out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.program import template
from metasolve.program.case import Case
from metasolve.program.instances import instances
from metasolve.program.process import run, scratch
from metasolve.program.start import Start, start
from metasolve.solve.instance import Instance

Array = NDArray[np.float64]
_LINE = re.compile(
    r"^flow \d+ (?P<end>\w+) iterations (?P<iterations>\d+) wall_stress (?P<wall_stress>\S+) "
    r"velocity (?P<velocity>\S+) slope (?P<slope>\S+)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Flows:
    """What the program answers under m laws on n flows, every array (m, n).

    Attributes
    ----------
    converged : whether Newton's method did.
    iterations : of Newton's method.
    wall_stress : over density and the square of the plane's speed.
    velocity, slope : at the first point of the flow's grid; the slope towards the second.
    """

    converged: NDArray[np.bool_]
    iterations: Array
    wall_stress: Array
    velocity: Array
    slope: Array


def solve(case: Case, laws: Sequence[str], flows: Sequence[Instance]) -> Flows:
    """Solve every flow under every law in one run of the program, which reads line by line.

    Raises
    ------
    UsageError
        If the program fails as a whole.
    """
    text, name = case.input[0].text or "", case.input[0].name
    decks = [
        template.fill_file(text, {**flow.payload, "law": law}) for law in laws for flow in flows
    ]
    begin = start(case, flows[0].payload, {})
    with scratch() as folder:
        done = run(
            Start(begin.words, begin.environment, {name: "".join(decks)}, ()), folder, case.timeout
        )
        found, told = list(_LINE.finditer(done.stdout)), done.stderr.strip()
    if len(found) != len(decks):
        raise UsageError(
            f"case {case.name}: {len(found)} of {len(decks)} flows came back "
            f"(exit code {done.exit_code}, {told[:80]!r}); correct the command or the deck"
        )
    shape = (len(laws), len(flows))

    def column(key: str) -> Array:
        return np.array([float(each[key]) for each in found]).reshape(shape)

    converged = np.array([each["end"] == "CONVERGED" for each in found]).reshape(shape)
    values = {key: column(key) for key in ("iterations", "wall_stress", "velocity", "slope")}
    return Flows(converged, **values)


def numbers(flows: Sequence[Instance], name: str) -> Array:
    """An argument of every flow, (n,)."""
    return np.array([float(each.payload[name]) for each in flows])


def height_plus(flows: Sequence[Instance], wall_stress: Array) -> Array:
    """y+ of the first point, u_tau y / nu, (n,)."""
    height = 1.0 / numbers(flows, "points")
    height_plus: Array = np.sqrt(np.abs(wall_stress)) * height * numbers(flows, "reynolds")
    return height_plus


def draw(case: Case, count: int, seed: Sequence[int], band: tuple[float, float]) -> list[Instance]:
    """Draw flows whose first point, in the resolved solution, has y+ in the band.

    Raises
    ------
    UsageError
        If too few of those that the case draws have.
    """
    drawn = instances(case, 16 * count, seed)
    resolved = solve(case, ["resolved"], drawn)
    plus = height_plus(drawn, resolved.wall_stress[0])
    inside = (plus >= band[0]) & (plus <= band[1]) & resolved.converged[0]
    if inside.sum() < count:
        raise UsageError(
            f"case {case.name}: {inside.sum()} of {len(drawn)} flows have their first point at y+ "
            f"{band[0]:g} to {band[1]:g}, {count} are needed; change the ranges of [[vary]]"
        )
    order = np.random.default_rng(seed).permutation(np.flatnonzero(inside))[:count]
    return [drawn[i] for i in order]
