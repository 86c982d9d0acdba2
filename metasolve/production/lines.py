"""The fields of a journal's lines, in their order, as `journal.c` of the plug-in writes them."""

from __future__ import annotations

HEAD = (
    *("source", "version", "run", "time", "host", "program", "ranks", "state", "launch", "canary"),
    "clock",
)
SECONDS = ("decision", "guess", "own", "setup", "solve", "verify", "fallback", "total")
SOLVE = (
    *("run", "time", "solve", "prefix", "rows", "ranks", "source", "why", "class", "settings"),
    *("candidate", "foreseen", "unused", "preconditioner", "moved", "probe"),
    *("new_operator", "reason", "iterations", "true_residual", "tolerance", "contract", "measure"),
    *("start", "guess", "own_expected", "own_taken", "canary", "seconds", "account", "learned"),
)
STATE = ("run", "time", "source", "before", "state")
ROLLBACK = ("time", "source", "before", "state")
LEFT = ("run", "time", "source", "why", "solves")
