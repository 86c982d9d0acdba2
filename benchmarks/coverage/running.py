"""Runs a program plainly, recorded or under a model; keeps what it said and how long it took."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.coverage.entry import Entry
from benchmarks.coverage.nested_log import option, solver_seconds

ACTED_ON = ("model", "second", "switched")
"""Sources of solves whose answer is not the program's own."""
METASOLVE = shutil.which("metasolve", path=str(Path(sys.executable).parent)) or "metasolve"
PYTHON = "/usr/bin/python3"
"""The Python that Debian's packages are for; ours is an environment's."""
_BUILD = "import sys; from metasolve.petsc import linked; linked.folder(sys.argv[1:])"
_LONGEST = 4_000_000
_ENVIRONMENT = {
    # Ranks share cores and memory; a serial program starts no daemon.
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_btl": "self,vader",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_ess_singleton_isolated": "1",
    "MPLBACKEND": "Agg",
    "LC_ALL": "C.UTF-8",
}


@dataclass(frozen=True)
class Ran:
    """A run that has ended.

    Attributes
    ----------
    code : its exit code; None where it was ended because it took too long.
    seconds : of the clock.
    output : what the program wrote.
    solver : seconds in solvers, by PETSc's log; None where that was not written.
    log : lines of the run log.
    said : what metasolve wrote.
    """

    code: int | None
    seconds: float
    output: str
    solver: float | None = None
    log: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""

    @property
    def ended(self) -> str:
        """Why the run is no good; empty where it is."""
        if self.code is None:
            return "did not end in time"
        return f"ended with exit code {self.code}" if self.code else ""


def words_of(entry: Entry, here: Path, ranks: int) -> list[str]:
    """Return the command of an entry, under ``mpiexec`` where there are several ranks."""
    observed = Path(__file__).with_name("observed.py")
    places = {"python": PYTHON, "here": str(here), "observed": str(observed)}
    words = [word.format(**places) for word in entry.command]
    return ["mpiexec", "-n", str(ranks), *words] if ranks > 1 else words


def build(entry: Entry, here: Path, ranks: int) -> str:
    """Compile the plug-in for the PETSc of an entry, unless that is done: no run waits for it.

    Returns
    -------
    str
        What is wrong; empty where nothing is.
    """
    words = [sys.executable, "-c", _BUILD, *words_of(entry, here, ranks)]
    environment = {**os.environ, **dict(entry.environment)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    return "".join(done.stderr.strip().splitlines()[-1:]) if done.returncode else ""


def run(
    entry: Entry,
    here: Path,
    ranks: int,
    before: Sequence[str] = (),
    limit: float | None = None,
    *,
    timed: bool = False,
) -> Ran:
    """Run an entry in a copy of its folder, so that what it writes changes no other run.

    Parameters
    ----------
    here : the folder where the program was made.
    before : words in front of the command: of metasolve.
    limit : seconds; the entry's by default.
    timed : with PETSc's log; otherwise its environment is what metasolve makes of the user's.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder, log = Path(scratch) / "run", Path(scratch) / "log.xml"
        shutil.copytree(here, folder, symlinks=True)
        words = [*before, *words_of(entry, folder, ranks)]
        code, seconds, text = _output(
            entry, words, folder, log if timed else None, limit or entry.limit
        )
        lines = text.splitlines(keepends=True)
        ours = [line for line in lines if line.startswith("metasolve: ")]
        output = "".join(line for line in lines if not line.startswith("metasolve: "))
        return Ran(code, seconds, output, solver_seconds(log), said="".join(ours))


def run_under(
    entry: Entry,
    here: Path,
    ranks: int,
    model: Path | None,
    limit: float | None = None,
    *,
    timed: bool = False,
) -> Ran:
    """Run an entry under a model; None is the prior that comes with metasolve.

    Nothing is known of the program from earlier runs.
    """
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log.jsonl"
        named = [] if model is None else [str(model)]
        words = [METASOLVE, "run", *named, "--state", "none", "--log", str(log), "--"]
        ran = run(entry, here, ranks, words, limit, timed=timed)
        text = log.read_text() if log.exists() else ""
    return Ran(ran.code, ran.seconds, ran.output, ran.solver, _lines(text), ran.said)


def _output(
    entry: Entry, words: Sequence[str], folder: Path, log: Path | None, limit: float
) -> tuple[int | None, float, str]:
    environment = {**os.environ, **_ENVIRONMENT, **dict(entry.environment)}
    if log is not None:
        given = environment.get("PETSC_OPTIONS", "")
        environment["PETSC_OPTIONS"] = f"{given} {option(log)}".strip()
    said = folder.parent / "said"
    with said.open("wb") as out:
        began = time.monotonic()
        process = subprocess.Popen(
            words,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code = _code(process, limit)
        seconds = time.monotonic() - began
    return code, seconds, said.read_bytes()[:_LONGEST].decode(errors="replace")


def _code(process: subprocess.Popen[bytes], limit: float) -> int | None:
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        return None
    finally:
        _signal(process.pid, signal.SIGKILL)  # what it left behind, too
        process.wait()
    return 128 - code if code < 0 else code  # as a shell, and metasolve, say it


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def _lines(text: str) -> list[dict[str, Any]]:
    whole = text[: text.rfind("\n") + 1]  # a torn line is of a run that was killed
    lines = [json.loads(line) for line in whole.splitlines()]
    return [line for line in lines if line["source"] not in ("run", "state")]
