"""Where what runs leave is kept: what `--state` says."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from metasolve.errors import UsageError

NOTHING = "none"  #: of --state: nothing is kept


class Kept(NamedTuple):
    """Where states and journals are kept.

    Parameters
    ----------
    folder
        None: there is none.
    writable
        Otherwise what is there is used, and stays as it is.
    """

    folder: Path | None
    writable: bool

    @classmethod
    def of(cls, asked: str | None, *, writes: bool = True) -> Kept:
        """Return what `--state` says; where nobody named a place, it may be out of reach.

        Parameters
        ----------
        writes
            Whether the run leaves anything there: what it only reads may be somebody else's.

        Raises
        ------
        UsageError
            If the folder that was named cannot be written.
        """
        from metasolve.petsc import launch
        from metasolve.production import site

        if asked == NOTHING:
            return cls(None, writable=False)
        folder = site.folder() if asked is None else Path(asked)
        if not writes:
            return cls(folder, writable=False)
        try:
            return cls(site.made(folder), writable=True)
        except OSError as error:
            told = f"{folder} cannot be written ({error.strerror})"
            if asked is not None:
                raise UsageError(
                    f"--state {told}: give a folder that can be, or --state none"
                ) from error
            launch.say(
                f"nothing of this run is kept: {told}; set XDG_STATE_HOME to a folder that can "
                "be, or give a --state DIR"
            )
            return cls(folder if folder.is_dir() else None, writable=False)

    def state_of(self, command: Sequence[str]) -> Path | None:
        """Return the file of a program's state; None: there is none."""
        from metasolve.production import site

        return None if self.folder is None else site.file_of(command, self.folder)

    def take_up(self) -> None:
        """Add what runs have left that were killed."""
        from metasolve.production import spool

        if self.folder is not None and self.writable:
            spool.take_up(self.folder)
