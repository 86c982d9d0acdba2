"""How long a training may take, said before its first solver call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from metasolve.solve.instance import Instance
from metasolve.train.pace import in_words

Say = Callable[[str], None]
#: Seconds that a training's own work takes, whatever it solves, and for each call besides.
_OWN, _OWN_PER_CALL = 8.0, 0.025


def quiet(sentence: str) -> None:
    """Nobody wants to know."""


def expected(instances: Sequence[Instance], calls: int, at_once: int = 1) -> float | None:
    """Seconds that so many calls may take with what training does between them; None: unknown.

    Each is taken to last as long as the program's own solve did when it was recorded.

    Parameters
    ----------
    instances : what is solved.
    calls, at_once : solver calls, and how many of them run at the same time.
    """
    known = [each.expected_seconds for each in instances if each.expected_seconds > 0.0]
    if not known:
        return None
    return _OWN + calls * (_OWN_PER_CALL + float(np.mean(known)) / at_once)


def sentence(instances: Sequence[Instance], calls: int, at_once: int = 1) -> str:
    """What can be said of how long a training will take."""
    if calls <= 0:
        return "no solver call is left to make: what was measured is learned again"
    seconds = expected(instances, calls, at_once)
    if seconds is None:
        return f"up to {calls} solver calls; how long one takes is seen when the first are made"
    own = float(np.mean([e.expected_seconds for e in instances if e.expected_seconds > 0.0]))
    return (
        f"about {in_words(seconds)} expected, for up to {calls} solver calls; "
        f"the program's own solves took {own:.2g} s on average when they were recorded"
    )
