"""``metasolve``: finds the module of the command asked for, and imports no other.

``record``, ``run`` and the like stand in front of programs that may be short: they must start at
once, so they need neither typer nor numpy, torch, petsc4py nor any other command's module.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from metasolve.errors import MetasolveError, UsageError

FRONT = ("record", "run", "env", "pin")
NAMES = (
    *("init", "check", "check-gradient", "record", "train", "guess", "pin", "evaluate", "run"),
    *("env", "inspect", "space", "scaling", "doctor", "version"),
)
HELP = "Learned settings for unmodified solvers: record, train, evaluate, run."
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 2 for wrong usage, 1 for other errors."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(ended(lambda: _run(words)))


def _run(words: list[str]) -> int:
    if words and words[0] in FRONT:
        return import_module(f"metasolve.cli.{words[0]}").main(words[1:])
    from metasolve.cli.application import Commands

    words = ["version", *words[1:]] if words[:1] == ["--version"] else words
    return Commands("metasolve", HELP, NAMES, "metasolve.cli").execute(words)


def ended(run: Callable[[], int]) -> int:
    """Return what a command returns; what it raises becomes one line on stderr, and a code."""
    try:
        return run()
    except MetasolveError as error:
        sys.stderr.write(f"metasolve: {error}\n")
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        return 1
