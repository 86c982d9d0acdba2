"""``metasolve``: finds the module of the command asked for, and imports no other.

``record`` and ``run`` stand in front of programs that may be short: they must start at once, so
they import neither torch nor petsc4py, nor any other command's module.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import typer

from metasolve.errors import MetasolveError, UsageError, did_you_mean

_INTERRUPTED = 130
# Older versions of typer depend on click, newer ones contain it: the class has two homes.
_ClickError = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


@dataclass(frozen=True)
class Commands:
    """A command line of several commands.

    Parameters
    ----------
    program : how it is started.
    help : what it is for.
    names : of its commands, in the order of the help.
    package : has a module for each, with ``register(app)``.
    """

    program: str
    help: str
    names: tuple[str, ...]
    package: str

    def application(self, names: Sequence[str] = ()) -> typer.Typer:
        """Build the application with the commands named, or all, in that order."""
        app = typer.Typer(
            name=self.program,
            add_completion=False,
            no_args_is_help=True,
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        app.callback(help=self.help)(lambda: None)
        for name in names or self.names:
            import_module(f"{self.package}.{name.replace('-', '_')}").register(app)
        return app


COMMANDS = Commands(
    "metasolve",
    "Learned settings for unmodified solvers: record, train, evaluate, run.",
    (
        *("init", "check", "check-gradient", "record", "train", "guess", "pin", "evaluate", "run"),
        *("inspect", "space", "scaling", "doctor", "version"),
    ),
    "metasolve.cli",
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 2 for wrong usage, 1 for other errors."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(execute(COMMANDS, ["version", *words[1:]] if words[:1] == ["--version"] else words))


def execute(commands: Commands, words: list[str]) -> int:
    """Run one command; returns its code."""
    known = commands.names
    try:
        if words and not words[0].startswith("-") and words[0] not in known:
            raise UsageError(f"no command {words[0]!r}; {did_you_mean(words[0], known)}")
        app = commands.application([name for name in words[:1] if name in known])
        command = typer.main.get_command(app)
        code = command.main(words, prog_name=commands.program, standalone_mode=False)
    except MetasolveError as error:
        return _say(str(error), 2 if isinstance(error, UsageError) else 1)
    except _ClickError as error:
        return _say(error.format_message(), error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        return 1
    return code if isinstance(code, int) else 0


def _say(message: str, code: int) -> int:
    if message:
        sys.stderr.write("metasolve: " + " ".join(message.split("\n")) + "\n")
    return code
