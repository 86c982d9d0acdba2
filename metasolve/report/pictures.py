"""The pictures of a report, of what `metasolve.production.report.Report.document` returns."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metasolve.report import svg
from metasolve.report.parts import kind_of
from metasolve.report.svg import Box

Document = Mapping[str, Any]
MOST_CLASSES, MOST_CHOICES, MOST_DAYS, MOST_HOSTS = 8, 6, 31, 16
_UNITS = ((3 * 3600.0, 3600.0, "hours"), (180.0, 60.0, "minutes"), (0.0, 1.0, "seconds"))
_WIDEST = 70  # of a day
_ROW = 17  # of a host
_WORDS = 68  # room for the words at the end of a line


def saved_by_day(days: Sequence[Document]) -> str:
    """Draw what own settings would have taken each day, and what was taken."""
    shown = days[-MOST_DAYS:]
    most = max(max(each["own seconds"], each["taken seconds"]) for each in shown)
    per, unit = next((per, unit) for least, per, unit in _UNITS if most >= least)
    y = svg.upward(0, most / per * 1.12 or 1.0)
    x = svg.across(-0.5, len(shown) - 0.5)
    wide = min((x.end - x.begin) / len(shown), _WIDEST)

    def bars() -> Iterator[str]:
        step = math.ceil(len(shown) / 8)
        for i, each in enumerate(shown):
            left = x.at(i) - wide * 0.36
            for key, kind, share in (("own seconds", "own", 0.72), ("taken seconds", "taken", 0.5)):
                top = y.at(each[key] / per)
                b = Box(left + wide * (0.72 - share) / 2, top, wide * share, y.begin - top)
                yield svg.box(b, kind, f"{each['day']}: {each[key] / per:.3g} {unit}, {kind}")
            if not i % step:
                top = y.at(max(each["own seconds"], each["taken seconds"]) / per)
                told = svg.number(abs(each["saved seconds"]) / per)
                told = f"{'+' if each['saved seconds'] >= 0 else svg.MINUS}{told}"
                kind = kind_of(each["own seconds"], each["saved seconds"])
                yield svg.text(x.at(i), top - 4, told, kind)
                yield from _named(x.at(i), y.begin, each["day"])

    label = f"Own and taken {unit} by day"
    return svg.picture(label, svg.grid(None, y, ("", f"{unit} in solves")), bars())


def _named(x: float, foot: float, day: str) -> Iterator[str]:
    """Name of a day below an axis: in two lines, for a phone is narrow."""
    when = time.strptime(day, "%Y-%m-%d")
    yield svg.text(x, foot + 13, time.strftime("%a", when))
    yield svg.text(x, foot + 26, time.strftime("%d", when))


def own_against_taken(classes: Sequence[Document], names: Sequence[str]) -> str:
    """Draw the mean solve of each class: own settings across, what was taken upward.

    Parameters
    ----------
    classes, names
        With the most own seconds first, and what they are called; the numbers are their places.
    """
    means = [
        (i, each["own seconds"] / each["solves"], each["taken seconds"] / each["solves"])
        for i, each in enumerate(classes[:MOST_CLASSES])
    ]
    means = [(i, a, b) for i, a, b in means if a > 0 and b > 0]
    if not means:
        return svg.picture("no class", [svg.text(svg.WIDTH / 2, 120, "nothing is known")])
    every = [t for _, *both in means for t in both]
    low, high = min(every) / 1.6, max(every) * 1.6
    x, y = svg.across(low, high, True, _WORDS), svg.upward(low, high, True)

    def lines() -> Iterator[str]:
        for times, told in ((1, "as long"), (2, "2x faster"), (5, "5x")):
            if high / times > low:
                ends = (x.at(low * times), x.at(high)), (y.at(low), y.at(high / times))
                yield svg.line(*ends, "equal" if times == 1 else "faster")
                yield svg.text(x.end + 4, y.at(high / times) + 4, told, "name", "start")

    def points() -> Iterator[str]:
        for i, own, taken in means:
            kind = "lost" if kind_of(own, own - taken) == "loss" else "won"
            told = f"{names[i]}: {own:.3g} s own, {taken:.3g} s taken, {own / taken:.2f} times"
            yield svg.dot(x.at(own), y.at(taken), 8, kind, told)
            yield svg.text(x.at(own), y.at(taken) + 3.6, str(i + 1), "inside")

    axes = ("own settings, seconds a solve", "taken, seconds a solve")
    return svg.picture(
        "Own and taken seconds of a class's mean solve", svg.grid(x, y, axes), lines(), points()
    )


def choices(days: Sequence[Document]) -> tuple[str, list[str]]:
    """Draw what share of each day's solves was answered by what; return the words, too."""
    shown = days[-MOST_DAYS:]
    counts: Counter[str] = Counter()
    for each in shown:
        counts.update(each["answered by"])
    names = [name for name, _ in counts.most_common(MOST_CHOICES)]
    x, y = svg.across(-0.5, len(shown) - 0.5), svg.upward(0, 100)
    wide = min((x.end - x.begin) / len(shown), _WIDEST)

    def bars() -> Iterator[str]:
        step = math.ceil(len(shown) / 8)
        for i, each in enumerate(shown):
            foot = 0.0
            for j, name in enumerate([*names, None]):
                known = sum(each["answered by"].get(n, 0) for n in names)
                n = each["solves"] - known if name is None else each["answered by"].get(name, 0)
                share = 100 * n / max(each["solves"], 1)
                b = Box(
                    x.at(i) - wide * 0.4, y.at(foot + share), wide * 0.8,
                    y.at(foot) - y.at(foot + share),
                )  # fmt: skip
                told = f"{each['day']}: {share:.1f} % {name or 'others'}"
                yield svg.box(b, f"c{j}" if name else "rest", told)
                foot += share
            if not i % step:
                yield from _named(x.at(i), y.begin, each["day"])

    label = "Share of solves by what answered them, by day"
    return svg.picture(label, svg.grid(None, y, ("", "% of solves")), bars()), names


def course(change: Document) -> str:
    """Draw the seconds of a class over time, and where they have changed."""
    points = [(moment, seconds) for moment, seconds in change["course"] if seconds > 0]
    moments = [moment for moment, _ in points]
    seconds = sorted(s for _, s in points)
    x = svg.across(moments[0] - 1, moments[-1] + 1)
    y = svg.upward(seconds[0] / 1.3, seconds[-1] * 1.3, True, height=180)
    at = x.at(change["since"])

    def parts() -> Iterator[str]:
        yield svg.line((at, at), (y.end, y.begin), "since")
        for moment, s in points:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
            kind = "before" if moment < change["since"] else "after"
            yield svg.dot(x.at(moment), y.at(s), 3, kind, f"{when}: {s:.3g} s")
        for early in (True, False):
            part = sorted(s for m, s in points if (m < change["since"]) == early)
            if part:
                ends = (x.begin, at) if early else (at, x.end)
                level = y.at(part[len(part) // 2])
                yield svg.line(ends, (level, level), "level")

    label = f"Seconds of {change['course of']} over time"
    names = svg.days(x, _days(moments[0], moments[-1]), y.begin)
    unit = ("", f"{change['course of']}, seconds a solve")
    return svg.picture(label, svg.grid(None, y, unit), names, parts(), height=180)


def _days(begin: float, end: float) -> list[tuple[float, str]]:
    """Where days begin, where this computer is."""
    told = time.localtime(begin)
    first = time.mktime((*told[:3], 0, 0, 0, 0, 0, -1))
    found = []
    for i in range(1, int((end - begin) // 86400) + 2):
        moment = time.mktime((*time.localtime(first)[:2], told[2] + i, 0, 0, 0, 0, 0, -1))
        found.append((moment, time.strftime("%a %d", time.localtime(moment))))
    return found if len(found) > 1 else [(begin, _clock(begin)), (end, _clock(end))]


def _clock(moment: float) -> str:
    return time.strftime("%H:%M", time.localtime(moment))


def hosts(found: Sequence[Document]) -> str:
    """Draw how many times as long solves take on each host as on the others."""
    shown = found[:MOST_HOSTS]
    height = 50 + _ROW * len(shown)
    every = [each["times"] for each in shown]
    x = svg.Axis(min(0.7, *every) * 0.95, max(1.5, *every) * 1.1, 110, svg.WIDTH - 12, True)
    y = svg.Axis(0, 1, height - 34, 8)

    def rows() -> Iterator[str]:
        yield svg.line((x.at(1), x.at(1)), (y.begin, y.end), "equal")
        for i, each in enumerate(shown):
            at = 20 + _ROW * i
            kind = "lost" if each["certain"] else "won"
            name = each["host"] if len(each["host"]) < 16 else each["host"][:14] + "…"
            yield svg.text(102, at + 4, name, "loss" if each["certain"] else "", "end")
            yield svg.line((x.at(1), x.at(each["times"])), (at, at), kind)
            told = f"{each['host']}: {each['times']:.2f} times, in {each['hours']} hours"
            yield svg.dot(x.at(each["times"]), at, 5, kind, told)
        for times in (0.5, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10):
            if x.low <= times <= x.high:
                yield svg.text(x.at(times), y.begin + 13, f"{times:g}")
        yield svg.text((x.begin + x.end) / 2, y.begin + 28, "times as long as elsewhere", "name")

    return svg.picture("Times that solves take on each host", rows(), height=height)
