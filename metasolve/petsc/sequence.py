"""Solving a sequence with one KSP: what PETSc's own KSPGuess needs, which remembers past solves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from petsc4py import PETSc

from metasolve.errors import UsageError
from metasolve.petsc.judged import judge
from metasolve.petsc.library import plugin
from metasolve.petsc.measurement import Measurement
from metasolve.petsc.options import Options
from metasolve.petsc.replay import configure
from metasolve.petsc.systems import Systems
from metasolve.solve.instance import Instance
from metasolve.solve.outcome import Outcome


def solve_in_sequence(instances: Sequence[Instance], entries: Mapping[str, str]) -> list[Outcome]:
    """Solve generated systems with one operator one after the other, as the application does.

    Parameters
    ----------
    entries
        Options besides the application's own, such as ``{"ksp_guess_type": "fischer"}``.

    Raises
    ------
    UsageError
        If the operator changes: PETSc's guesses then forget what they know, and are of no use.
    """
    solves = [instance.payload for instance in instances]
    A, _ = solves[0].assemble()
    if any(abs(each.assemble()[0] - A).max() > 1e-14 * abs(A).max() for each in solves[1:]):
        raise UsageError("KSPGuess: the operator changes from solve to solve; use another guess")
    systems, outcomes, ksp = Systems(PETSc.COMM_SELF), [], PETSc.KSP().create(PETSc.COMM_SELF)
    ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
    first, limits = systems.load(solves[0]), []
    with Options({**solves[0].host.options, **entries}) as options:
        configure(ksp, first, solves[0], options)
        for instance in instances:
            b = first.b.duplicate()
            b.setArray(instance.payload.assemble()[1])
            system, measured = replace(first, b=b, norm=b.norm()), Measurement()
            x = system.start()
            system.residual(x)
            target = instance.payload.rtol * system.norm
            # PETSc's own test, under Richardson with multigrid, starts from the guess's residual.
            limits.append(plugin().limit(ksp, target))
            measured.set_up(ksp, ksp.comm)
            measured.run(ksp, system, x)
            outcomes.append(judge(instance, system, measured, target))
            x.destroy()
            b.destroy()
    ksp.destroy()
    systems.destroy()
    return outcomes
