"""A report of journals as one screen of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from metasolve.production.reading import since
from metasolve.report.wording import count, moment, plain

Document = Mapping[str, Any]
WIDTH = 100
SAME = 0.05  #: of a change that is none
_LEAD, _NAME = 13, 42
_EQUAL = 0.005
_DAYS, _RUNS, _CLASSES, _SOURCES, _WORST, _REASONS, _CHANGES = 7, 3, 4, 8, 3, 3, 3
SOURCES = {
    "prior": "prior (nothing learned yet)",
    "learned": "prior, with what was learned",
    "model": "a model",
    "guess": "a learned guess",
    "second choice": "second choice",
    "own given up": "taken over, own given up or failed",
    "fallback": "own, after an attempt failed",
    "own settings": "own, nothing was tried",
}


def screen(document: Document) -> str:
    """Return the text.

    Parameters
    ----------
    document
        As `metasolve.production.report.Report.document` returns it.
    """
    left_out = (f"left out: {plain(each)}" for each in document["left out"])
    parts = [_head(document), *left_out, *_saved(document["saved"])]
    parts += [*_canary(document["canary"]), *_advice(document["advice"])]
    parts += [*_programs(document), *_states(document)]
    parts += [*_preconditioners(document), *_unfamiliar(document), *_drift(document["drift"])]
    parts += ["", *_tables(document)] if document["saved"]["solves"] else []
    parts += [*_worst(document), *_reasons("left alone", document["left alone"])]
    parts += _reasons("attempts that failed", document["failed attempts"])
    return "\n".join(part.rstrip() for part in parts)


def _head(document: Document) -> str:
    journals, saved = document["journals"], document["saved"]
    name = plain(journals[0]) if len(journals) == 1 else f"{len(journals)} journals"
    damaged = document["damaged lines"]
    told = f"; {damaged} damaged line{'s' * (damaged != 1)} left out" if damaged else ""
    told += "".join(f"; {n} {what} not looked at" for what, n in document["others"].items())
    runs, solves = count(len(document["runs"]), "run"), count(saved["solves"], "solve")
    return "\n".join(textwrap.wrap(f"{name}: {runs}, {solves}{told}", WIDTH))


def _saved(saved: Document) -> Iterator[str]:
    if saved["solves"] == saved["unknown solves"]:
        told = "nothing is known: of no solve it is known what own settings would have taken"
        yield _entry("saved", told)
        return
    won, own = saved["saved seconds"], saved["own seconds"]
    estimate = bool(saved["expected solves"])
    about = "about " if estimate else ""
    yield _entry("saved", f"{about}{_seconds(won)} of {_seconds(own)} s in solves: {ratio(saved)}")
    least, most = saved["least"], saved["most"]
    if estimate and least is not None:
        doubt = "; whether it is a gain is not certain yet" if least < 0 < won else ""
        told = f"9 times of 10 the truth is from {_seconds(least)} to {_seconds(most)} s{doubt}"
        yield _entry("", told)
    yield _entry("", _basis(saved))
    if saved["unknown solves"]:
        told = f"of {count(saved['unknown solves'], 'solve')} it is not known: left out"
        yield _entry("", f"{told} ({_seconds(saved['unknown seconds'])} s)")


def ratio(saved: Document) -> str:
    """Say how much faster it was, or slower."""
    own, taken = saved["own seconds"], saved["taken seconds"]
    if not own or not taken:
        return "no time was spent" if own == taken else "how much faster cannot be said"
    if abs(own / taken - 1) < _EQUAL:
        return "as fast as before"
    return f"{own / taken:.2f} times faster" if own > taken else f"{taken / own:.2f} times slower"


def _basis(saved: Document) -> str:
    told = f"own settings were measured in {count(saved['measured solves'], 'solve')}"
    if not saved["expected solves"]:
        return told
    told += f"; for {saved['expected solves']:,} they were expected to take"
    told += f" {_seconds(saved['expected seconds'])} s"
    if saved["took of expected"] is None:
        return f"{told}, and nothing says yet how wrong that is"
    factor, pairs = saved["took of expected"], count(saved["compared solves"], "solve")
    return f"{told}, and count {factor:.2f} times that: so it was where that was tested ({pairs})"


def _programs(document: Document) -> Iterator[str]:
    for i, entry in enumerate(document["programs"][:3]):
        took = entry["seconds"]
        name = "runs whose begin is not there" if entry["program"] == "?" else entry["program"]
        told = f"{plain(name)}: {count(entry['runs'], 'run')} took {_seconds(took)} s"
        if entry["solves"] > entry["unknown solves"] and took:
            instead = max(took + entry["saved seconds"], 0.0)
            told += f", instead of about {_seconds(instead)} s"
        yield _entry("" if i else "programs", told)


def _preconditioners(document: Document) -> Iterator[str]:
    """Of interest where one was kept."""
    if "kept" in (found := document["preconditioners"]):
        changed = count(sum(found.values()), "operator")
        told = ", ".join(f"{n} {what}" for what, n in found.items())
        yield _entry("kept", f"preconditioners of {changed}: {told}")


def _unfamiliar(document: Document) -> Iterator[str]:
    if solves := document["unfamiliar solves"]:
        told = f"{count(solves, 'solve')} unlike what the model has learned from: the prior chose; "
        yield _entry("unfamiliar", f"{told}--keep-refused DIR records some to train on")


def _states(document: Document) -> Iterator[str]:
    known = [each for each in document["states"] if each["id"] or each["file"]]
    known.sort(key=lambda each: -each["time"])
    for i, each in enumerate(known[:3]):
        name = plain(each["name"])
        told = f"{each['id']} of {name}, saved {since(each['time'])}"
        if not each["id"]:
            told = f"{each['file']} of {name}; the journal does not tell of it"
        elif each["gone"]:
            told = f"none of {name}: {each['id']} is not there any more"
        elif each["file"] == "":
            told += "; the file is damaged: metasolve history says more"
        elif each["file"] and each["file"] != each["id"]:
            told += f"; the file is now {each['file']}"
        yield _entry("" if i else "state", told)
    if known:
        yield _entry("", "metasolve history PROGRAM lists earlier ones, which can be brought back")


def _advice(found: Document | None) -> Iterator[str]:
    """What a run under --advise would have saved."""
    if found is None:
        return
    saved, own = found["saved seconds"], found["own seconds"]
    solves = count(found["solves"], "solve")
    told = f"would have saved about {_seconds(saved)} of {_seconds(own)} s in {solves}:"
    yield _entry("advice", f"{told} {ratio(found)}")
    told = "own settings were measured, chosen ones only foreseen: --canary measures both"
    yield _entry("", told)


def _canary(found: Document | None) -> Iterator[str]:
    if found is None:
        return
    told = f"{count(found['canaries'], 'solve')} of {found['solves']:,} were solved by own settings"
    told += f" as well ({_seconds(found['cost seconds'])} s): {ratio(found)}, "
    told += f"{_seconds(found['saved seconds'])} s saved in these {found['solves']:,}"
    if found["least"] is not None:
        told += f", from {_seconds(found['least'])} to {_seconds(found['most'])} s"
    yield _entry("canaries", told)


def _drift(found: Document) -> Iterator[str]:
    told = [slow(each) for each in found["hosts"] if each["certain"]]
    told += [changed(each) for each in found["classes"]]
    for i, text in enumerate(told[:_CHANGES]):
        yield _entry("" if i else "changed", text)
    if len(told) > _CHANGES:
        yield _entry("", f"and {len(told) - _CHANGES} more changes: --json has them all")


def slow(each: Document) -> str:
    """Say that a host is slow, and since when."""
    since = f" since {moment(each['since'])}" if each["since"] else ""
    return (
        f"host {plain(each['host'])}: solves take {each['times']:.2f} times as long as on the "
        f"others{since} (in {count(each['hours'], 'hour')} with runs); take it out of the queue, "
        "or have it looked at"
    )


def changed(each: Document) -> str:
    """Say how the cost of a class has changed, and since when."""
    settings = " and ".join(plain(name) for name in each["settings"][:3])
    more = ""
    for what in ("iterations", "rows"):
        times = each[f"{what} times"]
        more += (
            f", {times:.2f} times the {what}" if abs(times - 1) > SAME else f", {what} as before"
        )
    return (
        f"{plain(each['program'])}, {_class(each['class'])}: {settings} took "
        f"{each['times']:.2f} times as long since {moment(each['since'])}{more}. "
        f"{each['what to do']}"
    )


def _tables(document: Document) -> Iterator[str]:
    yield f"{'':56}{'solves':>8}{'own s':>10}{'taken s':>10}{'saved s':>10}"
    days = document["days"][-_DAYS:]
    if len(days) > 1:
        yield from _table("days", [(each["day"], each) for each in days], len(document["days"]))
    runs = document["runs"][-_RUNS:]
    yield from _table("last runs", [(_run(each), each) for each in runs], len(document["runs"]))
    many = len({each["program"] for each in document["classes"]}) > 1
    classes = [(class_of(each, many), each) for each in document["classes"]]
    yield from _table("classes", classes[:_CLASSES], len(classes))
    sources = [(SOURCES.get(each["name"], each["name"]), each) for each in document["sources"]]
    yield from _table("answers by", sources[:_SOURCES], len(sources))


def _within(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[: _NAME - 4]} ..."


def _table(title: str, rows: Sequence[tuple[str, Document]], count: int) -> Iterator[str]:
    for i, (name, each) in enumerate(rows):
        numbers = [each["own seconds"], each["taken seconds"], each["saved seconds"]]
        lead = title if not i else f"({count} in all)" if i == 1 and count > len(rows) else ""
        known = each["taken seconds"] > 0  # of no solve here otherwise
        cells = "".join(f"{_seconds(x) if known else '-':>10}" for x in numbers)
        yield f"{lead:{_LEAD}}{_within(name):{_NAME + 1}}{each['solves']:>8}{cells}"


def _run(each: Document) -> str:
    begin = moment(each["begin"]) if each["begin"] else "begin not known"
    return f"{begin} {plain(each['program'])}"


def class_of(each: Document, program: bool) -> str:
    """Name a class for people, with its program or without."""
    return f"{plain(each['program'])}: {_class(each['name'])}" if program else _class(each["name"])


def _class(name: str) -> str:
    words = name.split()
    if len(words) != 5 or not all(word.lstrip("-").isdecimal() for word in words[1:]):
        return plain(name)
    prefix = "" if words[0] == "-" else f"{plain(words[0])}: "
    block = "" if words[2] == "1" else f", blocks of {words[2]}"
    ranks = "" if words[4] == "1" else f", {words[4]} ranks"
    row = f", {2 ** int(words[3]):.0f}+ a row" if 0 <= int(words[3]) < 40 else ""
    return f"{prefix}up to {int(words[1]):,} rows{row}{block}{ranks}"


def _worst(document: Document) -> Iterator[str]:
    for i, each in enumerate(document["worst"][:_WORST]):
        own = "measured" if each["measured"] else "expected"
        why = f": {plain(each['why'])}" if each["why"] else ""
        yield from _entries(
            "" if i else "worst",
            f"solve {each['solve']} of run {each['run']}, {each['rows']} rows: "
            f"{_seconds(each['taken seconds'])} s instead of {_seconds(each['own seconds'])} s "
            f"({own}); {each['source']}{why}",
            most=2,
        )


def _reasons(title: str, reasons: Sequence[Document]) -> Iterator[str]:
    if reasons:
        yield ""
        total = sum(each["solves"] for each in reasons)
        yield f"{title}: {count(total, 'solve')}"
    for each in reasons[:_REASONS]:
        took = "" if each["seconds"] is None else f", {_seconds(each['seconds'])} s"
        yield from _entries(f"{each['solves']:>{_LEAD - 1}}", f"{plain(each['why'])}{took}")
        if each["what to do"] != "Nothing.":
            yield from _entries("", f"-> {each['what to do']}")
    if len(reasons) > _REASONS:
        yield _entry("", f"and {len(reasons) - _REASONS} more reasons: --json has them all")


def _entry(lead: str, text: str) -> str:
    return "\n".join(_entries(lead, text))


def _entries(lead: str, text: str, most: int | None = None) -> list[str]:
    lines = textwrap.wrap(text, WIDTH - _LEAD, max_lines=most, placeholder=" ...") or [""]
    return [f"{lead if not i else '':{_LEAD}}{line}" for i, line in enumerate(lines)]


def _seconds(x: float) -> str:
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.3g}" if abs(x) >= 1e-3 or not x else f"{x:.1e}"
