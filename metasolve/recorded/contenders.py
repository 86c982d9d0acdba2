"""Ways to solve one recorded system that need its recording: as the program did, by the plug-in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metasolve.baselines.contenders import Solve
from metasolve.petsc.replay import Replay
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome


def default(replay: Replay) -> Solve:
    """The program's own configuration; what was recorded of it where it cannot be rebuilt."""
    return lambda instance: (replay.solve(instance, {}), {})


def default_to_equal_residual(replay: Replay) -> Solve:
    """The program's own configuration, made to reach the tolerance in the true residual."""

    def solve(instance: Instance) -> tuple[Outcome, dict[str, Any]]:
        if not instance.payload.host.replayable:
            return replay.solve(instance, {}), {}
        return replay.solve_host(instance, equal_residual=True), {}

    return solve


def plugin(replay: Replay, model: Path) -> Solve:
    """The model, through the plug-in, as in production: features, inference and guard included."""
    return lambda instance: replay.solve_with_plugin(instance, model)
