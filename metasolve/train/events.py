"""events.jsonl: everything that happened in training, one JSON object per line, appended.

It is the log, and it is the checkpoint: training is deterministic given the outcomes of its solver
calls, and each outcome is a line here. To resume is to run again while the journal answers.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from metasolve.errors import ModelError
from metasolve.files.strict_json import parse_object

Event = dict[str, Any]


def read_events(path: Path) -> list[Event]:
    """All complete lines; a line torn by a kill, always the last, is left out.

    Raises
    ------
    ModelError
        When a line that is not the last one is damaged.
    """
    path = Path(path)
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last newline is torn
    events = [_parse(line) for line in lines]
    if events and events[-1] is None:  # a power cut may leave a line of zeros
        events.pop()
    if None in events:
        number = events.index(None) + 1
        raise ModelError(f"{path}:{number} is damaged: train with --fresh to begin again")
    return [event for event in events if event is not None]


def elapsed(events: Sequence[Event]) -> float:
    """Seconds that the trainings in a log have taken, as its last event says.

    Logs of earlier versions do not say it: there pauses count, too.
    """
    if not events:
        return 0.0
    return float(events[-1].get("elapsed", events[-1]["time"] - events[0]["time"]))


def _parse(line: bytes) -> Event | None:
    try:
        event = parse_object(line)
    except ValueError:
        return None
    return event if "event" in event else None


class Events:
    """Appends events to a file; forgets them when there is none (ranks other than the first).

    Parameters
    ----------
    path : the file, or None.
    past : events of the training to be resumed. As many are not written again: a resumed
        training emits them in the same order as the first time.
    lines : complete lines in the file; what follows, a torn line, is cut off.
    spent : seconds that the training has taken before; while nobody trains does not count.
    """

    FLUSH_SECONDS = 2.0  # how much work a power cut may lose; a kill loses at most one batch

    def __init__(
        self, path: Path | None, past: Sequence[Event] = (), lines: int = 0, spent: float = 0.0
    ) -> None:
        self._skip = len(past)
        self._file = None
        self._synced = time.monotonic()
        self._began = self._synced - spent
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            _cut_after_line(path, lines)
            self._file = path.open("a", encoding="utf-8")

    @property
    def elapsed(self) -> float:
        """Seconds of wall time that the training has taken by now."""
        return round(time.monotonic() - self._began, 3)

    def emit(self, event: str, **data: Any) -> None:
        """Append {"event": event, **data, "time": unix seconds, "elapsed": of the training}."""
        if self._skip:
            self._skip -= 1
            return
        if self._file is None:
            return
        when = {"time": round(time.time(), 3), "elapsed": self.elapsed}
        self._file.write(json.dumps({"event": event, **data, **when}, allow_nan=False) + "\n")

    def flush(self) -> None:
        """Hand lines to the system at the end of a batch; to the disk every few seconds."""
        if self._file is None:
            return
        self._file.flush()
        if time.monotonic() - self._synced > self.FLUSH_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = time.monotonic()

    def close(self) -> None:
        """Flush and close."""
        if self._file is not None:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None


def _cut_after_line(path: Path, lines: int) -> None:
    """Drop everything after the given number of lines, such as a torn one."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        for _ in range(lines):
            file.readline()
        file.truncate(file.tell())
