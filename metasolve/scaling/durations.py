"""Where simulated call durations come from: a training, a recording, or what was measured once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metasolve.errors import UsageError
from metasolve.scaling.simulation import Durations
from metasolve.solve.outcome import Outcome

#: Standard deviation of log(actual / expected) seconds of the calls of a training, see
#: docs/results/scaling.md; a recording holds calls under the program's own settings only.
SPREAD = 1.0
_CAP = 2.0  # training stops a call at so many times the program's own
_LEAST = 1e-6  # seconds; what took less was not measured


def durations(source: Path | None, seed: int = 0) -> Durations:
    """Durations recorded in a model directory or a recording, or the built-in ones.

    Raises
    ------
    UsageError
        If the directory is neither, or holds no call that took time.
    """
    if source is None:
        return built_in()
    if (source / "events.jsonl").is_file():
        return of_training(source)
    if (source / "manifest.jsonl").is_file():
        return of_recording(source, seed)
    raise UsageError(
        f"{source} holds neither events.jsonl nor manifest.jsonl: give a model directory, "
        "a recording, or nothing for durations measured elsewhere"
    )


def of_training(model: Path) -> Durations:
    """Every evaluation of a training; expected is the program's own time on the instance."""
    from metasolve.train.events import read_events

    events = [each for each in read_events(model / "events.jsonl") if each["event"] == "evaluation"]
    taken = [(each["instance"], each["settings"], _seconds(each["outcome"])) for each in events]
    own: dict[str, list[float]] = {}
    for name, settings, seconds in taken:
        if not settings:
            own.setdefault(name, []).append(seconds)
    pairs = [(seconds, float(np.median(own[name]))) for name, _, seconds in taken if name in own]
    return _durations(pairs, f"{len(pairs)} evaluations of the training in {model}")


def _seconds(outcome: Mapping[str, Any]) -> float:
    known = Outcome.from_dict(outcome)
    return known.setup_seconds + known.solve_seconds


def of_recording(recording: Path, seed: int = 0) -> Durations:
    """Every recorded solve; what other settings would take is drawn around it."""
    from metasolve.petsc.recording import Recording

    solves = [solve.outcome for solve in Recording(recording).solves]
    expected = np.array([each.setup_seconds + each.solve_seconds for each in solves])
    source = f"{len(solves)} solves recorded in {recording}, other settings drawn around them"
    return _durations(zip(around(expected, seed), expected, strict=True), source)


def around(expected: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """What calls may take that were expected to take so long: log-normal, capped as in training."""
    drawn = np.exp(np.random.default_rng([seed, 3]).normal(0.0, SPREAD, len(expected)))
    seconds: NDArray[np.float64] = expected * np.minimum(drawn, _CAP)
    return seconds


def _durations(pairs: Iterable[tuple[float, float]], source: str) -> Durations:
    table = np.array(list(pairs), dtype=float).reshape(-1, 2)
    table = table[np.isfinite(table).all(axis=1) & (table > _LEAST).all(axis=1)]
    if not len(table):
        raise UsageError(f"{source}: none took time; give another directory")
    return Durations(table[:, 0], table[:, 1], source)


def built_in() -> Durations:
    """Calls of the built-in workload of ``metasolve scaling``, as measured once."""
    table = np.array(_MEASURED).reshape(-1, 2) / 1e3
    source = f"{len(table)} measured calls of the built-in workload"
    return Durations(table[:, 0], table[:, 1], source)


#: Milliseconds, in pairs: actual, expected.
# fmt: off
_MEASURED = (
    41, 25.2, 51.4, 33, 6.3, 4.72, 26.9, 20.7, 2.89, 2.88, 29.8, 32.3, 5.95, 6.12, 4.01, 5.12,
    7.05, 8.06, 5.77, 7.12, 11.8, 13.1, 9.27, 9.33, 26.3, 24.6, 81.9, 87.7, 4.33, 4.18,
    5.71, 4.96, 8.8, 8.85, 8.32, 6.99, 4.53, 4.05, 15.4, 12.4, 56.4, 69.1, 9.59, 9.53, 9.14, 8.89,
    7.62, 6.45, 4.9, 4.46, 13, 12.8, 22.5, 17.7, 25.3, 19.9, 19, 17.7, 50, 28.5, 10.7, 8.69,
    13.8, 10.9, 4.43, 3.84, 9.62, 9.38, 12.7, 12.9, 13, 12.9, 39.4, 29.1, 8.15, 6.95, 19.5, 18.2,
    6.81, 6.02, 20.4, 20.7, 20, 17.4, 84, 85.2, 58, 42.1, 79.7, 87.4, 6.25, 5.61, 45.2, 55.3,
    4.12, 3.7, 26.4, 21.4, 3.67, 3.51, 52.2, 48.9, 18.1, 17.8, 4.27, 3.83, 37.1, 37.1, 15.9, 14.5,
    3.53, 4.25, 4.31, 4.29, 28.1, 28.8, 35.8, 25.4, 6.42, 4.68, 8.73, 7.42, 6.51, 6.61,
    23.3, 23.1, 4.32, 5.22, 2.96, 3.44, 16.5, 20.5, 53.9, 96.7, 8.95, 9.5, 7.67, 8.15, 89.8, 97.1,
    118, 112, 24.4, 24.3, 10.6, 9.37, 36.6, 23, 39.8, 31, 90.9, 90.9, 8.51, 8.34, 16.2, 18.2,
    5.32, 5.02, 11.2, 9.76, 9.77, 9.9, 75.6, 70.1, 4.14, 4.75, 60.8, 58, 23.9, 33.4, 3.42, 4.29,
    31.3, 29.1, 15.7, 12.8, 26.2, 23.1, 24.2, 20.3, 37.4, 44.8, 11.3, 12.6, 5.17, 5.13,
    5.26, 5.45, 5.54, 5.31, 4.34, 5.18, 44.8, 36.2, 58.6, 53.3, 73.1, 41.1, 5.08, 5.42,
    17.5, 17.3, 13.5, 12.4, 38.3, 27.8, 8.09, 7.44, 4.97, 5.1, 4.76, 4.63, 19.6, 18.1, 19.3, 13,
    78.5, 91.7, 3.42, 3.57, 5.94, 4.93, 4.57, 5.2, 3.63, 4.16, 41.8, 44.5, 9.95, 10.8, 66.7, 37.3,
    14.6, 16, 13.8, 17.9, 26.6, 40.2, 2.34, 4.03, 3.96, 5.01, 8.92, 12.6, 108, 46.1, 13.1, 14.9,
    27, 34.5, 5.23, 7.28, 8.13, 9.43, 53.1, 72,
)
# fmt: on
