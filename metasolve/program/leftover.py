"""Which settings PETSc did not ask for: its own ``-options_left`` says so."""

from __future__ import annotations

import re
from dataclasses import replace

from metasolve.program.case import Case
from metasolve.program.process import run, scratch
from metasolve.program.start import start
from metasolve.solve.instance import Instance

_LEFT = re.compile(r"^Option left: name:-(\S+)", re.MULTILINE)
_MOST_ARMS = 12


def leftover(case: Case, instance: Instance) -> list[str]:
    """Settings that no run asked for, each being active in at least one of them.

    Runs the program once for each of the first joint choices of the space. A misspelt option, or
    one of another solver, is silently ignored otherwise.
    """
    asked: set[str] = set()
    tried: set[str] = set()
    for arm in case.space.arms()[:_MOST_ARMS]:
        complete = case.space.complete(arm)
        if set(complete) <= tried:
            continue
        begin = start(case, instance.payload, complete)
        options = begin.environment["PETSC_OPTIONS"] + " -options_left"
        with scratch() as folder:
            finished = run(
                replace(begin, environment={**begin.environment, "PETSC_OPTIONS": options}),
                folder,
                case.timeout,
            )
            left = set(_LEFT.findall(finished.stdout))
        tried |= set(complete)
        asked |= set(complete) - left
    return [each.name for each in case.space.settings if each.name in tried - asked]
