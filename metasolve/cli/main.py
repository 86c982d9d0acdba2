"""``metasolve``: finds the module of the command asked for, and imports no other.

``record`` and ``run`` stand in front of programs that may be short: they must start at once, so
they import neither torch nor petsc4py, nor any other command's module.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import typer

from metasolve.errors import MetasolveError, UsageError, did_you_mean

COMMANDS = (
    *("init", "check", "check-gradient", "record", "train", "guess", "pin", "evaluate", "run"),
    *("inspect", "space", "bench", "doctor", "version"),
)
_INTERRUPTED = 130
# Older versions of typer depend on click, newer ones contain it: the class has two homes.
_ClickError = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


def application(names: Sequence[str] = COMMANDS) -> typer.Typer:
    """Build the application with the commands named, in that order."""
    app = typer.Typer(
        name="metasolve",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def metasolve() -> None:
        """Learned settings for unmodified solvers: record, train, evaluate, run."""

    for name in names:
        import_module(f"metasolve.cli.{name.replace('-', '_')}").register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: 2 for wrong usage, 1 for other errors."""
    sys.exit(_code(list(sys.argv[1:] if arguments is None else arguments)))


def _code(words: list[str]) -> int:
    try:
        if words[:1] == ["--version"]:
            words = ["version"]
        if words and not words[0].startswith("-") and words[0] not in COMMANDS:
            raise UsageError(f"no command {words[0]!r}; {did_you_mean(words[0], COMMANDS)}")
        names = [name for name in words[:1] if name in COMMANDS] or COMMANDS
        command = typer.main.get_command(application(names))
        code = command.main(words, prog_name="metasolve", standalone_mode=False)
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
