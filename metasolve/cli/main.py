"""``metasolve``: finds the module of the command asked for, and imports no other.

``record``, ``run`` and the like stand in front of programs that may be short: they must start at
once, so they need neither typer nor numpy, torch, petsc4py nor any other command's module.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import NoReturn

from metasolve.errors import MetasolveError, UsageError

FRONT = ("record", "run", "env", "pin")
NAMES = (
    *("init", "check", "check-gradient", "record", "train", "guess", "pin", "evaluate", "run"),
    *("env", "report", "inspect", "history", "rollback", "export", "forget"),
    *("space", "scaling", "doctor", "version"),
)
HELP = "Learned settings for unmodified solvers: record, train, evaluate, run."
_INTERRUPTED = 130
_EXTRAS = {"cma": "train", "optuna": "train", "scipy": "train", "torch": "train"}
_EXTRAS["matplotlib"] = "plot"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 2 for wrong usage, 1 for other errors."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    code = ended(lambda: _run(words))
    if arguments is None and words and words[0] in FRONT:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> NoReturn:
    """End without taking the interpreter apart, which takes as long as many a short program."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _run(words: list[str]) -> int:
    if words and words[0] in FRONT:
        code: int = import_module(f"metasolve.cli.{words[0]}").main(words[1:])
        return code
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
    except ModuleNotFoundError as error:
        told = _how_to_get(error.name or "")
        if told is None:
            raise
        sys.stderr.write(f"metasolve: {told}\n")
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:  # a folder that was named, and is none
        from metasolve.files.unwritable import one_line, remedy

        if not isinstance(error.filename, (str, os.PathLike)):
            raise  # of a pipe, say
        sys.stderr.write(
            f"metasolve: {one_line(error.filename)}: {error.strerror}; {remedy(error)}\n"
        )
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED


def _how_to_get(module: str) -> str | None:
    """Say how to get a library that is left out on purpose; None of any other."""
    name = module.partition(".")[0]
    if name in _EXTRAS:
        return f"this needs {name}: {sys.executable} -m pip install 'metasolve[{_EXTRAS[name]}]'"
    if name in ("petsc4py", "mpi4py"):
        return (
            f"this needs {name}, which {sys.executable} does not have: install metasolve for the "
            f"Python that has it (Debian, Ubuntu: apt-get install python3-{name}), or build it "
            f"for this one against the PETSc of your program: pip install {name}"
        )
    return None
