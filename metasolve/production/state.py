"""The state's file: what runs of a program have learned, read and written as the plug-in does."""

from __future__ import annotations

import hashlib
import math
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metasolve.production import numbers
from metasolve.production.numbers import Numbers
from metasolve.production.words import LONGEST, StateError, Words, shown

VERSION = 4
BEFORE = 3  #: is read as well: it has no numbers
MOST_CLASSES = 256
PARTS = 23  #: of what a prior's trees say, see `posterior.h`
OWN = "own"  #: the program's own settings, among the offsets
KEPT = "own-kept"  #: the same in the inner solver, where their preconditioner may be kept
_DIGEST = 72  # bytes of the last line
_SUM = re.compile(rb"sha256 ([0-9a-f]{16})[0-9a-f]{48}\n\Z")


@dataclass
class Mean:
    """Running mean of the last dozen or so.

    Parameters
    ----------
    n, mean
        Numbers that it remembers, and their mean.
    """

    n: int = 0
    mean: float = 0.0


@dataclass
class Offset:
    """How far a candidate is from what was foreseen, in logarithms of seconds: a Gaussian.

    Parameters
    ----------
    seen
        Solves that have told of it.
    mean, variance
        Of the Gaussian.
    """

    seen: int
    mean: float
    variance: float


@dataclass
class Operators:
    """A class: operators that are alike, and what is known of them.

    Parameters
    ----------
    prefix
        Options prefix, each run of digits as one.
    rows, block, density, ranks
        At most so many rows, a power of two; block size; ln2 of entries in a row; ranks.
    solves, operators
        Solves so far, and operators among them.
    own, taken
        Account: seconds that own settings would have taken, and that were taken.
    own_setup, own_solve, attempt, risk
        Seconds of own settings and of accepted attempts; share of attempts that failed.
    attained
        Own answers that were looked at, and how good they are in three measures.
    weights, known
        Of the parts of the prior, and what of their variance is gone; (PARTS,) and (PARTS, PARTS).
    offsets
        Of candidates by name, in the prior's order; `OWN` and `KEPT` come last.
    numbers
        Of the favourite candidate.
    """

    prefix: str
    rows: int
    block: int
    density: int
    ranks: int
    solves: int = 0
    operators: int = 0
    own: float = 0.0
    taken: float = 0.0
    own_setup: Mean = field(default_factory=Mean)
    own_solve: Mean = field(default_factory=Mean)
    attempt: Mean = field(default_factory=Mean)
    risk: Mean = field(default_factory=Mean)
    attained: list[float] = field(default_factory=lambda: [0.0] * 4)
    weights: list[float] = field(default_factory=lambda: [0.0] * PARTS)
    known: list[list[float]] = field(default_factory=lambda: [[0.0] * PARTS for _ in range(PARTS)])
    offsets: dict[str, Offset] = field(default_factory=dict)
    numbers: Numbers = field(default_factory=Numbers)

    @property
    def name(self) -> str:
        """How the journal names it."""
        return f"{self.prefix} {self.rows} {self.block} {self.density} {self.ranks}"


def describe(path: Path) -> dict[str, Any]:
    """Return what is in the file of a state: a JSON object.

    Raises
    ------
    StateError
        If it is damaged.
    """
    data, classes = read(path)
    saved = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(path.stat().st_mtime))
    return {
        "state of": path.stem,
        "id": digest(data),
        "saved": saved,
        "solves": sum(c.solves for c in classes),
        "classes": [_told(c) for c in classes],
    }


def read(path: Path) -> tuple[bytes, list[Operators]]:
    """Return what the file of a state holds, and its classes; or raise a `StateError`."""
    try:
        return (data := path.read_bytes()), parse(data)
    except OSError as error:
        told = f"{path} cannot be read ({error.strerror}): "
    except StateError as error:
        told = f"{path}: {error}: runs do without it; remove it, or "
    raise StateError(f"{told}metasolve rollback brings an earlier one back")


def _told(c: Operators) -> dict[str, Any]:
    seen = {name: o for name, o in c.offsets.items() if name != OWN}
    return {
        "class": c.name,
        "prefix": "" if c.prefix == "-" else c.prefix,
        "rows at most": c.rows,
        "ranks": c.ranks,
        "solves": c.solves,
        "operators": c.operators,
        "own seconds": c.own,
        "taken seconds": c.taken,
        "failed share": c.risk.mean if c.risk.n > 1 else 0.0,
        "tried": {
            name: {
                "solves": o.seen,
                "times foreseen": math.exp(o.mean),
                "spread": math.sqrt(o.variance),
            }
            for name, o in sorted(seen.items(), key=lambda entry: -entry[1].seen)
        },
        **({"numbers": numbers.described(c.numbers)} if c.numbers.of else {}),
    }


def digest(data: bytes) -> str:
    """Return the id of a state: of what its file holds; empty where that is no state."""
    found = _SUM.search(data, max(len(data) - _DIGEST, 0))
    return found[1].decode() if found else ""


def mark(data: bytes) -> str:
    """Return the mark of the prior that a state's offsets are of."""
    return data.split(b"\n", 2)[1].removeprefix(b"prior ").decode()


def written(classes: list[Operators], prior: str) -> bytes:
    """Return the file of a state.

    Parameters
    ----------
    prior
        The first 16 digits of the digest of the prior that the offsets are of.
    """
    lines = [f"metasolve-state {VERSION}", f"prior {prior}", f"classes {len(classes)}"]
    for c in classes:
        attained = " ".join(shown(x) for x in c.attained)
        lines += [
            f"class {c.name}",
            f"solves {c.solves} {c.operators}",
            f"account {shown(c.own)} {shown(c.taken)}",
            f"own {_mean(c.own_setup)} {_mean(c.own_solve)} {attained}",
            f"attempts {_mean(c.attempt)} {_mean(c.risk)}",
            f"weights {' '.join(shown(x) for x in c.weights)}",
            f"known {' '.join(shown(c.known[g][h]) for g in range(PARTS) for h in range(g + 1))}",
            f"offsets {len(c.offsets)}",
            *(
                f"{name} {o.seen} {shown(o.mean)} {shown(o.variance)}"
                for name, o in c.offsets.items()
            ),
            *numbers.written(c.numbers),
        ]
    text = "\n".join([*lines, ""]).encode()
    return text + f"sha256 {hashlib.sha256(text).hexdigest()}\n".encode()


def _read_mean(words: Words) -> Mean:
    return Mean(words.count(), words.number())


def _mean(m: Mean) -> str:
    return f"{m.n} {shown(m.mean)}"


def parse(data: bytes) -> list[Operators]:
    """Return the classes in a state's file.

    Raises
    ------
    StateError
        If it is not whole, or not as the plug-in writes it.
    """
    text, last = data[:-_DIGEST], data[-_DIGEST:]
    if last != f"sha256 {hashlib.sha256(text).hexdigest()}\n".encode():
        raise StateError("truncated or changed (checksum)")
    try:
        words = Words(iter(text.decode("ascii").split()))
    except UnicodeDecodeError as error:
        raise StateError(f"not ASCII ({error.reason})") from error
    words.expect("metasolve-state")
    version = words.count()
    if not BEFORE <= version <= VERSION:
        raise StateError(f"version {version}, not {VERSION}")
    words.expect("prior")
    words.word()
    words.expect("classes")
    classes = [_class(words, version) for _ in range(words.count(0, MOST_CLASSES))]
    if next(words.rest, None) is not None or len({c.name for c in classes}) < len(classes):
        raise StateError("more than it announces, or a class twice")
    return classes


def _class(words: Words, version: int) -> Operators:
    words.expect("class")
    most = 2**31 - 1
    prefix, rows, block = words.word(), words.count(1, most), words.count(0, most)
    found = Operators(prefix, rows, block, words.count(-1, 64), words.count(1))
    words.expect("solves")
    found.solves, found.operators = words.count(), words.count()
    words.expect("account")
    found.own, found.taken = words.number(), words.number()
    words.expect("own")
    found.own_setup, found.own_solve = _read_mean(words), _read_mean(words)
    found.attained = [words.number() for _ in range(4)]
    words.expect("attempts")
    found.attempt, found.risk = _read_mean(words), _read_mean(words)
    words.expect("weights")
    found.weights = [words.number() for _ in range(PARTS)]
    words.expect("known")
    for g in range(PARTS):
        for h in range(g + 1):
            found.known[g][h] = found.known[h][g] = words.number()
    words.expect("offsets")
    for _ in range(words.count(0, LONGEST + 1)):
        name = words.word()
        found.offsets[name] = Offset(words.count(1), words.number(), words.number())
        if found.offsets[name].variance < 0:
            raise StateError(f"{name}: a negative variance")
    if version > BEFORE:
        found.numbers = numbers.read(words)
    return found
