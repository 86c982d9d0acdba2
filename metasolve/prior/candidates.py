"""`Candidate`: a joint choice of settings that the prior knows, read from ``candidates.toml``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.model.allowed import canonical

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SHIPPED = Path(__file__).with_name("candidates.toml")
#: What PETSc does where a program sets nothing.
DEFAULT = "gmres+ilu0"
ANY = "-"  #: a package that factorises, whichever it is
#: An operator is symmetric where the feature log_asymmetry is below this, and no diagonal entry is
#: zero or negative.
LOG_SYMMETRIC = -8.0
#: Diagonal entries are zero where the feature diagonal_range, which ends here, says so, ...
ZERO_RANGE = 16.0
#: ... and negative_diagonal, which is the share of rows with a zero or less.
ALL, SYMMETRIC, SADDLE = OPERATORS = ("any", "symmetric", "saddle")


@dataclass(frozen=True)
class Own:
    """Settings of a program that a candidate stands for.

    Parameters
    ----------
    ksp, pc : types.
    package : that factorises; `ANY` for whichever.
    """

    ksp: str
    pc: str
    package: str


@dataclass(frozen=True)
class Candidate:
    """A joint choice of settings.

    Parameters
    ----------
    name
        As in tables.
    operators
        Those that it is for, one of `OPERATORS`: all; those that are symmetric with a positive
        diagonal; those with zeros on the diagonal.
    own
        Programs' settings that it stands for.
    serial, parallel
        Options by name, on one rank and on several; empty where it cannot be used.
    """

    name: str
    operators: str
    own: tuple[Own, ...]
    serial: Mapping[str, str]
    parallel: Mapping[str, str]

    @property
    def symmetric(self) -> bool:
        """Whether it is for symmetric operators with a positive diagonal only."""
        return self.operators == SYMMETRIC

    def suits(self, features: Mapping[str, float]) -> bool:
        """Whether it is for an operator, as far as features tell."""
        if self.operators == SADDLE:
            return is_saddle(features)
        return not self.symmetric or is_symmetric(features)


def is_symmetric(features: Mapping[str, float]) -> bool:
    """Whether an operator is symmetric with a positive diagonal, as far as features tell."""
    return features["log_asymmetry"] < LOG_SYMMETRIC and features["negative_diagonal"] == 0.0


def is_saddle(features: Mapping[str, float]) -> bool:
    """Whether an operator has zeros on its diagonal, as far as features tell."""
    return features["negative_diagonal"] > 0.0 and features["diagonal_range"] >= ZERO_RANGE


def read_candidates(path: Path = SHIPPED) -> tuple[Candidate, ...]:
    """Read and check the candidates.

    Raises
    ------
    UsageError
        If an option is none that a model may choose, or two candidates have one name.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["candidate"]
    found = tuple(_candidate(table) for table in tables)
    names = [each.name for each in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UsageError(f"{path}: candidate name={min(twice)!r} twice; rename one")
    return found


def _candidate(table: Mapping[str, Any]) -> Candidate:
    serial = _checked(table["serial"])
    parallel = _checked(table["parallel"]) if "parallel" in table else serial
    own = tuple(Own(*words.split()) for words in table["own"])
    if table["operators"] not in OPERATORS:
        raise UsageError(
            f"candidate {table['name']}: operators={table['operators']!r}; give one of {OPERATORS}"
        )
    return Candidate(table["name"], table["operators"], own, serial, parallel)


def _checked(options: Mapping[str, str]) -> dict[str, str]:
    return {name: canonical(name, text) for name, text in options.items()}
