"""The command line as an application of typer's: what is behind all commands but those in front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer

from metasolve.errors import MetasolveError, UsageError, did_you_mean

# Older versions of typer depend on click, newer ones contain it: the class has two homes.
_ClickError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


@dataclass(frozen=True)
class Commands:
    """A command line of several commands.

    Parameters
    ----------
    program : how it is started.
    help : what it is for.
    names : of its commands, in the order of the help.
    package : has a module for each, with ``register(app)``, or ``HELP`` of one in front.
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
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        app.callback(help=self.help)(lambda: None)
        for name in names or self.names:
            module = import_module(f"{self.package}.{name.replace('-', '_')}")
            if hasattr(module, "register"):
                module.register(app)
            else:
                app.command(name, help=module.HELP)(lambda: None)  # listed here, run elsewhere
        return app

    def execute(self, words: Sequence[str]) -> int:
        """Run one command; returns its code.

        Raises
        ------
        MetasolveError
            What the command raises, or wrong usage of it.
        """
        words = words or ["--help"]
        if not words[0].startswith("-") and words[0] not in self.names:
            raise UsageError(f"no command {words[0]!r}; {did_you_mean(words[0], self.names)}")
        app = self.application([name for name in words[:1] if name in self.names])
        command = typer.main.get_command(app)
        try:
            code = command.main(list(words), prog_name=self.program, standalone_mode=False)
        except _ClickError as error:
            if error.exit_code == 2:
                told = error.format_message().rstrip(".")
                name = " ".join([self.program, *(word for word in words[:1] if word in self.names)])
                raise UsageError(f"{told}; see {name} --help") from error
            raise MetasolveError(error.format_message()) from error
        except typer.Abort as error:
            raise KeyboardInterrupt from error
        return code if isinstance(code, int) else 0
