"""How a report tells numbers, moments and names."""

from __future__ import annotations

import time


def moment(when: float) -> str:
    """Tell a moment (Unix time) to the minute."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))


def count(n: int, noun: str) -> str:
    """Tell a number of things."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def plain(text: str) -> str:
    """What a file says, without what would move a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
