"""``metasolve run``: run a program as it is, with the settings a model chooses."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metasolve.cli.front import COMMAND, Parser, prefixes

if TYPE_CHECKING:
    from argparse import Namespace

    from metasolve.petsc.conduct import Conduct, Watch

HELP = """Run COMMAND as it is, its linear systems solved with the settings that suit them.

Without a MODEL the prior that comes with metasolve chooses, and learns from each solve. Every
answer meets the command's own tolerance; where the chosen settings fail, the command's own are
used. The exit code is the command's own. With a model of a whole program the settings are those
of the run."""

GATHERED = {
    "refused": "systems that were left to the command's own settings, where a training may change "
    "that",
    "slow": "systems that took longer than under the command's own settings, or than was foreseen",
}


def parser() -> Parser:
    """Return the parser of this command."""
    made = Parser("run", HELP)
    made.usage = f"metasolve run [MODEL] [options] {COMMAND}"
    add_model(made)
    add_conduct(made)
    made.add_argument(
        "--feature",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what the command does not say (models of whole programs)",
    )
    made.add_seed()
    return made


def add_model(made: Parser) -> None:
    """Add the model directory, which may be left out."""
    from metasolve.files.shipped import shipped

    told = "model directory; default: the prior that comes with metasolve"
    made.add_argument("model", metavar="MODEL", nargs="?", type=Path, default=shipped(), help=told)


def add_conduct(made: Parser) -> None:
    """Add the options that say how a model is used."""
    made.add_argument(
        "--advise", action="store_true", help="try nothing: log what would have been tried"
    )
    made.add_argument(
        "--state",
        metavar="DIR",
        help="folder of what runs with the prior have learned, and of the journals of runs "
        "without --log; none: nothing is kept; default: metasolve in $XDG_STATE_HOME",
    )
    made.add_argument(
        "--state-id",
        metavar="ID",
        help="use this state, as metasolve history names it, and add nothing to it",
    )
    made.add_argument(
        "--freeze", action="store_true", help="use what runs have learned, and add nothing to it"
    )
    for kind, told in GATHERED.items():
        made.add_argument(f"--keep-{kind}", type=Path, metavar="DIR", help=f"record {told}")
    made.add_argument(
        "--deterministic",
        action="store_true",
        help="decide by counted work instead of clocks, so that equal runs have equal answers; "
        "implies --freeze",
    )
    made.add_argument(
        "--reuse",
        choices=("on", "off"),
        default="on",
        help="keep a preconditioner for operators that have hardly changed, or build each anew; "
        "default: on",
    )
    made.add_argument(
        "--canary",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="solve this share of the solves under the command's own settings as well, for "
        "metasolve report to say what was saved; such as 0.05; default: 0",
    )
    made.add_argument(
        "--off",
        action="append",
        default=[],
        metavar="CLASS",
        help="leave a class alone, named as metasolve inspect does it; may be repeated",
    )
    made.add_argument(
        "--log",
        type=Path,
        help="append one JSON line per solve, or run, to this file; metasolve report reads it",
    )
    made.add_watched()
    made.add_argument(
        "--budget",
        type=float,
        help="hand a solve back to the program's own settings after so many times the seconds "
        "these would take; default: 2",
    )


def conduct_of(asked: Namespace, log: Path | None, command: Sequence[str]) -> Conduct:
    """Return how a model is used, as the command line says."""
    from metasolve.petsc import launch
    from metasolve.petsc.conduct import Conduct
    from metasolve.production import site

    state = None
    if asked.state != "none" and launch.uses_prior(asked.model):
        state = site.file_of(command, None if asked.state is None else Path(asked.state))
    if asked.state_id is not None:
        state = _pinned(state, asked.state_id)
    return Conduct(
        log,
        asked.budget,
        asked.advise,
        state,
        asked.freeze or asked.state_id is not None,
        reuse=asked.reuse == "on",
        canary=asked.canary,
        off=asked.off,
        deterministic=asked.deterministic,
        keep_refused=asked.keep_refused,
        keep_slow=asked.keep_slow,
    )


def _pinned(state: Path | None, name: str) -> Path:
    from metasolve.errors import UsageError
    from metasolve.production import past, site

    if state is None:
        raise UsageError(
            f"--state-id {name}: no state is used under --state none, or with a model of constant "
            "settings: leave one of them out"
        )
    return past.pinned(site.known(str(state)), name)


def watch_of(asked: Namespace) -> Watch:
    """Return which solves are meant."""
    from metasolve.petsc.conduct import Watch

    return Watch(prefixes(asked), direct=asked.direct == "on")


def main(words: Sequence[str]) -> int:
    """Run the command; returns the exit code of the program."""
    asked, command = parser().read_with_command(words)
    from metasolve.petsc import launch
    from metasolve.production import journal

    if launch.is_of_program(asked.model):
        from metasolve.program.production import run_program

        return run_program(asked.model, command, features=asked.feature, log=asked.log)
    if launch.is_off():
        sys.stderr.write("metasolve: METASOLVE_OFF is set, so the command runs as without us\n")
        return launch.call(command, {})
    with contextlib.ExitStack() as stack:
        lines = asked.log or stack.enter_context(launch.scratch_log())
        mark = journal.Mark.of(lines)
        watch = watch_of(asked)
        conduct = conduct_of(asked, lines, command)
        conduct.launch = os.urandom(8).hex()
        held = {to: launch.systems_in(to) for to in conduct.gathered.values()}
        code = launch.run(command, asked.model, watch, conduct)
        if code not in (launch.NOT_FOUND, launch.NOT_EXECUTABLE):
            where = f"; log: {asked.log}" if asked.log and asked.log.exists() else ""
            told = journal.summary(lines, mark, conduct.launch, code)
            told += "".join(_gathered(to, before) for to, before in held.items())
            sys.stderr.write(f"metasolve: {launch.ended(code)}{told}{where}\n")
        if asked.log is None:
            _keep(lines, asked.state, command)
    return code


def _gathered(to: Path, before: int) -> str:
    from metasolve.petsc.launch import systems_in

    held = systems_in(to)
    return f"; {held - before} systems kept in {to}, which now holds {held}"


def _keep(lines: Path, state: str | None, command: Sequence[str]) -> None:
    """Add the lines of a run to the journal of its program; a run does not fail for that."""
    from metasolve.errors import UsageError
    from metasolve.production import site

    if state == "none":
        return
    try:
        site.keep(lines, site.journal_of(command, None if state is None else Path(state)))
    except UsageError as error:
        sys.stderr.write(f"metasolve: {error}\n")
