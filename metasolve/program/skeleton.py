"""The commented case.toml that `metasolve init` writes."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from metasolve.program import deck_settings, proposal
from metasolve.program.deck import DECKS
from metasolve.program.proposal import Argument
from metasolve.space import Space

_HEAD = """\
# A program to accelerate: what varies, what may be set, what it costs, what success means.
# Adapt what is marked with "<-", then: metasolve check, metasolve train, {then}metasolve run.
name = {name}

# Started in a directory of its own, never by a shell. {{name}} stands for a value below.
command = {command}
timeout = 600      # seconds that any run may take
rerunnable = false # <- true if a failed run may simply be started again
# runs = "past.csv" # instances from past runs, one column per name, instead of from ranges
"""
_VARY = """
# What varies from run to run: the range to learn on. <- widen it to what you will run.
[[vary]]
name = {name}
type = "{kind}"
low = {low}
high = {high}
scale = "{scale}"
"""
_NO_VARY = """
# What varies from run to run. <- put {name} into the command, an input file or the environment.
# [[vary]]
# name = "reynolds"
# type = "real" # real, integer, choice (values = ["a", "b"]) or flag
# low = 10.0
# high = 1000.0
# scale = "log"
"""
_END = """
# What a run costs. Wall time, unless one of these is given:
# [cost]
# time = "cpu"                     # of all processes of the run
# pattern = 'elapsed: +(\\S+)'      # on standard output
# csv = "timings.csv"              # with key = "seconds", a column
# petsc_log = "SNESSolve"          # seconds of an event
# unit = "count"                   # of a pattern, csv or json: iterations, not seconds

[success]
exit_code = 0
{success}
# The answer must stay that of the program's own settings. <- name it: speed alone is no success.
{accept}
"""
_NO_SPACE = """
# What may be set. <- name the settings of your program, and how they get there.
# [settings]
# through = "flags"                # -name value; or "environment", "petsc"
#
# [[space.setting]]
# name = "omega"
# type = "real"                    # real, integer, choice or flag
# low = 1.0
# high = 1.95
# default = 1.5                    # what the program uses now
"""
_PETSC_SUCCESS = '# failure = "did not converge" # add -snes_converged_reason to the command\n'
_PETSC_ACCEPT = """\
# [accept]
# file = "solution.bin"            # add -snes_view_solution binary:solution.bin, or -ksp_...
# tolerance = 1e-4                 # on the relative difference in the 2-norm"""
_ACCEPT = """\
# [accept]
# pattern = '^result = (\\S+)'      # or file = "result.dat"
# tolerance = 1e-6                 # on the relative difference in the 2-norm"""


def skeleton(command: Sequence[str], space: Space, space_toml: str, folder: Path) -> str:
    """Text of a case.toml for a command.

    Parameters
    ----------
    space, space_toml : what to propose as settings, and its written form; empty for no PETSc.
    folder : where the file will be; files of the command are named from there.
    """
    found = proposal.arguments(command)
    numbers = {each.word: f"{{{each.name}}}" for each in found}
    words = [numbers.get(i, _literal(word, folder)) for i, word in enumerate(command)]
    program = Path(command[proposal.program_place(command)]).name
    newton = any(each.name.startswith("snes_") for each in space.settings)
    then = "metasolve guess (where Newton's\n# method starts), " if newton else ""
    told = {"name": json.dumps(program), "command": json.dumps(shlex.join(words)), "then": then}
    parts = [_HEAD.format(**told)]
    parts[0] = parts[0].replace("'{", "{").replace("}'", "}")
    parts += [_file(path, named, folder) for path, named in proposal.files(command)]
    files = proposal.files(command)
    mine = {each.name for each in deck_settings.settings(files)}
    petsc = any(each.name not in mine for each in space.settings)
    varies = [_vary(each) for each in found]
    varies += [_maybe(name, x) for name, x in deck_settings.may_vary(files).items()]
    parts += varies or [_NO_VARY]
    parts.append(_settings(space_toml, petsc=petsc) if space.settings else _NO_SPACE)
    accept = _PETSC_ACCEPT if petsc else _ACCEPT
    parts.append(_END.format(success=_PETSC_SUCCESS if petsc else "", accept=accept))
    return "".join(parts)


def _literal(word: str, folder: Path) -> str:
    """A word as a template; what is an input file is found by its name in the run's directory."""
    path = Path(word)
    if path.is_file() and os.sep in word:
        word = _from(folder, path) if _executable(path) else path.name
    return word.replace("{", "{{").replace("}", "}}")


def _from(folder: Path, path: Path) -> str:
    """The path as seen from a folder, with a slash."""
    if path.is_absolute():
        return str(path)
    relative = os.path.relpath(path, folder)
    return relative if os.sep in relative else f"./{relative}"


def _executable(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o111)


def _vary(each: Argument) -> str:
    value = float(each.text.lower().replace("d", "e"))
    whole = value == int(value) and not set(each.text) & set(".eEdD")
    low, high = (value / 2, value * 2) if value > 0 else (value - 1, value + 1)
    kind = int if whole else float
    low, high = (max(1, int(low)) if whole and value > 0 else kind(low)), kind(high)
    return _VARY.format(
        name=json.dumps(each.name),
        kind="integer" if whole else "real",
        low=low,
        high=max(high, low + 1) if whole else high,
        scale="log" if value > 0 else "linear",
    )


def _maybe(name: str, value: float) -> str:
    """A variable of an input file that may vary, to be uncommented."""
    lines = _vary(Argument(0, name, repr(value))).splitlines()[2:]
    return "\n".join(["", "# <- uncomment it if it varies:", *(f"# {each}" for each in lines), ""])


def _file(path: Path, kind: str | None, folder: Path) -> str:
    lines = ["", "# Each run gets a copy of this file in its own directory."]
    lines += ["[[input]]", f"file = {json.dumps(os.path.relpath(path, folder))}"]
    if kind is None:
        lines.append('format = "copy" # <- "template" if values are to be put in place of {name}')
        return "\n".join(lines) + "\n"
    lines.append(f'format = "{kind}" # variables that vary or may be set are changed in the copy')
    lines.append("# <- these may be named in [[vary]] and [[space.setting]]:")
    known, sign = DECKS[kind].variables(path.read_text()), "&" if kind == "namelist" else ""
    for name, (group, value) in known.items():
        lines.append(f"#   {name} = {value!r}" + (f" ({sign}{group})" if group else ""))
    return "\n".join(lines) + "\n"


def _settings(space_toml: str, *, petsc: bool) -> str:
    text = space_toml.replace("[[setting]]", "[[space.setting]]").replace(
        "[fixed]", "[space.fixed]"
    )
    through = (
        "\n# PETSc's options reach the program through the environment.\n"
        '[settings]\nthrough = "petsc"\n'
    )
    told = "\n# What may be set. <- mind the ranges; what is missing goes here, too. "
    return (through if petsc else "") + told + text.removeprefix("# ")
