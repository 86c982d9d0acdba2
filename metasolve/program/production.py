"""A program in production: started as the user does, with the settings a model chooses.

Imports neither torch nor PETSc: it stands in front of programs that may be short.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from metasolve.errors import UsageError
from metasolve.model.directory import load
from metasolve.model.model import Model
from metasolve.petsc.launch import NOT_EXECUTABLE, NOT_FOUND
from metasolve.program import template
from metasolve.program.case import Case, Input
from metasolve.program.case_file import case_of
from metasolve.program.deck import DECKS
from metasolve.program.foreground import foreground
from metasolve.program.instances import features as features_of
from metasolve.program.instances import names
from metasolve.program.limit import seconds_allowed
from metasolve.program.matching import Matched, match_command
from metasolve.program.overlay import Overlay
from metasolve.program.plugged import started
from metasolve.program.reading import why_failed_output
from metasolve.program.start import Start, Values, filled_environment, travelling
from metasolve.solve.solver import Value


@dataclass
class Report:
    """One line of the run log."""

    source: str = "model"
    why: str = ""
    settings: Mapping[str, Value] = field(default_factory=dict)
    features: Mapping[str, float] = field(default_factory=dict)
    learned_start: bool = False
    exit_code: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    def line(self, command: Sequence[str]) -> dict[str, Any]:
        """As strict JSON: None for a feature such as the logarithm of 0."""
        features = {k: x if math.isfinite(x) else None for k, x in self.features.items()}
        told = {**vars(self), "features": features}
        return {"time": round(time.time(), 3), "command": shlex.join(command), **told}


def run_program(
    model: str | os.PathLike[str],
    command: Sequence[str],
    *,
    features: Sequence[str] = (),
    log: str | os.PathLike[str] | None = None,
) -> int:
    """Run `command` with the settings that the model in a directory chooses for it.

    Parameters
    ----------
    features : ``name=value``, for what the command does not say.
    log : file to which one JSON line is appended.

    Returns
    -------
    int
        The command's exit code; 127 if it is not found, 126 if it cannot be executed, 128 + n if
        signal n ended it.

    Raises
    ------
    UsageError
        If there is no command, or a feature is given that the program does not have. A command that
        the template of the case cannot read is run as it is, and why is said.
    ModelError
        If there is no model of a program.
    """
    if not command:
        raise UsageError("no command given: put it after --, as in: -- ./app -flags")
    began = time.perf_counter()
    chosen = load(Path(model))
    case = case_of(chosen)
    given = _given(case, features)
    with Overlay() as overlay:
        report, changed = _decide(chosen, case, command, given, overlay)
        report.seconds["decision"] = round(time.perf_counter() - began, 6)
        if changed is not None:
            begin = started(changed, chosen, report.features)
            report.learned_start = begin is not changed
            limit = seconds_allowed(case, chosen, report.features)
            why = _timed(report, "run", begin, case, limit)
            overlay.bring_home()
            if why and case.rerunnable and report.exit_code not in (NOT_FOUND, NOT_EXECUTABLE):
                _run_second(report, chosen, case, command, overlay, why)
                overlay.bring_home()
        if report.source in ("refused", "fallback"):
            as_it_is = Start(list(command))
            first = report.source == "refused"
            begin = started(as_it_is, chosen, report.features) if first else as_it_is
            report.learned_start = begin is not as_it_is
            _say(report)
            _timed(report, "own", begin)
    if log is not None:
        _append(Path(log), json.dumps(report.line(command), allow_nan=False))
    return report.exit_code


def _append(log: Path, line: str) -> None:
    """Write a line; the run is over, and its exit code counts, whether that works or not."""
    try:
        with log.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        sys.stderr.write(f"metasolve: cannot write {log} ({error.strerror}); no log of this run\n")


def _given(case: Case, features: Sequence[str]) -> dict[str, str]:
    given = {}
    for text in features:
        name, equals, value = text.partition("=")
        if not equals or name not in names(case):
            known = ", ".join(names(case))
            raise UsageError(
                f"--feature {text!r} is not NAME=VALUE of this program; known: {known}"
            )
        given[name] = value
    return given


def _decide(
    model: Model, case: Case, command: Sequence[str], given: Mapping[str, str], overlay: Overlay
) -> tuple[Report, Start | None]:
    """What is chosen and how to start it; None for the command as it is, also where it puzzles."""
    report = Report()
    try:
        matched = match_command(case, command)
        report.features = features_of(case, {**matched.arguments, **given})
        report.why = model.refuses(report.features)
        settings = {} if report.why else _left_open(case, command, model.settings(report.features))
        changed = accelerated(case, matched, command, settings, overlay) if settings else None
    except UsageError as error:
        report.why, changed, settings = str(error), None, {}
    report.settings = settings
    if changed is None:
        report.source = "refused"
        report.why = report.why or "the command sets everything itself"
    return report, changed


def _run_second(
    report: Report, model: Model, case: Case, command: Sequence[str], overlay: Overlay, why: str
) -> None:
    """Run the second choice after the first has failed; `report` says how that went."""
    settings = _left_open(case, command, model.second_choice(report.features))
    report.source, report.why = "second" if settings else "fallback", why
    if not settings:
        return
    _say(report)
    report.settings = settings
    start = accelerated(case, match_command(case, command), command, settings, overlay)
    limit = seconds_allowed(case, model, report.features)
    failed = _timed(report, "second", started(start, model, report.features), case, limit)
    if failed:
        report.source, report.why = "fallback", f"{why}; second choice: {failed}"


def _left_open(
    case: Case, command: Sequence[str], settings: Mapping[str, Value]
) -> dict[str, Value]:
    """Settings that the user does not ask for in so many words: those are the user's."""
    if case.settings.through not in ("petsc", "flags"):
        return dict(settings)
    asked = {word[1:] for word in command if word.startswith("-")}
    return {name: value for name, value in settings.items() if name not in asked}


def _say(report: Report) -> None:
    refused = "running under its own settings, from a learned start"
    what = {
        "refused": refused if report.learned_start else "running as it is",
        "second": "running again under the model's second choice",
        "fallback": "running again as it is",
    }[report.source]
    sys.stderr.write(f"metasolve: {what}: {report.why}\n")


def accelerated(
    case: Case,
    matched: Matched,
    command: Sequence[str],
    settings: Mapping[str, Value],
    overlay: Overlay,
) -> Start:
    """A command under settings; changed copies of its input files go to `overlay`.

    Raises
    ------
    UsageError
        If a setting belongs into a file whose name the command does not say.
    """
    values = _values(case, matched.arguments, settings)
    words = list(command)
    for number, word in matched.places.items():
        if set(template.names(word)) & set(settings):
            words[number] = template.fill(word, values.shown)
    for absent in matched.absent:
        words += _added(absent, values)
    for each in case.input:
        text = _changed(each, matched, values)
        if text is None:
            continue
        if each.name not in matched.words:
            raise UsageError(
                f"settings belong into {each.name}, which the command does not name, and your file "
                "stays as it is; start the program with the file's name as an argument"
            )
        words[matched.words[each.name]] = str(overlay.place(matched.files[each.name], text))
    more, environment = travelling(case, values.texts)
    return Start(words + more, {**_variables(case, values), **environment})


def _added(absent: Sequence[str], values: Values) -> list[str]:
    """Words of a setting that the command leaves to the program: with their flag, at the end."""
    if not set(template.names(absent[-1])) & set(values.settings):
        return []
    if len(absent) == 1 and not template.fill(
        absent[0], dict.fromkeys(template.names(absent[0]), "")
    ):
        raise UsageError(f"the command has no word for {absent[0]}; start it as the case does")
    return [template.fill(word, values.shown) for word in absent]


def _variables(case: Case, values: Values) -> dict[str, str]:
    """Variables of the case that hold a setting; the others are the user's own affair."""
    every = filled_environment(case, values.shown)
    return {
        name: every[name]
        for name, text in case.environment.items()
        if set(template.names(text)) & set(values.texts)
    }


def _values(case: Case, arguments: Mapping[str, str], settings: Mapping[str, Value]) -> Values:
    values = Values.of(case, arguments, {})
    texts = {name: case.space[name].text(value) for name, value in settings.items()}
    texts |= dict(case.space.fixed)
    return Values(arguments, settings, texts, {**values.shown, **texts})


def _changed(each: Input, matched: Matched, values: Values) -> str | None:
    """The user's input file under the settings; None if none belongs there."""
    if each.text is None:
        return None
    text = matched.files[each.name].read_text()
    if each.format == "template":
        places = template.match_file(each.text, text, list(values.shown))
        placed = [name for name, _, _ in places if name in values.texts]
        return template.replaced(text, places, values.texts) if placed else None
    inside = DECKS[each.format].variables(each.text)
    mine = {k: v for k, v in values.settings.items() if each.group or k.lower() in inside}
    group = {name: place for name, (place, _) in inside.items()}
    if not mine:
        return None
    return DECKS[each.format].changed(text, mine, each.group or group[next(iter(mine)).lower()])


def _timed(
    report: Report, what: str, command: Start, case: Case | None = None, limit: float | None = None
) -> str:
    """Run in the foreground; why it failed, where a case says what success is."""
    began = time.perf_counter()
    success = None if case is None else case.success
    watched = success is not None and bool(success.pattern or success.failure)
    ended = foreground(command, watched, limit)
    report.exit_code = ended.exit_code
    report.seconds[what] = round(time.perf_counter() - began, 6)
    if success is None or ended.stopped_by_user:
        return ""
    if ended.expired:
        return f"stopped after {limit:.3g} s under the model's settings"
    if ended.exit_code != success.exit_code:
        return f"exit code {ended.exit_code} under the model's settings"
    return why_failed_output(success, ended.stdout) if watched else ""
