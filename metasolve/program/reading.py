"""What a finished run says: whether it succeeded, what it cost, what its answer is."""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import MetasolveError
from metasolve.program.case import Accept, CostReading, Success
from metasolve.program.process import Finished

PETSC_LOG = "petsc_log.csv"
_VECTOR = 1211214  # VEC_FILE_CLASSID
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?")


class ReadingError(MetasolveError):
    """A run that succeeded does not hold what the case says can be read from it."""


def why_failed(success: Success, finished: Finished) -> str:
    """Why a run that ended did not succeed, in one line; empty if it did."""
    if finished.exit_code != success.exit_code:
        return f"exit code {finished.exit_code}, not {success.exit_code}{_last(finished.stderr)}"
    if not (success.pattern or success.failure):
        return ""
    return why_failed_output(success, finished.stdout)


def why_failed_output(success: Success, stdout: str) -> str:
    """Why this output is not one of success; empty if it is."""
    if success.failure and (hit := re.search(success.failure, stdout, re.MULTILINE)):
        return f"success.failure={success.failure!r} matches {hit[0]!r}"
    if success.pattern and not re.search(success.pattern, stdout, re.MULTILINE):
        return f"success.pattern={success.pattern!r} matches nothing{_last(stdout)}"
    return ""


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f" (last line: {lines[-1][:120]!r})" if lines else " (no output)"


def cost(reading: CostReading, finished: Finished) -> float:
    """What a successful run cost, in the unit of the reading.

    Raises
    ------
    ReadingError
        If the number is not where it should be, or is negative.
    """
    if reading.pattern:
        found = _by_pattern("cost.pattern", reading.pattern, finished.stdout)
    elif reading.csv:
        found = _column(finished.folder / reading.csv, reading.key or "")
    elif reading.json_:
        found = _entry(finished.folder / reading.json_, reading.key or "")
    elif reading.petsc_log:
        found = _event(finished.folder / PETSC_LOG, reading.petsc_log)
    else:
        found = [finished.cpu if reading.time == "cpu" else finished.wall]
    value = {"last": found[-1], "sum": sum(found), "max": max(found)}[reading.take]
    if not 0 <= value < float("inf"):
        raise ReadingError(f"cost {value} is not a number from 0 on; read something else")
    return float(value)


def _by_pattern(key: str, pattern: str, text: str) -> list[float]:
    hits = re.findall(pattern, text, re.MULTILINE)
    words = [word for hit in hits for word in (hit if isinstance(hit, tuple) else (hit,))]
    if not words:
        raise ReadingError(
            f"{key}={pattern!r} matches nothing on stdout{_last(text)}; correct the pattern"
        )
    return [_number(f"{key}={pattern!r}", word) for word in words]


def _number(key: str, word: Any) -> float:
    try:
        return float(str(word).lower().replace("d", "e"))
    except ValueError:
        raise ReadingError(f"{key} gives {word!r}, not a number; correct it") from None


def _column(path: Path, key: str) -> list[float]:
    text = _content(path, "cost.csv")
    rows = list(csv.DictReader(text.splitlines(), skipinitialspace=True))
    if not rows or key not in rows[0]:
        known = ", ".join(rows[0]) if rows else "no row"
        raise ReadingError(f"cost.key={key!r} is no column of {path.name}; it has: {known}")
    return [_number(f"cost.key={key!r}", row[key]) for row in rows]


def _entry(path: Path, key: str) -> list[float]:
    found: Any = json.loads(_content(path, "cost.json") or "null")
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            known = ", ".join(found) if isinstance(found, dict) else "nothing below"
            raise ReadingError(f"cost.key={key!r} is not in {path.name}; there is: {known}")
        found = found[part]
    values = found if isinstance(found, list) else [found]
    return [_number(f"cost.key={key!r}", value) for value in values]


def _event(path: Path, event: str) -> list[float]:
    """Seconds of an event in every stage of ``-log_view :file:ascii_csv``, the slowest rank's."""
    rows = list(csv.DictReader(_content(path, "cost.petsc_log").splitlines()))
    stages: dict[str, float] = {}
    for row in rows:
        if row.get("Event Name") == event:
            stage = str(row["Stage Name"])
            stages[stage] = max(stages.get(stage, 0.0), float(row["Time"]))
    if not stages:
        known = sorted({str(row.get("Event Name")) for row in rows})
        raise ReadingError(
            f"cost.petsc_log={event!r} is no event of this run; known: {', '.join(known)}"
        )
    return [sum(stages.values())]


def _content(path: Path, key: str) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise ReadingError(
            f"{key}={path.name!r}: {error.strerror} after the run; correct the name"
        ) from error


def answer(accept: Accept, finished: Finished) -> NDArray[np.float64]:
    """Numbers of the answer, (n,).

    Raises
    ------
    ReadingError
        If there are none.
    """
    if accept.pattern:
        return np.array(_by_pattern("accept.pattern", accept.pattern, finished.stdout))
    path = finished.folder / (accept.file or "")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ReadingError(
            f"accept.file={accept.file!r}: {error.strerror} after the run; correct the name"
        ) from error
    vectors = petsc_vectors(data)
    if vectors:
        numbers = vectors[0]
    else:
        words = _NUMBER.findall(data.decode(errors="replace"))
        numbers = np.array([_number("accept.file", word) for word in words])
    if not len(numbers):
        raise ReadingError(f"accept.file={accept.file!r} holds no number; give another")
    return numbers


def petsc_vectors(data: bytes) -> list[NDArray[np.float64]]:
    """Real vectors in PETSc's binary format, one after the other; none if it is something else."""
    for integer in (">i4", ">i8"):
        size, place, found = np.dtype(integer).itemsize, 0, []
        while len(data) >= place + 2 * size:
            kind, count = np.frombuffer(data, integer, 2, place)
            end = place + 2 * size + 8 * int(count)
            if kind != _VECTOR or not place < end <= len(data):
                break
            found.append(np.frombuffer(data, ">f8", int(count), place + 2 * size).astype(float))
            place = end
        if found:
            return found
    return []


def distance(found: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    """‖found - own‖₂ / ‖own‖₂; infinite if they differ in length or are not finite."""
    if found.shape != own.shape or not np.isfinite(found).all():
        return float("inf")
    norm = float(np.linalg.norm(own))
    return float(np.linalg.norm(found - own)) / max(norm, sys.float_info.min)
