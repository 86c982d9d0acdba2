"""What the directory of a training holds already: its events, and how it goes on with more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from metasolve.errors import ModelError
from metasolve.model.directory import load
from metasolve.space import Space
from metasolve.train.events import Event, read_events

EVENTS = "events.jsonl"


@dataclass(frozen=True)
class Past:
    """What a directory already holds.

    Attributes
    ----------
    lines : complete lines in its event file.
    start : the event its last training began with; None when there is none.
    current : events of that training, the start included.
    earlier : evaluations of the trainings before it.
    finished : whether it ended with a model.
    """

    lines: int
    start: Event | None
    current: Sequence[Event]
    earlier: Sequence[Event]
    finished: bool

    @classmethod
    def of(cls, events: Sequence[Event]) -> Past:
        """Look at the events of a directory, see `read_past`."""
        starts = [i for i, event in enumerate(events) if event["event"] == "start"]
        if not starts:
            return cls(0, None, (), (), False)
        current = events[starts[-1] :]
        finished = any(event["event"] == "finished" for event in current)
        return cls(len(events), current[0], current, evaluations(events[: starts[-1]]), finished)


def read_past(out: Path) -> list[Event]:
    """Events of the trainings in a directory.

    Where the last one has ended and its model cannot be read, its end is left out: to go on with
    it makes the model again, of what was measured.

    Raises
    ------
    ModelError
        When the events are damaged.
    """
    events = read_events(out / EVENTS)
    if events and events[-1]["event"] == "finished":
        try:
            load(out)
        except ModelError:
            events.pop()
    return events


class Grown(NamedTuple):
    """How a training goes on that has been given more instances.

    Parameters
    ----------
    calls
        In all: for each instance as many as before.
    space
        In which it has measured so far.
    before
        Calls that it was given for fewer instances.
    """

    calls: int
    space: Space
    before: int

    def given(self, calls: int | None) -> int:
        """Return how many there are if so many are asked for: the command before asks for none."""
        return self.calls if calls is None or calls <= self.before else calls


def grows(events: Sequence[Event], ids: Sequence[str]) -> Grown | None:
    """How a training goes on with these instances; None: it has none that are new to it.

    Parameters
    ----------
    events
        Of its directory, see `read_past`.
    ids
        Of all instances that there are now.
    """
    starts = [event for event in events if event["event"] == "start"]
    before = [each for each in starts if set(each["instances"]) < set(ids)]
    if not before or (not Past.of(events).finished and starts[-1] in before):
        return None
    last = before[-1]
    calls = last["config"]["calls"]
    in_all = math.ceil(calls / len(last["instances"]) * len(ids))
    return Grown(in_all, Space.from_dict(last["space"]), calls)


def evaluations(events: Sequence[Event]) -> list[Event]:
    """The evaluations among events."""
    return [event for event in events if event["event"] == "evaluation"]


def journal_of(events: Sequence[Event]) -> list[Any] | None:
    """What a journal told when the first of these events was logged; None where none was."""
    return events[0].get("journal", []) if events else None
