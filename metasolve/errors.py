"""One root exception; every message names the key, the value and the remedy."""

from __future__ import annotations

from collections.abc import Iterable


class MetasolveError(Exception):
    """Root of all errors raised by metasolve; their message is one line, whatever it quotes."""

    def __str__(self) -> str:
        return " ".join(super().__str__().splitlines())


class UsageError(MetasolveError):
    """What was asked for cannot be done; the message says what to change."""


class SpaceError(UsageError):
    """A space or a setting is malformed."""


class RecordingError(MetasolveError):
    """A recording directory cannot be read or written."""


class ModelError(MetasolveError):
    """A model directory is missing, truncated, tampered with or made for something else."""


class WorkerError(MetasolveError):
    """A worker process could not be started."""


class TrainingError(MetasolveError):
    """A training came to nothing."""


class PluginError(MetasolveError):
    """The PETSc plug-in could not be built or loaded."""


def did_you_mean(word: object, known: Iterable[object]) -> str:
    """Remedy for an unknown word: its nearest known spelling, or all that is known.

    Parameters
    ----------
    word
        What was written.
    known
        What could have been written.

    Returns
    -------
    str
        ``"did you mean 'sor'?"`` or ``"known: jacobi, sor"``.
    """
    import difflib  # here, since most commands start and end without it

    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(word), names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "known: " + (", ".join(names) or "none")
