"""`Pace`: how fast work goes, and so how long the rest of it takes."""

from __future__ import annotations

from collections import deque

#: Seconds by which the pace is told: what was answered from a log is soon forgotten.
_REMEMBERED = 60.0
_LEAST = 1.0  # seconds below which no pace is told


class Pace:
    """Remembers when how much was done, lately.

    Laws: at a constant pace what is left is what is missing over the pace; before there is a pace,
    nothing is said.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, float]] = deque()

    def note(self, done: float, now: float) -> None:
        """Remember that so much is done; `now` in seconds, from anywhere."""
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _REMEMBERED:
            self._seen.popleft()

    def left(self, total: float) -> float | None:
        """Seconds until `total` is done, from what was noted last; None: nobody knows."""
        if not self._seen:
            return None
        (first, before), (last, done) = self._seen[0], self._seen[-1]
        if done <= before or last - first < _LEAST:
            return None
        return max(0.0, total - done) * (last - first) / (done - before)


def in_words(seconds: float) -> str:
    """A duration as people say it, rounded to two units at most.

    Law: within 5 % of what it was from ten seconds on.
    """
    if seconds < 10.0:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if minutes < 10 and rest else f"{round(seconds / 60)} min"
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"
