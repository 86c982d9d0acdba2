"""Small pictures in SVG, written as text: axes with numbers, and what is drawn between them.

Colours are variables of the page, so a picture is as light or as dark as the page is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain
from typing import NamedTuple

WIDTH, HEIGHT = 400, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 22, 34
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Axis:
    """What is told by a place along a line.

    Parameters
    ----------
    low, high
        Numbers at its ends.
    begin, end
        Places of these.
    logarithmic
        Whether equal ratios are equal distances.
    """

    low: float
    high: float
    begin: float
    end: float
    logarithmic: bool = False

    def at(self, x: float) -> float:
        """Place of a number; of one beyond the ends that end."""
        x = min(max(x, self.low), self.high)
        if self.logarithmic:
            share = math.log(x / self.low) / math.log(self.high / self.low)
        else:
            share = (x - self.low) / (self.high - self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Round numbers between the ends, some five of them."""
        if self.logarithmic:
            return _decades(self.low, self.high)
        step = _round((self.high - self.low) / 4)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def _round(x: float) -> float:
    power = 10.0 ** math.floor(math.log10(x))
    return next(m for m in (1, 2, 5, 10) if m * power >= x * 0.999) * power


def _decades(low: float, high: float) -> list[float]:
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1, 3), (1,)):
        found = [d * 10.0**p for p in decades for d in digits]
        found = [x for x in found if low * 0.999 <= x <= high * 1.001]
        if len(found) <= 6:
            return found
    return found[:: math.ceil(len(found) / 6)]


def across(low: float, high: float, logarithmic: bool = False, right: float = _RIGHT) -> Axis:
    """An axis below a picture; `right` of it there is room for words."""
    return Axis(low, high, _LEFT, WIDTH - right, logarithmic)


def upward(low: float, high: float, logarithmic: bool = False, height: float = HEIGHT) -> Axis:
    """An axis at the left of a picture."""
    return Axis(low, high, height - _BOTTOM, _TOP, logarithmic)


class Box(NamedTuple):
    """A rectangle.

    Parameters
    ----------
    x, y, width, height
        Its upper left corner, and how large it is.
    """

    x: float
    y: float
    width: float
    height: float


# ---- elements ----


def box(b: Box, kind: str, told: str = "") -> str:
    """Draw a rectangle; `kind` is a class of the page's style, `told` what the mouse finds."""
    size = f'width="{max(b.width, 0):.1f}" height="{max(b.height, 0):.1f}"'
    return f'<rect class="{kind}" x="{b.x:.1f}" y="{b.y:.1f}" {size}>{_title(told)}</rect>'


def dot(x: float, y: float, r: float, kind: str, told: str = "") -> str:
    """Draw a disc."""
    return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}">{_title(told)}</circle>'


def line(x: Sequence[float], y: Sequence[float], kind: str) -> str:
    """Draw a line from point to point."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return f'<polyline class="{kind}" points="{points}"/>'


def text(x: float, y: float, words: str, kind: str = "", anchor: str = "middle") -> str:
    """Write."""
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {where}>{escape(words)}</text>'


def _title(told: str) -> str:
    return f"<title>{escape(told)}</title>" if told else ""


# ---- pictures ----


def picture(label: str, *parts: Iterable[str], height: float = HEIGHT) -> str:
    """Put elements together; `label` is for those who do not see them."""
    inner = "\n".join(chain.from_iterable(parts))
    head = f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(label)}">'
    return f"{head}\n{inner}\n</svg>"


def grid(x: Axis | None, y: Axis | None, names: tuple[str, str] = ("", "")) -> Iterator[str]:
    """Axes that have numbers, a line for each, and what they tell."""
    end = x.end if x else WIDTH - _RIGHT
    for each in y.ticks() if y else ():
        at = y.at(each) if y else 0
        yield line((_LEFT, end), (at, at), "grid")
        yield text(_LEFT - 5, at + 4, number(each), anchor="end")
    foot = y.begin if y else HEIGHT - _BOTTOM
    for each in x.ticks() if x else ():
        at = x.at(each) if x else 0
        yield line((at, at), (_TOP, foot), "grid")
        yield text(at, foot + 14, number(each))
    if names[0]:
        yield text((_LEFT + end) / 2, foot + 29, names[0], "name")
    if names[1]:
        yield text(2, 10, names[1], "name", "start")


def days(x: Axis, names: Sequence[tuple[float, str]], foot: float) -> Iterator[str]:
    """Names of days below a picture, as many as there is room for."""
    step = math.ceil(len(names) / 6)
    for moment, name in names[::step]:
        if x.low <= moment <= x.high:
            yield text(x.at(moment), foot + 14, name)


def number(x: float) -> str:
    """A number of an axis."""
    if x and abs(x) < 1e-3:
        return f"{x:.0e}".replace("e-0", "e-")
    return f"{x:,.0f}" if abs(x) >= 100 else f"{x:.2g}"
