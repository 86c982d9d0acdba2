"""Instances of a case: drawn from the ranges it declares, or rows of a CSV of past runs."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.program.case import Case
from metasolve.solve.instance import Instance
from metasolve.space import Choice, Flag, Setting, Space

Arguments = dict[str, str]
"""Name to text, as the program reads it: one instance."""


def instances(case: Case, count: int, seed: int | Sequence[int]) -> list[Instance]:
    """Instances to learn from or to test on: the same for the same seed.

    Drawn from a Latin hypercube over ``[[vary]]``, so that every range is covered evenly; or, where
    the case has a CSV of past runs, `count` of its rows.

    Raises
    ------
    UsageError
        If nothing varies or the CSV cannot be used.
    """
    rng = np.random.default_rng(seed)
    if case.runs is not None:
        rows = past_runs(case)
        chosen = sorted(rng.permutation(len(rows))[:count])
        drawn = [rows[index] for index in chosen]
    else:
        drawn = hypercube(case.varies, count, rng)
    unique = {identity(arguments): arguments for arguments in drawn}
    return [instance(case, arguments) for arguments in unique.values()]


def instance(case: Case, arguments: Arguments) -> Instance:
    """One instance; its payload is its arguments."""
    made = Instance(identity(arguments), features(case, arguments), payload=dict(arguments))
    return made if case.accept is None else replace(made, tolerance=case.accept.tolerance)


def identity(arguments: Mapping[str, str]) -> str:
    """Name of an instance: its arguments."""
    return " ".join(f"{name}={text}" for name, text in arguments.items())


class Varied(Protocol):
    """Something whose instances differ in arguments: a case, a family."""

    @property
    def varies(self) -> Space:
        """What varies, as far as it is declared."""

    @property
    def columns(self) -> Sequence[str]:
        """Names of what varies, declared or not."""


def features(case: Varied, arguments: Mapping[str, str]) -> dict[str, float]:
    """What the meta-model sees: logarithms where the scale is, a number per word of a choice.

    Raises
    ------
    UsageError
        If an argument is missing or not what the case says it is.
    """
    found: dict[str, float] = {}
    for name in names(case):
        if name not in arguments:
            raise UsageError(f"feature {name} is missing; give --feature {name}=VALUE")
        found |= _features(case, name, arguments[name])
    return found


def _features(case: Varied, name: str, text: str) -> dict[str, float]:
    declared = {each.name: each for each in case.varies.settings}.get(name)
    if isinstance(declared, Choice) and not all(map(_is_number, declared.values)):
        return {
            f"{name}={word}": float(word == declared.canonical(text)) for word in declared.values
        }
    if isinstance(declared, Flag):
        return {name: float(text.lower() in ("1", "true", ".true.", "yes"))}
    value = _number(name, text)
    if getattr(declared, "scale", "linear") == "log":
        return {f"log10({name})": math.log10(value) if value > 0 else -math.inf}
    return {name: value}


def _number(name: str, text: str) -> float:
    try:
        return float(text.lower().replace("d", "e"))  # Fortran writes 1.5d0
    except ValueError:
        raise UsageError(
            f'{name}={text!r} is not a number; declare it in [[vary]] with type = "choice"'
        ) from None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def names(case: Varied) -> list[str]:
    """What varies: declared names first, then the other columns of past runs."""
    declared = [each.name for each in case.varies.settings]
    return declared + [name for name in case.columns if name not in declared]


def past_runs(case: Case) -> list[Arguments]:
    """Rows of the CSV of past runs.

    Raises
    ------
    UsageError
        If it cannot be read, is empty or lacks a declared column.
    """
    path = case.path(case.runs or "")
    try:
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except (OSError, csv.Error) as error:
        raise UsageError(f"runs={case.runs!r}: {error}; give a readable CSV file") from error
    if not rows:
        raise UsageError(f"runs={case.runs!r} has no row; give one run per line below a header")
    missing = [each.name for each in case.varies.settings if each.name not in rows[0]]
    if missing:
        raise UsageError(f"runs={case.runs!r} has no column {missing[0]!r}; add it")
    return [{name: str(value).strip() for name, value in row.items() if name} for row in rows]


def hypercube(space: Space, count: int, rng: np.random.Generator) -> list[Arguments]:
    """Latin hypercube: each range in `count` strata, one draw in each; words take turns."""
    settings = space.settings
    strata = [rng.permutation(count) for _ in settings]
    shares = (np.stack(strata, axis=1) + rng.random((count, len(settings)))) / count
    drawn = []
    for row in shares:
        z = [_coordinates(*each) for each in zip(settings, row, strict=True)]
        values = space.to_settings(np.concatenate(z))
        drawn.append({name: space[name].text(value) for name, value in values.items()})
    return drawn


def _coordinates(setting: Setting, share: float) -> NDArray[np.float64]:
    if isinstance(setting, Choice):
        return setting.write(setting.values[int(share * len(setting.values))])
    return np.array([2.0 * share - 1.0])
