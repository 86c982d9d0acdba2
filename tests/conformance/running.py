"""Runs a program without metasolve, recorded, or under a model, and keeps all it said."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from petsc_build import executable
from petsc_cases import Case, Examples
from pins import METASOLVE

from metasolve.production import journal

PLAIN, RECORD = "plain", "record"
ACCEPTED = ("model", "second", "switched")  # sources of solves that are not the program's own
_LONGEST = 2_000_000  # characters of output that are kept
#: Whatever leaks, is left over or fails is to be printed.
PETSC_OPTIONS = "-check_pointer_intensity 0 -error_output_stdout -malloc_dump -options_left"
#: Ranks share cores and memory, and a serial program starts no daemon.
OPEN_MPI = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_btl": "self,vader",
    "OMPI_MCA_btl_vader_single_copy_mechanism": "none",
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_ess_singleton_isolated": "1",
}


@dataclass(frozen=True)
class Ran:
    """A run that has ended.

    Attributes
    ----------
    code : its exit code; None where it was ended because it took too long.
    seconds : of the clock.
    output : what it and MPI wrote, without what metasolve adds.
    log : lines of the run log.
    recorded : lines of a recording's manifest.
    said : what metasolve wrote.
    """

    code: int | None
    seconds: float
    output: str
    log: list[dict[str, Any]] = field(default_factory=list)
    recorded: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""

    @property
    def accepted(self) -> int:
        """Solves whose answer is that of an attempt."""
        return sum(line["source"] in ACCEPTED for line in self.log)


def run(
    words: Sequence[str],
    way: str | Path,
    folder: Path,
    limit: float = 60.0,
    environment: Mapping[str, str] | None = None,
) -> Ran:
    """Run a command in a folder of its own.

    Parameters
    ----------
    words : program and arguments, under ``mpiexec`` where there are several ranks.
    way : `PLAIN`, `RECORD`, or a model.
    folder : its working directory, which is made; log and recording lie beside it.
    limit : seconds; then everything that it started is killed.
    environment : variables to add.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log, recording = folder.with_suffix(".jsonl"), folder.with_suffix(".recording")
    log.unlink(missing_ok=True)
    shutil.rmtree(recording, ignore_errors=True)
    before = {
        PLAIN: [],
        RECORD: [METASOLVE, "record", "-o", str(recording), "--"],
    }.get(way, [METASOLVE, "run", str(way), "--log", str(log), "--"])
    code, seconds, text = _output([*before, *words], folder, limit, environment or {})
    lines = text.splitlines(keepends=True)
    ours = [line for line in lines if line.startswith("metasolve: ")]
    output = "".join(line for line in lines if line not in ours)
    recorded = _lines(recording / "manifest.jsonl")
    return Ran(code, seconds, output, journal.solves(log), recorded, "".join(ours))


def _output(
    words: Sequence[str], folder: Path, limit: float, environment: Mapping[str, str]
) -> tuple[int | None, float, str]:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        said = Path(scratch) / "said"
        with said.open("wb") as out:
            process = subprocess.Popen(
                ["nice", *words],
                cwd=folder,
                env={**os.environ, "TMPDIR": scratch, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            code = _ended(process, limit)
        text = said.read_bytes()[:_LONGEST].decode(errors="replace")
    return code, round(time.monotonic() - began, 2), text


def _ended(process: subprocess.Popen, limit: float) -> int | None:
    try:
        code = process.wait(limit)
        return 128 - code if code < 0 else code  # as a shell, and metasolve, say it
    except subprocess.TimeoutExpired:
        _signal(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2)
        return None
    finally:
        _signal(process.pid, signal.SIGKILL)  # what it left behind, too
        process.wait()


def _signal(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def run_case(
    case: Case, examples: Examples, built: Path, way: str | Path, folder: Path, limit: float = 60.0
) -> Ran:
    """Run one of PETSc's tests, with the files it needs in its folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in case.files:
        source, copy = case.source.parent / name, folder / name
        if source.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, copy)
    root = str(examples.petsc_dir)
    program = str(executable(case, examples, built))
    arguments = re.sub(r"\$\{?w?PETSC_DIR\}?", root, case.arguments)
    launched = f"mpiexec --oversubscribe -n {case.ranks} " if case.ranks > 1 else ""
    # Of the program alone: what metasolve finds PETSc by is the user's.
    assigned = f"env PETSC_DIR={root} wPETSC_DIR={root} {case.environment} "
    # The arguments of a TEST block are a shell's words.
    command = ["bash", "-c", f"exec {assigned}{launched}{program} {arguments}"]
    environment = {
        **OPEN_MPI,
        "LC_ALL": "C",
        "PETSC_OPTIONS": PETSC_OPTIONS,
    }
    return run(command, way, folder, limit, environment)
