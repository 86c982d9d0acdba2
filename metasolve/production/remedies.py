"""What to do about the reasons of a journal: of solves left alone, and of failed attempts."""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType

_WHOLE = "Make the run a whole program where these are what takes the time."
#: As the manual has it in docs/how-to/troubleshooting.md; a test holds them together.
REMEDIES = MappingProxyType(
    {
        # Your KSP or your operator cannot be acted on
        "a fixed number of iterations without norm": (
            "Nothing, if it is meant so. Else give it a norm: -ksp_norm_type unpreconditioned."
        ),
        "a convergence test that may look at more than norm, iteration and solution": (
            "Nothing. Make the run a whole program if it is worth it."
        ),
        "converges by number of iterations": (
            "Leave the option out if the tolerance is what you want."
        ),
        "diagonally scaled operator": "Leave the option out.",
        "guess from the program's preconditioner": "Leave the option out.",
        "singular values are asked for": "Leave the option out in production.",
        "the program's preconditioner transforms the system": (
            "Use another preconditioner, such as sor."
        ),
        "no operator yet": "It is an error of the program.",
        "a direct solve with another matrix than the operator": (
            "Nothing; a Krylov method around the factor (-ksp_type gmres) is acted on."
        ),
        "the operator has no product with a vector, or another size than the preconditioning "
        "matrix": "It is an error of the program.",
        "the preconditioning matrix is no assembled, square AIJ, BAIJ, SBAIJ or nested matrix": (
            "Use -mat_type aij where the program lets you; give a matrix-free operator an "
            "assembled matrix to precondition with (-snes_mf_operator instead of -snes_mf)."
        ),
        "the vectors are nested ones": (
            "Give the solver plain vectors, such as those that MatCreateVecs makes."
        ),
        "the right-hand side is zero, or too small to be relative to": "Nothing.",
        "the norm of the right-hand side is not finite": (
            "Look for the error in the program; it fails under its own settings, too."
        ),
        "monitors that may ask for more than norms, or a history of errors": (
            "Leave the monitor out in production. -ksp_monitor is fine, and so is a monitor of "
            "your own that looks at nothing but the norm."
        ),
        "a viewer shows the program's preconditioner, which has to be set up": (
            "Leave the viewer out in production."
        ),
        # The model does not want to, or may not
        "rows seem to be in different units: the program's own answers are looked at first": (
            "Nothing; others are tried once your own settings have answered."
        ),
        "products with the operator are not exact: the program's own answers are looked at first": (
            "Nothing; others are tried once your own settings have answered."
        ),
        "there is no model": "As that line says.",
        "the model found the program's own settings best": (
            "Nothing; or train with more --calls, or with another --space."
        ),
        "this class of operators is turned off": "Nothing; or run without --off.",
        "so small that a look at it would cost too much": (
            "Nothing. If the solve turns out to take long, the features are computed in between."
        ),
        "unfamiliar": "Record such systems as well (into the same directory), and train again.",
        "no other settings are expected to gain enough": (
            "Nothing. With a model of your own, if you know better: train with more calls, or with "
            "a lower --risk."
        ),
        "only advice was asked for": "Run without --advise.",
        "paused after attempts that failed or took too long": (
            "Read the why of the fallback lines before. With a model of your own: record and train "
            "again if the program has changed."
        ),
        "the program's own settings are measured now and then": "Nothing.",
        "another attempt might cost more than was gained so far": (
            "Nothing; it recovers by time. With a model of your own: train again if most lines are "
            "so."
        ),
        "the set-up is expected to take longer than a solve may, as it did before": (
            "Nothing; or raise --budget if you accept it."
        ),
        "the set-up might need more memory than there is": (
            "Nothing. With a model of your own: train again, with factorisations left out of the "
            "space."
        ),
        "the settings may give another answer in each run on several ranks": (
            "Nothing; it was asked for (--deterministic)."
        ),
        "the settings would divide by zero on this system, or not return": (
            "Look at the matrix if you did not expect that."
        ),
        "too many attempts ended in an error": (
            "Read the lines before. With a model of your own: leave the settings concerned out of "
            "the space and train again."
        ),
        # What happened to an attempt
        "the program's own settings were given up": "Nothing.",
        "own and chosen settings failed": (
            "Look at the system and at your tolerances: your program has got no answer here."
        ),
        "the settings cannot be set up": (
            "Nothing, if it is rare. With a model of your own: train with the PETSc that the "
            "program runs."
        ),
        "DIVERGED_PC_FAILED: the preconditioner could not be computed": "Nothing, if it is rare.",
        "PETSc reported an error in the solve": "Report it if it happens often.",
        "the time budget was used up": "Nothing, if it is rare. On a busy machine raise --budget.",
        "the attempt was given up": "Nothing.",
        "diverged": "Nothing, if it is rare.",
        "the program's own test does not accept the answer": "Nothing: the answer was not used.",
        "the true residual is above the tolerance": "Nothing: the answer was not used.",
        # Solves without a line
        "direct solves": _WHOLE,
        "direct solves, under --direct off": "Nothing: that was asked for (--direct off).",
        "solves by a preconditioner alone": _WHOLE,
        "solves by a method without a tolerance on b - A x": _WHOLE,
        "transposed solves": _WHOLE,
        "looks at such systems have cost as much as they may": "Nothing; there is little to gain.",
        "solves with another options prefix": "Nothing: that was asked for (--only).",
        "no linear system was solved with a KSP": "Nothing: there was nothing to do.",
    }
)
OTHER = "The line names it; see troubleshooting in the manual."
_NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?")
_SECOND = "; second choice: "
#: How lines begin that tell more than the manual's word for it.
_TELLS = (
    ("unfamiliar: ", "unfamiliar"),
    ("time budget of ", "the time budget was used up"),
    ("attempt given up: ", "the attempt was given up"),
    ("the program's own settings: ", "the program's own settings were given up"),
    ("own and chosen settings failed: ", "own and chosen settings failed"),
    ("reported ", "the true residual is above the tolerance"),
    ("the norm of the right-hand side is ", "the norm of the right-hand side is not finite"),
    ("DIVERGED_", "diverged"),
)


@lru_cache(maxsize=1024)  # most lines have one of a few
def without_numbers(why: str) -> str:
    """Return a reason without what differs from solve to solve.

    >>> without_numbers("time budget of 0.02 s used up")
    'time budget of ... s used up'
    """
    first = why.partition(_SECOND)[0]
    return _NUMBER.sub("...", first)


def remedy(reason: str) -> str:
    """Return what to do about a reason.

    Parameters
    ----------
    reason
        As a journal has it, or without its numbers.
    """
    if reason in REMEDIES:
        return REMEDIES[reason]
    known = next((word for start, word in _TELLS if reason.startswith(start)), None)
    return OTHER if known is None else REMEDIES[known]
