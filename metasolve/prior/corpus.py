"""`Row`: what a system took under each candidate; a corpus is a file of them, one line each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from metasolve.errors import RecordingError
from metasolve.files.atomic import write_atomically
from metasolve.prior.candidates import is_symmetric
from metasolve.solve.outcome import Reason

SHIPPED = Path(__file__).with_name("corpus.jsonl.gz")
_GOOD = Reason.CONVERGED.name


@dataclass(frozen=True)
class Taken:
    """What one solve took.

    Parameters
    ----------
    setup, solve
        Processor seconds.
    iterations
        Of the Krylov method.
    residual
        Measure of the answer relative to x = 0; None where there is none.
    reason
        Name of a :class:`metasolve.solve.outcome.Reason`.
    budget
        Wall seconds that it could use.
    """

    setup: float
    solve: float
    iterations: int
    residual: float | None
    reason: str
    budget: float

    @property
    def good(self) -> bool:
        """Whether the answer met the contract."""
        return self.reason == _GOOD

    @property
    def hung(self) -> bool:
        """Whether it had to be killed: a set-up cannot be stopped."""
        return self.reason == Reason.TIME_BUDGET.name and self.total == 0.0

    @property
    def total(self) -> float:
        """Seconds of set-up and solve."""
        return self.setup + self.solve


@dataclass(frozen=True)
class Row:
    """A system.

    Parameters
    ----------
    kind, siblings
        What it is, and the name of what leaves a fit together with it.
    number
        Of its kind.
    measure, tolerance
        The contract: value of a :class:`metasolve.petsc.contract.Measure`, and what it must not
        exceed.
    features
        By name, in the plug-in's order.
    taken
        By candidate; those for other operators are missing.
    machine
        Processor and PETSc.
    """

    kind: str
    siblings: str
    number: int
    measure: str
    tolerance: float
    features: Mapping[str, float]
    taken: Mapping[str, Taken]
    machine: str

    @property
    def symmetric(self) -> bool:
        """Whether candidates for symmetric operators may be used."""
        return is_symmetric(self.features)

    @property
    def direct(self) -> bool:
        """Whether the program factorises."""
        return self.measure == "backward"

    @property
    def unit(self) -> float:
        """Seconds of a pass over the matrix at 1e9 entries a second: times are given in these."""
        per_row = self.features["nonzeros_per_row"]
        return float(10.0 ** self.features["log_rows"] * per_row * 1e-9)

    def line(self) -> str:
        """As one line of JSON."""
        told = asdict(self)
        told["features"] = {name: float(f"{x:.9g}") for name, x in self.features.items()}
        told["taken"] = {name: _short(each) for name, each in self.taken.items()}
        return json.dumps(told, separators=(",", ":"), allow_nan=False)

    @classmethod
    def of_line(cls, line: str) -> Row:
        """Inverse of `line`."""
        told: dict[str, Any] = json.loads(line)
        taken = {name: Taken(*each) for name, each in told.pop("taken").items()}
        return cls(**told, taken=taken)


def _short(taken: Taken) -> list[float | int | str | None]:
    residual = None if taken.residual is None else float(f"{taken.residual:.3g}")
    seconds = [float(f"{x:.4g}") for x in (taken.setup, taken.solve)]
    return [*seconds, taken.iterations, residual, taken.reason, float(f"{taken.budget:.3g}")]


def read_corpus(path: Path = SHIPPED) -> list[Row]:
    """Read a corpus, or what is being measured of one; a torn last line is left out.

    Raises
    ------
    RecordingError
        If the file is missing or another line is torn.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise RecordingError(f"corpus {path} cannot be read: {error}; measure it anew") from error
    whole, _, _ = text.rpartition("\n")
    try:
        return [Row.of_line(line) for line in whole.splitlines()]
    except (ValueError, TypeError, KeyError) as error:
        raise RecordingError(f"corpus {path} is torn: {error}; measure it anew") from error


def write_corpus(rows: Iterable[Row], path: Path = SHIPPED) -> None:
    """Write a corpus, sorted and compressed: the same bytes for the same rows."""
    ordered = sorted(rows, key=lambda row: (row.kind, row.number))
    text = "".join(f"{row.line()}\n" for row in ordered)
    write_atomically(path, gzip.compress(text.encode(), 9, mtime=0))
