"""A report of journals as one page that needs nothing else: no network, no script, no file."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from metasolve.production.reading import since
from metasolve.report import pictures
from metasolve.report.parts import card, kind_of, legend, span, table
from metasolve.report.screen import SOURCES, changed, class_of, ratio, slow
from metasolve.report.style import STYLE
from metasolve.report.wording import count, moment

Document = Mapping[str, Any]
_REASONS, _PROGRAMS, _STATES, _COURSES = 8, 12, 12, 4
_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
"""


def page(document: Document) -> str:
    """Return the page.

    Parameters
    ----------
    document
        As `metasolve.production.report.Report.document` returns it.
    """
    parts = [*_top(document), *_saved(document), *_where(document), *_drift(document["drift"])]
    parts += [*_reasons(document), *_back(document)]
    body = "\n".join(parts)
    head = f"{_HEAD}<title>metasolve report</title>\n<style>{STYLE}</style>\n</head>\n"
    return f"{head}<body>\n{body}\n</body>\n</html>\n"


# ---- the top ----


def _top(document: Document) -> Iterator[str]:
    journals, saved = document["journals"], document["saved"]
    name = journals[0].rsplit("/", 1)[-1] if len(journals) == 1 else f"{len(journals)} journals"
    days = [each["day"] for each in document["days"]]
    when = f"{days[0]} to {days[-1]}" if len(days) > 1 else "".join(days)
    damaged = document["damaged lines"]
    without = f"; {damaged:,} damaged lines left out" if damaged else ""
    yield f"<h1>metasolve: {escape(name)}</h1>"
    runs, programs = (count(len(document[key]), key[:-1]) for key in ("runs", "programs"))
    yield (
        f'<p class="soft">{escape(when)}; {runs} of {programs}, '
        f"{count(saved['solves'], 'solve')}{without}. Written {moment(time.time())}.</p>"
    )
    for each in document["left out"]:
        yield f'<p class="soft">Left out: {escape(each)}.</p>'
    yield '<div class="figures">'
    yield from _figures(document)
    yield "</div>"


def _figures(document: Document) -> Iterator[str]:
    saved = document["saved"]
    if saved["solves"] == saved["unknown solves"]:
        yield _figure("", "?", "no solve was measured or expected")
        return
    won, sure = saved["saved seconds"] >= 0, "measured"
    word = "saved" if won else "lost"
    kind = kind_of(saved["own seconds"], saved["saved seconds"])
    if saved["expected solves"]:
        sure = "an estimate; nothing says yet how sure it is"
    if saved["least"] is not None and saved["expected solves"]:
        sure = f"9 times of 10 from {span(saved['least'])} to {span(saved['most'])}"
        if saved["least"] < 0 < saved["most"]:
            sure += f"; whether it is a {'gain' if won else 'loss'} is not certain yet"
            kind = ""
    yield _figure(kind, span(abs(saved["saved seconds"])), f"{word} in solves; {sure}")
    told = f"in solves: {span(saved['taken seconds'])} in place of {span(saved['own seconds'])}"
    yield _figure("", *_ratio(saved, told))
    canary = document["canary"]
    if canary:
        told = f"as measured in {canary['canaries']:,} canaries of {canary['solves']:,} solves"
        if canary["least"] is not None:
            told += f": {span(canary['least'])} to {span(canary['most'])} saved"
        yield _figure("", *_ratio(canary, told))
    advice = document["advice"]
    if advice:
        solves = count(advice["solves"], "solve")
        told = f"as foreseen in {solves} under --advise; none was tried"
        yield _figure("", *_ratio(advice, told))
    alone = ("own settings", "fallback")
    own = sum(each["solves"] for each in document["sources"] if each["name"] in alone)
    yield _figure(
        "",
        f"{100 * (1 - own / saved['solves']):.0f} %",
        f"of solves were answered by chosen settings; own ones answered {own:,}",
    )
    drift = document["drift"]
    told = sum(each["certain"] for each in drift["hosts"]) + len(drift["classes"])
    if told or drift["enough"]:
        words = "hosts or classes whose cost has changed"
        yield _figure("loss" if told else "", str(told or "none"), words)
    else:
        yield _figure("", "?", "whether costs have changed: too little is known yet")


def _ratio(found: Document, words: str) -> tuple[str, str]:
    """The figure, and what it is of: faster, or slower."""
    told = ratio(found)
    number, times, more = told.partition(" times ")
    return (f"{number}{times}".strip(), f"{more} {words}") if times else (told, words)


def _figure(kind: str, number: str, words: str) -> str:
    return f'<div class="card {kind}"><b>{escape(number)}</b>{escape(words)}</div>'


# ---- what was saved, and on which solves ----


def _saved(document: Document) -> Iterator[str]:
    days = document["days"]
    if not days:
        return
    yield '<h2>What did it save?</h2>\n<div class="grid">'
    words = legend([("own", "own settings would have taken"), ("taken", "was taken")])
    yield card("By day", pictures.saved_by_day(days), words)
    programs = [
        (
            escape(each["program"]),
            f"{each['runs']:,}",
            span(each["seconds"] + each["saved seconds"]),
            span(each["seconds"]),
            span(each["saved seconds"]),
        )
        for each in document["programs"][:_PROGRAMS]
    ]
    heads = ("whole programs", "runs", "without", "took", "saved")
    yield card("By program", table(heads, programs, less=(1,)))
    yield "</div>"


def _where(document: Document) -> Iterator[str]:
    days, classes = document["days"], document["classes"]
    if not days:
        return
    many = len({each["program"] for each in classes}) > 1
    names = [class_of(each, many) for each in classes]
    yield '<h2>On which solves?</h2>\n<div class="grid">'
    shown = list(enumerate(classes[: pictures.MOST_CLASSES]))
    rows = [(str(i + 1), _class(each, many), *_seconds(each)) for i, each in shown]
    yield card("Own against taken, by class", pictures.own_against_taken(classes, names))
    heads = ("", "class", "solves", "own", "taken", "saved")
    left = (
        f'<p class="soft">{len(classes):,} classes in all.</p>' if len(classes) > len(rows) else ""
    )
    yield card("Classes", table(heads, rows, less=(2, 3), words=2), left)
    drawn, words = pictures.choices(days)
    entries = [(f"c{i}", SOURCES.get(word, word)) for i, word in enumerate(words)]
    yield card("What answered, by day", drawn, legend([*entries, ("rest", "others")]))
    answers: list[tuple[str, ...]] = [
        (escape(SOURCES.get(each["name"], each["name"])), *_seconds(each))
        for each in document["sources"]
    ]
    columns = ("answers by", "solves", "own", "taken", "saved")
    yield card("Who answered", table(columns, answers, less=(1, 2)))
    yield "</div>"
    yield from _worst(document["worst"])


def _class(each: Document, program: bool) -> str:
    told = escape(class_of(each, False))
    return f"{escape(each['program'])}<small>{told}</small>" if program else told


def _seconds(each: Document) -> tuple[str, ...]:
    keys = ("own seconds", "taken seconds", "saved seconds")
    return (f"{each['solves']:,}", *(span(each[key]) for key in keys))


def _worst(worst: Sequence[Document]) -> Iterator[str]:
    if not worst:
        return
    rows = [
        (
            f"solve {each['solve']} of run {escape(str(each['run']))} on {escape(each['host'])}"
            f"<small>{each['rows']:,} rows; {escape(each['source'])}"
            f"{': ' if each['why'] else ''}{escape(each['why'] or '')}</small>",
            f"{span(each['own seconds'])}{'' if each['measured'] else ' (expected)'}",
            span(each["taken seconds"]),
            span(-each["lost seconds"]),
        )
        for each in worst
    ]
    yield '<div class="grid" style="margin-top:1rem">'
    yield card("Solves that lost most", table(("", "own", "taken", "saved"), rows, less=(1,)))
    yield "</div>"


# ---- has it drifted? ----


def _drift(found: Document) -> Iterator[str]:
    yield "<h2>Has it drifted?</h2>"
    slow_ones = [each for each in found["hosts"] if each["certain"]]
    if not slow_ones and not found["classes"]:
        kind = "card fine" if found["enough"] else "card"
        yield f'<p class="{kind}">{_steady(found["enough"])}</p>'
    for each in slow_ones:
        yield f'<p class="card alert">{escape(_sentence(slow(each)))}</p>'
    if found["classes"] or len(found["hosts"]) > 1:
        yield '<div class="grid">'
    for each in found["classes"][:_COURSES]:
        told = f"<p>{escape(changed(each))}</p>"
        title = f"{each['program']}: {each['times']:.2f} times as long"
        yield card(title, told, pictures.course(each))
    if len(found["hosts"]) > 1:
        yield card("Hosts", pictures.hosts(found["hosts"]))
    if found["classes"] or len(found["hosts"]) > 1:
        yield "</div>"


def _steady(enough: bool) -> str:
    if not enough:
        return "Too little is known to say: there are too few runs of the same kind yet."
    return "No class and no host has changed beyond its scatter."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


# ---- why not, and the way back ----


def _reasons(document: Document) -> Iterator[str]:
    if not document["left alone"] and not document["failed attempts"]:
        return
    yield '<h2>Why were solves left alone?</h2>\n<div class="grid">'
    for key, title in (
        ("left alone", "Left to own settings"),
        ("failed attempts", "Attempts that failed"),
    ):
        reasons = document[key]
        if not reasons:
            continue
        rows = [
            (
                escape(each["why"]) + _small(each["what to do"]),
                f"{each['solves']:,}",
                "" if each["seconds"] is None else span(each["seconds"]),
            )
            for each in reasons[:_REASONS]
        ]
        more = len(reasons) - len(rows)
        left = f'<p class="soft">and {more} more reasons</p>' if more else ""
        yield card(title, table(("why, and what to do", "solves", "time"), rows), left)
    yield "</div>"


def _small(words: str) -> str:
    return "" if words == "Nothing." else f"<small>{escape(words)}</small>"


def _back(document: Document) -> Iterator[str]:
    yield '<h2>Can I go back?</h2>\n<div class="grid">'
    known = [each for each in document["states"] if each["id"] or each["file"]]
    known.sort(key=lambda each: -each["time"])
    rows = [
        (
            escape(each["name"]),
            f"<code>{escape(each['id'] or each['file'])}</code>",
            "not there any more" if each["gone"] else since(each["time"]) if each["time"] else "",
        )
        for each in known[:_STATES]
    ]
    if rows:
        yield card("States", table(("program", "id", "saved"), rows, words=3))
    yield card("Commands", *_COMMANDS)
    yield "</div>"


_COMMANDS = (
    "<p>Leave a run alone: <code>METASOLVE_OFF=1</code> in its environment.</p>",
    "<p>Keep what was learned as it is: <code>metasolve run --freeze -- ./app</code></p>",
    "<p>Earlier states, and going back to one: <code>metasolve history PROGRAM</code>, "
    "<code>metasolve rollback PROGRAM ID</code></p>",
    "<p>Begin anew: <code>metasolve forget PROGRAM</code></p>",
)
