"""``metasolve run``: run a program as it is, with the settings a model chooses."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from metasolve.cli.front import COMMAND, Parser, prefixes
from metasolve.cli.kept import Kept
from metasolve.errors import UsageError
from metasolve.petsc import launch

if TYPE_CHECKING:
    from argparse import Namespace

    from metasolve.petsc.conduct import Conduct, Watch
    from metasolve.production import journal, spool
    from metasolve.production.spool import Spool

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
        "--earlier",
        choices=("on", "off"),
        default="on",
        help="start solves from earlier solutions where that pays, or where the program does; "
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


def conduct_of(asked: Namespace, log: Path | None, kept: Kept, command: Sequence[str]) -> Conduct:
    """Return how a model is used, as the command line says."""
    from metasolve.petsc.conduct import Conduct

    state = None
    if launch.uses_prior(asked.model):
        state = kept.state_of(command)
    if asked.state_id is not None:
        state = _pinned(state, asked.state_id)
    return Conduct(
        log,
        asked.budget,
        asked.advise,
        state,
        asked.freeze or asked.state_id is not None or not kept.writable,
        reuse=asked.reuse == "on",
        earlier=asked.earlier == "on",
        canary=asked.canary,
        off=asked.off,
        deterministic=asked.deterministic,
        keep_refused=asked.keep_refused,
        keep_slow=asked.keep_slow,
    )


def is_frozen(asked: Namespace) -> bool:
    """Whether a run adds nothing to what is known."""
    return bool(asked.freeze or asked.deterministic)


def _pinned(state: Path | None, name: str) -> Path:
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
    if launch.is_of_program(asked.model):
        from metasolve.program.production import run_program

        return run_program(asked.model, command, features=asked.feature, log=asked.log)
    if launch.is_off():
        launch.say("METASOLVE_OFF is set, so the command runs as without us")
        return launch.call(command, {})
    kept = Kept.of(asked.state, writes=asked.log is None or not is_frozen(asked))
    kept.take_up()
    with contextlib.ExitStack() as stack:
        place = _spool(asked.log)
        if place is not None:
            stack.callback(place.remove)
        log = asked.log or (None if place is None else place.log)
        conduct = conduct_of(asked, log, kept, command)
        conduct.launch = os.urandom(8).hex()
        run = _run(asked, conduct, kept.state_of(command) if kept.writable else None)
        if place is not None and run is not None:
            place.describe(run)
        held = {to: launch.systems_in(to) for to in conduct.gathered.values()}
        code = launch.run(command, asked.model, watch_of(asked), conduct)
        stack.pop_all()  # from here on there is something to keep
    with launch.undisturbed():
        if run is not None:
            _end(run, place, code, held)
    return code


def _spool(log: Path | None) -> Spool | None:
    """Where the journal lies meanwhile; a run can do without."""
    from metasolve.production.spool import Spool

    try:
        return Spool.made()
    except OSError as error:
        if log is None:
            launch.say(
                f"this run has no journal: no temporary file can be made ({error.strerror}); set "
                "TMPDIR to another folder, or give a --log"
            )
    return None


def _run(asked: Namespace, conduct: Conduct, file: Path | None) -> spool.Run | None:
    """What is to become of the journal, where there is one."""
    from metasolve.files.shipped import shipped
    from metasolve.production import journal, site, spool

    if conduct.log is None:
        return None
    log = Path(conduct.log)
    prior = asked.model if (asked.model / "prior.bin").is_file() else shipped()
    return spool.Run(
        log,
        journal.Mark.of(log),
        conduct.launch,
        None if conduct.freeze or conduct.deterministic else conduct.state,
        prior,
        spool.age(prior),
        site.journal_of(file) if asked.log is None and file is not None else None,
    )


def _end(run: spool.Run, place: Spool | None, code: int, held: Mapping[Path, int]) -> None:
    """Say what came of a run, and keep what it has left."""
    from metasolve.files.unwritable import full
    from metasolve.production import journal, recovery, spool

    over, unsaved = place is None or place.is_over(), recovery.Unsaved()
    found = journal.summed(run.log, unsaved.watching(run.lines))
    own_log = place is None or run.log != place.log
    if code not in (launch.NOT_FOUND, launch.NOT_EXECUTABLE) and (over or not _is_empty(found)):
        where = f"; log: {run.log}" if own_log and run.log.exists() else ""
        kept = "".join(_gathered(to, before) for to, before in held.items())
        # Of several copies in one MPI program, each before a rank, one has something to tell.
        tell = launch.say if _is_empty(found) else launch.print_error
        told = journal.told(found, code, full(run.log.parent))
        tell(f"{launch.ended(code)}{told}{kept}{where}")
    if place is None:
        return
    if not over:
        launch.say(
            "something that the command has started is still running: the next run adds what it "
            "leaves"
        )
    for told in spool.settle(place, run, unsaved) if over else ():
        launch.print_error(told)


def _is_empty(found: journal.Summary | None) -> bool:
    return found is not None and found.is_empty


def _gathered(to: Path, before: int) -> str:
    held = launch.systems_in(to)
    return f"; {held - before} systems kept in {to}, which now holds {held}"
