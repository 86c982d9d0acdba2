"""Lines of journals, made up: what a test says of a solve, and the rest as it usually is."""

import json

CLASS = "- 8192 1 2 1"


def head(run="r", program="app", time=100.0, state="", version=1):
    return {
        "source": "run", "version": version, "run": run, "time": time, "host": "here",
        "program": program, "ranks": 1, "state": state, "launch": "",
    }  # fmt: skip


def solve(taken=1.0, own=None, expected=None, number=1, **more):
    return {
        "run": "r", "time": 100.0 + number, "solve": number, "prefix": "", "rows": 7000, "ranks": 1,
        "source": "model", "why": "", "class": CLASS, "settings": {"ksp_type": "cg"},
        "candidate": "cg+jacobi", "foreseen": 0.1, "preconditioner": "",
        "own_expected": expected, "own_taken": own,
        "seconds": {"decision": 0.0, "total": taken}, "account": {"own": 1.0, "taken": 1.0},
        **more, "learned": {"account": [1.0, 1.0], "seen": {}},
    }  # fmt: skip


def write(path, *lines):
    path.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    return path
