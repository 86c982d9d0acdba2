"""Whether a case hangs together: every value has exactly one place, every reading one source."""

from __future__ import annotations

import re
import shutil

from metasolve.errors import UsageError, did_you_mean
from metasolve.program import template
from metasolve.program.case import Case
from metasolve.program.instances import names
from metasolve.program.start import places


def check(case: Case) -> None:
    """Check everything that can be checked without running the program.

    Raises
    ------
    UsageError
        Naming the first thing found: key, value, remedy.
    """
    varies, sets = names(case), [each.name for each in case.space.settings]
    both = sorted(set(varies) & set(sets))
    if both:
        raise UsageError(f"{both[0]!r} is in both [[vary]] and [space]; leave it out of one")
    if not varies:
        raise UsageError('nothing varies; add a [[vary]] table, or runs = "past.csv"')
    conditional = [each.name for each in case.varies.settings if each.when]
    if conditional:
        raise UsageError(f"vary {conditional[0]!r} has a when; only settings depend on others")
    _check_placeholders(case, [*varies, *sets])
    _check_travel(case, varies, sets)
    _check_readings(case)


def _check_placeholders(case: Case, known: list[str]) -> None:
    texts = {"command": " ".join(case.command)}
    texts |= {f"environment.{name}": text for name, text in case.environment.items()}
    for key, text in texts.items():
        for name in template.names(text):
            if name not in known:
                raise UsageError(
                    f"{key}: {{{name}}} is unknown; {did_you_mean(name, known)}; "
                    "write {{ and }} for braces"
                )


def _check_travel(case: Case, varies: list[str], sets: list[str]) -> None:
    placed, declared = set(places(case)), {each.name for each in case.varies.settings}
    for name in varies:
        if name not in placed and name in declared:
            raise UsageError(
                f"vary {name!r} reaches the program nowhere; write {{{name}}} in the command, "
                "environment or a template, or make it a variable of a namelist, or a key"
            )
    if case.settings.through is None:
        lost = [name for name in (*sets, *case.space.fixed) if name not in placed]
        if lost:
            raise UsageError(
                f"setting {lost[0]!r} reaches the program nowhere; write {{{lost[0]}}} somewhere, "
                'or add [settings] through = "petsc", "flags" or "environment"'
            )
    twice = [name for name in sets if f"-{name}" in case.command and name not in placed]
    if twice and case.settings.through in ("petsc", "flags"):
        raise UsageError(
            f"setting {twice[0]!r} is also in the command, which would win; "
            f"leave -{twice[0]} out of one of them"
        )


def _check_readings(case: Case) -> None:
    cost = case.cost
    sources = [bool(cost.pattern), bool(cost.csv), bool(cost.json_), bool(cost.petsc_log)]
    sources.append(bool(cost.time))
    if sum(sources) > 1:
        raise UsageError(
            "cost has several sources; keep one of time, pattern, csv, json, petsc_log"
        )
    if (cost.csv or cost.json_) and not cost.key:
        raise UsageError("cost.key is missing; name the column or the dotted key")
    if (cost.time or sum(sources) == 0) and cost.unit == "count":
        raise UsageError('cost.unit="count" goes with a pattern, csv, json; time is in seconds')
    for key, pattern in _patterns(case).items():
        _check_pattern(key, pattern, groups=key in ("cost.pattern", "accept.pattern"))
    if case.accept is not None and bool(case.accept.pattern) == bool(case.accept.file):
        raise UsageError("accept needs one of pattern and file; say where the answer is")


def _patterns(case: Case) -> dict[str, str]:
    found = {
        "cost.pattern": case.cost.pattern,
        "success.pattern": case.success.pattern,
        "success.failure": case.success.failure,
        "accept.pattern": case.accept and case.accept.pattern,
    }
    return {key: pattern for key, pattern in found.items() if pattern}


def _check_pattern(key: str, pattern: str, *, groups: bool) -> None:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{key}={pattern!r}: {error}; give a regular expression") from error
    if groups and not compiled.groups:
        raise UsageError(f"{key}={pattern!r} has no group; put the number in (...)")


def check_program(case: Case) -> None:
    """Check that the program can be found.

    Raises
    ------
    UsageError
        If not; with how to build it, where the case says.
    """
    word = case.command[0]
    found = case.path(word).exists() if "/" in word else shutil.which(word)
    if not found:
        told = " ".join(case.build)
        remedy = f"build it: {told} (in {case.directory})" if told else "correct the command"
        raise UsageError(f"command: no program {word!r}; {remedy}")
