"""Benchmark ``sequences``: keep a preconditioner, or build it anew, for systems that change."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.parts import Parts
from benchmarks.sequence_kinds import KINDS, STEPS, Trajectory
from benchmarks.sequence_measurement import CUT, HOSTS, MOST, measure
from metasolve.report.result import Report, silent

DIMENSIONS = (2, 3)


def measured(
    seeds: Sequence[int], out: Path | None, report: Report = silent
) -> dict[tuple[Trajectory, str], dict[str, Any]]:
    """What every sequence takes under every host; what is finished is taken from `out`."""
    parts = Parts(out, {"steps": STEPS, "cut": CUT, "most": MOST})
    asked = {
        (Trajectory(kind, dimension, seed), host): f"{kind}-{dimension}d-{seed}-{host}"
        for seed in seeds
        for dimension in DIMENSIONS
        for kind in KINDS
        for host in HOSTS
    }
    measures = {name: partial(measure, *each) for each, name in asked.items()}
    found = parts.side_by_side("sequences", measures, report)
    return {each: found[name] for each, name in asked.items()}
