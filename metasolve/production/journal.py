"""The run log: one JSON line per solve of an accelerated program, and what it adds up to."""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from metasolve.files.strict_json import parse_line

NO_SOLVES = ("run", "state", "rollback", "left")  #: sources of lines that are not about one solve


def read(path: Path, start: int = 0, only: bytes = b"") -> Iterator[dict[str, Any]]:
    """Yield the lines of a run log from byte `start` on; torn ones are left out.

    A log that does not exist has no lines, and none can be had back from a terminal or a device.

    Parameters
    ----------
    path, start
        The log, and where to begin.
    only
        What the lines that are wanted have in them.
    """
    if not path.is_file():
        return
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(start)
        for line in file:
            if only in line:
                with contextlib.suppress(ValueError):
                    yield parse_line(line.rstrip())


def solves(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a run log that are each about one solve."""
    return [line for line in read(path) if line.get("source") not in NO_SOLVES]


def since(path: Path, mark: Mark, launch: str) -> Iterator[dict[str, Any]]:
    """Yield what the programs of one launch have written into a log since a mark was taken.

    Other programs may write into the same log, and it may have become ``FILE.1`` meanwhile.

    Parameters
    ----------
    path, mark
        The log, and the end of it before.
    launch
        Value of ``METASOLVE_LAUNCH`` that the programs were given.
    """
    old, runs = path.with_name(path.name + ".1"), set[str]()
    if mark == Mark.of(path, mark.size):
        lines = read(path, mark.size)
    else:
        start = mark.size if mark == Mark.of(old, mark.size) else 0
        lines = itertools.chain(read(old, start), read(path))
    for line in lines:
        if line.get("launch") == launch:
            runs.add(str(line.get("run")))
        if line.get("run") in runs:
            yield line


class Mark(NamedTuple):
    """The end of a log, for what comes behind it.

    Parameters
    ----------
    file
        Which file it is, for the name may be given to another one; 0 where there is none.
    size
        Bytes that are in it already.
    """

    file: int = 0
    size: int = 0

    @classmethod
    def of(cls, path: Path, size: int | None = None) -> Mark:
        """Return the end of a log; or the mark of that file at `size`."""
        if not path.is_file():
            return cls(0, size or 0)
        told = path.stat()
        return cls(told.st_ino, told.st_size if size is None else size)


_STARTS = (("learned", "a learned guess"), ("earlier", "earlier solutions"))


class Summary(NamedTuple):
    """Numbers of solves by where their settings came from, and by why.

    Parameters
    ----------
    sources
        ``model``, ``prior`` (where it was the prior that chose), ``second``, ``switched``,
        ``fallback``, ``refused`` to number of solves.
    reasons
        (source, why) to number of solves, for those with a why.
    starts
        Where solves started (``learned``: a guess, ``earlier``: earlier solutions) to how many.
    left
        Number of solves that have no line, by why; 0 of a program that has none at all.
    """

    sources: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]
    starts: Mapping[str, int] = MappingProxyType({})
    left: Mapping[str, int] = MappingProxyType({})

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Any]]) -> Summary:
        """Count the lines of a log."""
        sources: Counter[str] = Counter()
        reasons: Counter[tuple[str, str]] = Counter()
        left: Counter[str] = Counter()
        starts: Counter[str] = Counter()
        for line in lines:
            source, why = str(line.get("source", "?")), str(line.get("why", ""))
            if source in ("run", "state", "rollback"):
                continue
            if source == "left":  # solves without a line of their own, when the program ended
                solves = line.get("solves")
                left[why] += solves if type(solves) is int else 0
                continue
            if source == "model" and line.get("candidate"):
                source = "prior"
            sources[source] += 1
            starts[str(line.get("start", ""))] += 1
            if why:
                reasons[source, why] += 1
        return cls(sources, reasons, starts, left)

    @property
    def is_empty(self) -> bool:
        """Whether the plug-in has written nothing at all."""
        return not self.sources and not self.left

    def __str__(self) -> str:
        """One line for people."""
        count = sum(self.sources.values())
        if self.is_empty:
            return "no solve reached the plug-in"
        more = "".join(f"; {n} left alone: {why}" for why, n in self.left.items() if n)
        if not count:
            return f"0 solves{more}" if more else f"0 solves: {next(iter(self.left))}"
        parts = [self._part(source) for source in sorted(self.sources, key=self._order)]
        from_ = "".join(f"; {self.starts[k]} from {v}" for k, v in _STARTS if self.starts.get(k))
        return f"{count} solve{'s' * (count != 1)}: " + ", ".join(parts) + from_ + more

    def _part(self, source: str) -> str:
        """One source, its reasons told apart by more than their numbers."""
        from metasolve.production.remedies import without_numbers

        alike: dict[str, list[tuple[str, int]]] = {}
        for (of, why), n in self.reasons.items():
            if of == source:
                alike.setdefault(without_numbers(why), []).append((why, n))
        whys = [
            (same[0][0] if len(same) == 1 else why, sum(n for _, n in same))
            for why, same in alike.items()
        ]
        whys.sort(key=lambda entry: -entry[1])
        told = "; ".join(f"{why} ({n})" for why, n in whys)
        return f"{self.sources[source]} {source}" + (f" [{told}]" if told else "")

    @staticmethod
    def _order(source: str) -> tuple[int, str]:
        known = ("model", "prior", "second", "switched", "fallback", "refused")
        return (known.index(source) if source in known else len(known)), source


def summed(path: Path, lines: Iterable[Mapping[str, Any]]) -> Summary | None:
    """Return what the lines of a log add up to; None: it is a device, which gives none back."""
    return None if path.exists() and not path.is_file() else Summary.of(lines)


def told(found: Summary | None, code: int = 0, unwritten: str = "") -> str:
    """Say in one line what a launch has written into its log.

    Parameters
    ----------
    found
        See `summed`.
    code
        Exit code of the command: where it failed, nothing is guessed of its PETSc.
    unwritten
        Why the log takes no more lines; empty: it does.
    """
    if found is None:
        return "what was written to a device cannot be summed up"
    if unwritten:
        known = "nothing is known of its solves" if found.is_empty else f"{found}, and perhaps more"
        return f"{known}: the log cannot be written ({unwritten})"
    if not found.is_empty or code:
        return str(found)
    return (
        f"{found}; perhaps the command has no PETSc in it, or a static one: "
        "metasolve doctor says what it needs"
    )
