"""One case of the table: an entry on so many ranks, in every way, and what came of it."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.coverage.entry import Entry, Pinned, Trained
from benchmarks.coverage.packages import missing
from benchmarks.coverage.running import ACTED_ON, METASOLVE, Ran, build, run, run_under
from benchmarks.coverage.sources import make
from metasolve.errors import UsageError

Row = dict[str, Any]
Models = dict[str, Path | None]
Say = Callable[[str], None]
PLAIN, PRIOR, LEARNED = "plain", "prior", "learned"
_TRAINING_LIMIT = 900.0
_SLOWER = 5.0
"""A run that takes so many times the seconds of the plain one counts as hanging."""


@dataclass(frozen=True)
class Bench:
    """Where and how cases are examined.

    Attributes
    ----------
    work : folder of programs, recordings and models.
    ways : of "prior", which is `metasolve run` without a model, and "learned", from a recording.
    repeats : rounds of a plain run and one in each way.
    say : told what is being done.
    """

    work: Path
    ways: tuple[str, ...]
    repeats: int
    say: Say


class FoundError(Exception):
    """A problem: a crash, a hang, a changed answer."""


def examine(entry: Entry, ranks: int, bench: Bench) -> Row:
    """Run an entry plainly, recorded, and under a model learned from that.

    Returns
    -------
    dict
        Plain JSON: with ``skip`` where it could not be run, ``problem`` where something is wrong.
    """
    row: Row = {
        "name": entry.name,
        "program": entry.program,
        "configuration": entry.configuration,
        "ranks": ranks,
    }
    lacking = missing(entry.packages) + [x for x in entry.needs if shutil.which(x) is None]
    if lacking:
        return {**row, "skip": f"needs {', '.join(lacking)}"}
    here = bench.work / "programs" / entry.name
    try:
        make(entry.steps, here)
        _case(entry, ranks, bench, here, row)
    except UsageError as error:
        row["skip"] = str(error)
    except FoundError as problem:
        row["problem"] = str(problem)
    return row


def _case(entry: Entry, ranks: int, bench: Bench, here: Path, row: Row) -> None:
    bench.say("plain")
    plain = run(entry, here, ranks)
    if plain.ended:
        raise UsageError(f"plainly it {_says(plain)}")
    if not entry.answered(plain.output, plain.output):
        raise UsageError(f"plainly it prints no answer: {_end(plain.output)}")
    row |= {"plain seconds": plain.seconds, "ways": {}}
    if wrong := build(entry, here, ranks):
        raise FoundError(f"the plug-in: {wrong}")
    models = {way: _model(way, entry, ranks, bench, here, plain, row) for way in bench.ways}
    for way, model in models.items():
        bench.say(f"run, {way}")
        ran = run_under(entry, here, ranks, model, _limit(plain))
        row["ways"][way] = _seen(entry, plain, ran)
        _check(entry, plain, ran, f"run, {way}")
    _time(entry, ranks, bench, here, models, row)


def _limit(plain: Ran) -> float:
    return max(60.0, _SLOWER * plain.seconds + 10.0)


def _says(ran: Ran) -> str:
    return f"{ran.ended}: {_end(ran.output)}" if ran.ended else "ended well"


def _end(output: str) -> str:
    return " / ".join(output.strip().splitlines()[-3:])[-300:]


# --- the model -------------------------------------------------------------------------------


def _model(
    way: str, entry: Entry, ranks: int, bench: Bench, here: Path, plain: Ran, row: Row
) -> Path | None:
    """Return the model of a way; None for the prior that comes with metasolve."""
    if way == PRIOR:
        return None
    place = bench.work / "models" / f"{entry.name}-{ranks}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    bench.say("recorded")
    most = entry.model.most_systems if isinstance(entry.model, Trained) else 8
    recording = place / "recording"
    words = [METASOLVE, "record", "-o", str(recording), "--max-systems", str(most), "--"]
    recorded = run(entry, here, ranks, words, _limit(plain))
    row["recorded"] = _systems(recording)
    _check(entry, plain, recorded, "record")
    bench.say("learning")
    return _learned(entry, ranks, recording, place / "model", row)


def _learned(entry: Entry, ranks: int, recording: Path, model: Path, row: Row) -> Path:
    if isinstance(entry.model, Pinned) or not row["recorded"]:
        settings = entry.model.settings if isinstance(entry.model, Pinned) else "pc_type=ilu"
        row["model"] = f"pinned: {settings}"
        _ours([METASOLVE, "pin", "-o", str(model), *settings.split()])
        return model
    row["model"] = f"trained, {entry.model.calls} calls"
    launched = ["mpiexec", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    per_solve = ["--ranks-per-solve", str(ranks)] if ranks > 1 else []
    calls = ["--calls", str(entry.model.calls), "--seed", "1", *per_solve]
    began = time.monotonic()
    _ours([*launched, METASOLVE, "train", str(recording), "-o", str(model), *calls])
    row["training seconds"] = round(time.monotonic() - began, 1)
    return model


def _ours(words: Sequence[str]) -> None:
    """Run a command of ours, whose failure is a problem."""
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, check=False, timeout=_TRAINING_LIMIT
        )
    except subprocess.TimeoutExpired as error:
        raise FoundError(
            f"{Path(words[0]).name} {words[1]}: not done after {error.timeout:g} s"
        ) from None
    if done.returncode:
        command = next(word for word in words if word in ("pin", "train"))
        raise FoundError(f"metasolve {command}: exit code {done.returncode}: {_end(done.stderr)}")


def _systems(recording: Path) -> int:
    manifest = recording / "manifest.jsonl"
    return manifest.read_text().count('"kind":"solve"') if manifest.exists() else 0


# --- what came of it ---------------------------------------------------------------------------


def _check(entry: Entry, plain: Ran, other: Ran, way: str) -> None:
    if other.ended:
        raise FoundError(f"{way}: {_says(other)}")
    if not entry.answered(plain.output, other.output):
        raise FoundError(f"{way}: the answer is another: {_numbers(entry, plain, other)}")
    if entry.counted(plain.output, other.output) is False:
        raise FoundError(f"{way}: counts differ: {_counts(entry, plain, other)}")


def _numbers(entry: Entry, plain: Ran, other: Ran) -> str:
    shown = [
        [f"{x:.10g}" for r in entry.answer for x in r.of(ran.output)][:6] for ran in (plain, other)
    ]
    return f"{', '.join(shown[0])}; then {', '.join(shown[1]) or 'nothing'}"


def _counts(entry: Entry, plain: Ran, other: Ran) -> str:
    shown = [[f"{x:g}" for r in entry.counts for x in r.of(ran.output)] for ran in (plain, other)]
    return f"{', '.join(shown[0][:20])}; then {', '.join(shown[1][:20])}"


def _seen(entry: Entry, plain: Ran, other: Ran) -> Row:
    """Return what a run did, and whether its answer is the plain one."""
    seen: Row = {
        "solves": sum(map(_solves, other.log)),
        "acted on": sum(line["source"] in ACTED_ON for line in other.log),
        "why": whys(other.log),
        "settings": _settings(other.log),
    }
    if not other.ended:
        seen["answer kept"] = entry.answered(plain.output, other.output)
        seen["counts kept"] = entry.counted(plain.output, other.output)
    return seen


def whys(log: Sequence[Row]) -> dict[str, int]:
    """Why solves were left to the program, numbers left out; the most frequent first."""
    found = Counter[str]()
    for line in log:
        if line["source"] not in ACTED_ON:
            told = f"{line['source']}: {line.get('why') or 'no reason given'}"
            short = re.sub(r"[-\d.e+]*\d[-\d.e+]*", "#", told).split(",")[0][:110]
            found[short] += _solves(line)
    return dict(found.most_common(6))


def _solves(line: Row) -> int:
    """Some lines stand for several solves, which were left alone."""
    return int(line["solves"]) if line["source"] == "left" else 1


def _settings(log: Sequence[Row]) -> str:
    """What was chosen most often."""
    chosen = Counter(
        " ".join(f"{key}={value}" for key, value in line.get("settings", {}).items())
        for line in log
        if line["source"] in ACTED_ON
    )
    return chosen.most_common(1)[0][0] if chosen else ""


# --- time --------------------------------------------------------------------------------------


def _time(entry: Entry, ranks: int, bench: Bench, here: Path, models: Models, row: Row) -> None:
    """Run rounds, in which the ways take turns to be first, and keep ratios within rounds."""
    rounds: list[dict[str, Ran]] = []
    order = [PLAIN, *models]
    for number in range(bench.repeats):
        bench.say(f"round {number + 1} of {bench.repeats}")
        at = number % len(order)
        rounds.append({})
        for way in order[at:] + order[:at]:
            if way == PLAIN:
                ran = run(entry, here, ranks, timed=True)
            else:
                ran = run_under(entry, here, ranks, models[way], timed=True)
            rounds[-1][way] = ran
            _check(entry, rounds[-1].get(PLAIN, ran), ran, f"round {number + 1}, {way}")
    for way in models if rounds else ():
        told = row["ways"][way]
        told |= _ratios([(each[PLAIN], each[way]) for each in rounds])
        for each in rounds:
            _add(told, _seen(entry, each[PLAIN], each[way]))


def _add(told: Row, more: Row) -> None:
    """Count the solves of another run as well: what a clock decides differs between runs."""
    for name in ("solves", "acted on"):
        told[name] += more[name]
    told["why"] = dict((Counter(told["why"]) + Counter(more["why"])).most_common(6))
    told["settings"] = told["settings"] or more["settings"]


def _ratios(pairs: Sequence[tuple[Ran, Ran]]) -> Row:
    known = [(a.solver, b.solver) for a, b in pairs if a.solver and b.solver]
    return {
        "whole": [a.seconds / b.seconds for a, b in pairs],
        "whole seconds": statistics.median(a.seconds for a, _ in pairs),
        "in solves": [a / b for a, b in known],
        "solver seconds": statistics.median(a for a, _ in known) if known else None,
    }
