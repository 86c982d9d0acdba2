"""`Workload`: the calls that ``metasolve scaling`` makes; built in, or of a recording."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from petsc4py import PETSc

from metasolve.errors import MetasolveError, UsageError
from metasolve.farm import Request, attempt
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome, Reason
from metasolve.solve.solver import Budget, Solver, Value

Call = tuple[Instance, dict[str, Value]]
_SIDES = (36, 116)  # grid points per side: call times then differ 20-fold
_CAP = 2.0  # a call may take so many times the program's own, as in training
_LEAST_SECONDS = 0.01


@dataclass(frozen=True)
class Workload:
    """Calls to make, and who makes them.

    Attributes
    ----------
    make_solver : makes the solver, in the worker process of a rank.
    calls : instance and settings; settings may be empty, the program's own.
    capped : whether a call is given a budget of time, as training gives it.
    """

    make_solver: Callable[[], Solver]
    calls: Sequence[Call]
    capped: bool = True

    def reference(self) -> list[Call]:
        """One call under the program's own settings per instance: what `expected` comes from."""
        instances = {instance.id: instance for instance, _ in self.calls}
        return [(instance, {}) for instance in instances.values()]

    def budget(self, expected: float | None) -> Budget:
        """What a call may use whose instance takes `expected` seconds under its own settings."""
        if expected is None or not self.capped:
            return Budget()
        return Budget(seconds=max(_LEAST_SECONDS, _CAP * expected))


def built_in(count: int, seed: int = 0) -> Workload:
    """Convection-diffusion problems of many sizes, solved by GMRES under several settings.

    Parameters
    ----------
    count : calls.
    seed : of sizes, winds and settings.
    """
    rng = np.random.default_rng([seed, 1])
    calls: list[Call] = []
    for index in range(count):
        side = round(math.exp(rng.uniform(*np.log(_SIDES))))
        peclet = float(rng.choice([0.0, 20.0, 200.0]))
        instance = Instance(f"{index}", {}, payload=(side, peclet), tolerance=1e-6)
        settings: dict[str, Value] = {
            "pc": str(rng.choice(["ilu", "sor"])),
            "restart": int(rng.integers(10, 60)),
        }
        calls.append((instance, settings))
    return Workload(partial(_Timed, ConvectionDiffusion), calls, capped=False)


def recorded(recording: Path, count: int, seed: int = 0) -> Workload:
    """Recorded systems under settings drawn from the space that training would use.

    Raises
    ------
    UsageError
        If the recording holds no solve that can be replayed.
    RecordingError
        If there is no recording or it is empty.
    """
    from metasolve.petsc.recording import Recording
    from metasolve.petsc.replay import Replay
    from metasolve.petsc.spaces import default_space

    recorded = Recording(recording)
    instances = [each for each in recorded.instances() if each.payload.host.replayable]
    if not instances:
        raise UsageError(f"{recording} holds no solve that can be replayed: record another program")
    space, rng = default_space(recorded), np.random.default_rng([seed, 2])
    drawn = rng.permutation(np.resize(np.arange(len(instances)), count))
    settings = [space.to_settings(rng.uniform(-1.0, 1.0, space.dim)) for _ in drawn]
    calls = [(instances[i], each) for i, each in zip(drawn, settings, strict=True)]
    return Workload(partial(_Timed, partial(Replay, None, space)), calls)


def empty(count: int) -> Workload:
    """Calls that do nothing: what a call costs the farm."""
    return Workload(Nothing, [(Instance(f"{index}", {}), {}) for index in range(count)], False)


class _Timed:
    """A solver whose outcomes say, as their message, which process took how many seconds."""

    def __init__(self, factory: Callable[[], Solver]) -> None:
        self._solver = factory()

    def solve(self, instance: Instance, settings: Mapping[str, Value], budget: Budget) -> Outcome:
        began = time.perf_counter()
        outcome = attempt(self._solver, Request(instance, settings, budget))
        return replace(outcome, message=f"{os.getpid()} {time.perf_counter() - began!r}")


def told(outcome: Outcome) -> tuple[str, float]:
    """Which process made a call, and how many seconds it took.

    Raises
    ------
    MetasolveError
        If the worker did not live to say so.
    """
    try:
        worker, seconds = outcome.message.split()
        return worker, float(seconds)
    except ValueError:
        raise MetasolveError(f"a call was lost: {outcome.message}; measure others") from None


class Nothing:
    """A solver that returns at once."""

    def solve(self, _: Instance, __: Mapping[str, Value], ___: Budget) -> Outcome:
        """Return a converged outcome."""
        return Outcome(Reason.CONVERGED, 1, 1.0, 0.0, 0.0, 0.0)


class ConvectionDiffusion:
    """Assembles and solves -Δu + p (1, 1/2)·∇u = 1 on the unit square, upwind, five points.

    An instance's payload is (grid points per side, Péclet number p); settings are `pc`, a
    PETSc preconditioner, and `restart` of GMRES. Everything is made and destroyed in each call.
    """

    def solve(self, instance: Instance, settings: Mapping[str, Value], _: Budget) -> Outcome:
        """Solve one problem to ‖b - A x‖₂ <= tolerance · ‖b‖₂."""
        began = time.perf_counter()
        A = _matrix(*instance.payload)
        b, x = A.createVecLeft(), A.createVecRight()
        b.set(1.0)
        ksp = PETSc.KSP().create(PETSc.COMM_SELF)
        ksp.setOperators(A)
        ksp.setType("gmres")
        ksp.setPCSide(PETSc.PC.Side.RIGHT)  # so that it stops on the true residual
        ksp.setGMRESRestart(int(settings.get("restart", 30)))
        ksp.getPC().setType(str(settings.get("pc", "ilu")))
        ksp.setTolerances(rtol=instance.tolerance, max_it=5000)
        ksp.setUp()
        ready = time.perf_counter()
        ksp.solve(b, x)
        done = time.perf_counter()
        residual = (b - A * x).norm() / b.norm()
        reason = Reason.CONVERGED if instance.accepts(residual) else Reason.MAX_ITERATIONS
        count = ksp.getIterationNumber()
        for thing in (ksp, A, b, x):
            thing.destroy()
        return Outcome(reason, count, float(count), residual, ready - began, done - ready)


def _matrix(side: int, peclet: float) -> PETSc.Mat:
    """h² times the operator, h = 1 / (side + 1)."""
    step, rows = peclet / (side + 1), side * side
    inside = np.tile(np.r_[np.ones(side - 1), 0.0], side)[:-1]  # no neighbour beyond a grid line
    far = np.ones(rows - side)
    diagonals = [-(1 + step / 2) * far, -(1 + step) * inside, np.full(rows, 4 + 1.5 * step)]
    stencil = sp.diags([*diagonals, -inside, -far], offsets=[-side, -1, 0, 1, side], format="csr")
    csr = (stencil.indptr, stencil.indices, stencil.data)
    return PETSc.Mat().createAIJ(stencil.shape, csr=csr, comm=PETSc.COMM_SELF)
