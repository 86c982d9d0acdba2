"""Which settings a model may choose: the table of ``plugin/settings.def``, which the plug-in obeys.

Imports neither numpy nor PETSc: `metasolve pin` is to start at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from metasolve.errors import UsageError, did_you_mean

TABLE = Path(__file__).parents[1] / "petsc" / "plugin" / "settings.def"
LONGEST = 63  #: characters of a name or a value
MOST = 64  #: settings of a model, METASOLVE_MAX_SETTINGS
#: Parts of names of options that write, read files, run code or end a program.
_HARMFUL = ("view", "monitor", "file", "python", "shell", "error_if", "log")
_HARMFUL_VALUES = ("python", "shell")
_LINE = re.compile(r'^(NESTED|CHOICE|INTEGER|REALS|REAL|FLAG)\("(\w+)"([^)]*)\)', re.MULTILINE)
_TRUE, _FALSE = ("", "1", "true", "yes", "on"), ("0", "false", "no", "off")


@dataclass(frozen=True)
class Allowed:
    """One line of the table: what values a setting may have.

    Parameters
    ----------
    kind : CHOICE, INTEGER, REAL, REALS (separated by commas) or FLAG.
    words, inner : of a choice; `inner` for nested solvers only.
    low, high : of numbers.
    most : numbers in a list of them.
    """

    kind: str
    words: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    most: int = 1

    def text(self, value: str, nested: bool) -> str | None:
        """Value as PETSc reads it; None where it may not be."""
        if self.kind == "FLAG":
            return "1" if value.lower() in _TRUE else "0" if value.lower() in _FALSE else None
        if self.kind == "CHOICE":
            # PETSc compares without regard to case.
            words = {word.lower() for word in self.words + (self.inner if nested else ())}
            return value if value.lower() in words else None
        numbers = value.split(",")
        good = len(numbers) <= self.most and all(map(self._is_number, numbers))
        return value if good else None

    def remedy(self, value: str, nested: bool) -> str:
        """What to write instead."""
        if self.kind == "FLAG":
            return "it is a flag: 0, 1 or nothing"
        if self.kind == "CHOICE":
            return did_you_mean(value, self.words + (self.inner if nested else ()))
        what = {"INTEGER": "a whole number", "REAL": "a number"}.get(
            self.kind, f"at most {self.most} numbers with commas"
        )
        return f"give {what} from {self.low:g} to {self.high:g}"

    def _is_number(self, text: str) -> bool:
        if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text, re.ASCII):
            return False
        x = float(text)
        whole = self.kind != "INTEGER" or x.is_integer()
        return math.isfinite(x) and self.low <= x <= self.high and whole


@lru_cache(maxsize=1)
def table() -> Mapping[str, Allowed]:
    """Return the settings by name, without prefixes of nested solvers."""
    return {name: entry for name, entry in _lines() if entry is not None}


@lru_cache(maxsize=1)
def _nested() -> re.Pattern[str]:
    names = [name for name, entry in _lines() if entry is None]
    return re.compile(r"mg_levels_\d+_|" + "|".join(names))


@lru_cache(maxsize=1)
def _lines() -> tuple[tuple[str, Allowed | None], ...]:
    found: list[tuple[str, Allowed | None]] = []
    for kind, name, rest in _LINE.findall(TABLE.read_text(encoding="utf-8")):
        if kind == "NESTED":
            found.append((name, None))
        elif kind == "CHOICE":
            outer, _, inner = "".join(re.findall(r'"([^"]*)"', rest)).partition("|")
            found.append((name, Allowed(kind, tuple(outer.split()), tuple(inner.split()))))
        else:
            low, high, *most = [float(word) for word in rest.split(",")[1:]] or [0.0, 0.0]
            found.append((name, Allowed(kind, low=low, high=high, most=int(*most or [1]))))
    return tuple(found)


def allowed(name: str, value: str) -> str | None:
    """Value of a setting as PETSc reads it, flags as 0 or 1; None where no model may choose it."""
    entry, nested = _find(name)
    if entry is None or max(len(name), len(value)) > LONGEST:
        return None
    return entry.text(value, nested)


def canonical(name: str, value: str) -> str:
    """Return the value of a setting as PETSc reads it: flags as 0 or 1.

    Parameters
    ----------
    name
        Option name without dash and prefix of the KSP.
    value
        Its text.

    Raises
    ------
    UsageError
        If a model may not choose it; names key, value and remedy.
    """
    text = allowed(name, value)
    if text is not None:
        return text
    entry, nested = _find(name)
    if is_harmful(name):
        raise UsageError(f"{name}={value!r}: writes, reads or ends more than a solve; leave it")
    if entry is None or len(name) > LONGEST:
        raise UsageError(f"{name}={value!r} is no solver setting; {_similar(name)}")
    raise UsageError(f"{name}={value!r}: {entry.remedy(value, nested)}")


def is_harmful(name: str, value: str = "") -> bool:
    """Whether an option could write a file, run code or end a program, whatever it configures."""
    return any(part in name for part in _HARMFUL) or value in _HARMFUL_VALUES


def _find(name: str) -> tuple[Allowed | None, bool]:
    inside = name
    while found := _nested().match(inside):
        inside = inside[found.end() :]
    return table().get(inside), inside != name


def _similar(name: str) -> str:
    inside = name
    while found := _nested().match(inside):
        inside = inside[found.end() :]
    near = did_you_mean(inside, table())
    if not near.startswith("did"):
        return "the page Settings of the manual lists what may be chosen"
    return near.replace("mean '", f"mean '{name[: len(name) - len(inside)]}")
