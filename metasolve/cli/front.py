"""Commands that stand in front of a program, and must start at once: argparse is enough for them.

Such a module has ``parser()`` and ``main(words)``; the program's command is what follows ``--``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from metasolve.errors import UsageError, did_you_mean

COMMAND = "-- COMMAND"
_AFTER = "put the command after --"


class Parser(argparse.ArgumentParser):
    """Parser whose errors are `UsageError`; says which option was meant.

    Parameters
    ----------
    name, help : of the command.
    """

    def __init__(self, name: str, help: str) -> None:  # noqa: A002 (as argparse calls it)
        super().__init__(
            prog=f"metasolve {name}",
            description=help,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )

    def error(self, message: str) -> NoReturn:
        """Wrong usage."""
        raise UsageError(f"{message}; see {self.prog} --help")

    def read(self, words: Sequence[str], remedy: str = "") -> argparse.Namespace:
        """Read the words of the command line.

        Parameters
        ----------
        remedy
            For a word too many; default: see the help.

        Raises
        ------
        UsageError
            If one is missing, unknown or makes no sense.
        """
        found, unknown = self.parse_known_args(words)
        remedy = remedy or f"see {self.prog} --help"
        if unknown and not unknown[0].startswith("-"):
            raise UsageError(f"{unknown[0]!r} is one word too many; {remedy}")
        if unknown:
            options = [name for action in self._actions for name in action.option_strings]
            meant = did_you_mean(unknown[0], options)
            raise UsageError(f"no such option: {unknown[0]}; {meant}; {remedy}")
        return found

    def read_with_command(self, words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """Read the words before ``--``; return what they say, and the program's command.

        Raises
        ------
        UsageError
            As for `read`, or if there is no command.
        """
        words = list(words)
        end = words.index("--") if "--" in words else len(words)
        found, command = self.read(words[:end], _AFTER), words[end + 1 :]
        if not command:
            raise UsageError(f"missing COMMAND: {self.prog} ... -- ./app -flags")
        return found, command

    def add_watched(self) -> None:
        """Add the option that names one KSP."""
        told = (
            "only the KSP with this options prefix; may be repeated; default: every outermost KSP"
        )
        self.add_argument("--prefix", "--only", action="append", metavar="PREFIX", help=told)
        told = "direct solves too, or leave them alone; default: on"
        self.add_argument("--direct", choices=("on", "off"), default="on", help=told)

    def add_seed(self) -> None:
        """Add the option that every command has."""
        told = "accepted by every command; nothing is random in this one"
        self.add_argument("--seed", type=int, help=told)


def prefixes(asked: argparse.Namespace) -> str | None:
    """Return the options prefixes that are meant, with commas between them; None: all."""
    return None if asked.prefix is None else ",".join(asked.prefix)


def positive(text: str) -> int:
    """Read a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
