"""`Expertise`: what is known of some instances before a training's first solver call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metasolve.prior.candidates import ANY, Candidate
from metasolve.prior.posterior import Seen
from metasolve.prior.prior_file import Prior


@dataclass(frozen=True)
class OwnSettings:
    """What a program's own settings are to a prior.

    Parameters
    ----------
    place
        Of the candidate as which they are foreseen.
    known
        Whether they are that candidate, and not just foreseen so because they are none.
    """

    place: int
    known: bool

    @property
    def offset(self) -> int:
        """As `Seen` has it."""
        return self.place if self.known else -1


@dataclass(frozen=True)
class Expertise:
    """A prior, and what it has to do with the instances of a training.

    Parameters
    ----------
    prior
        The prior.
    own
        The program's own settings, of each instance.
    parallel
        Whether systems are solved on several ranks.
    journal
        Solves that a journal tells of, as `Seen.of_entry` reads them.
    """

    prior: Prior
    own: Sequence[OwnSettings]
    parallel: bool = False
    journal: Sequence[Sequence[Any]] = ()

    @property
    def seen(self) -> list[Seen]:
        """What the journal tells of candidates that the prior has."""
        names = [each.name for each in self.prior.candidates]
        read = (Seen.of_entry(entry, names) for entry in self.journal)
        return [each for each in read if each is not None]


def own_settings(
    candidates: Sequence[Candidate], ksp: str, pc: str, package: str = "", direct: bool = False
) -> OwnSettings:
    """What KSP type, PC type and package are to a prior: as ``prior.c`` finds it.

    Parameters
    ----------
    direct
        Whether the program factorises. What is no candidate is foreseen as PETSc's default, or as
        its factorisation.
    """
    found = _find(candidates, ksp, pc, package)
    if found >= 0:
        return OwnSettings(found, known=True)
    usual = ("preonly", "lu") if direct else ("gmres", "ilu")
    return OwnSettings(max(_find(candidates, *usual, ""), 0), known=False)


def _find(candidates: Sequence[Candidate], ksp: str, pc: str, package: str) -> int:
    """Place of a candidate, or -1; its package decides, where one stands for that."""
    any_package = -1
    for place, candidate in enumerate(candidates):
        for own in candidate.own:
            if (own.ksp, own.pc) != (ksp, pc):
                continue
            if own.package == package:
                return place
            if any_package < 0 and own.package == ANY:
                any_package = place
    return any_package
