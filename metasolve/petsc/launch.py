"""Start an unmodified program with the plug-in: only its environment differs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from metasolve.errors import ModelError, UsageError
from metasolve.files.atomic import read_regular
from metasolve.files.shipped import shipped
from metasolve.files.strict_json import parse_object
from metasolve.files.unwritable import one_line
from metasolve.petsc import remembered
from metasolve.petsc.conduct import Conduct, Watch
from metasolve.petsc.petsc_options import check_not_hidden, with_plugin
from metasolve.petsc.writable import check_log, check_recording

MANIFEST = "manifest.jsonl"  # of a recording: the plug-in's name for it
NOT_FOUND, NOT_EXECUTABLE = 127, 126
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


#: Variables in which Open MPI, MPICH (and its kin) and SLURM tell a process its rank.
RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID")

_EVERYTHING = Watch()


def record(command: Sequence[str], out: str | os.PathLike[str], watch: Watch = _EVERYTHING) -> int:
    """Run `command` as it is, and record the systems it solves in directory `out`.

    Parameters
    ----------
    command
        Program and arguments, an ``mpiexec`` included.
    out
        Recording directory; created, or appended to.
    watch
        What to record.

    Returns
    -------
    int
        The command's exit code; 127 if it is not found, 126 if it cannot be executed, 128 + n if
        signal n ended it.

    Raises
    ------
    UsageError
        If the command is empty or overrides the plug-in, or `out` cannot be written.
    PluginError
        If the plug-in cannot be built.
    """
    directory = Path(out).absolute()
    check_recording(directory)
    variables = {"METASOLVE_MODE": "record", "METASOLVE_DIR": str(directory)}
    return call(command, {**variables, **watch.environment(), **_left(watch, directory)})


def _left(watch: Watch, directory: Path) -> dict[str, str]:
    """What may still be recorded: the plug-in counts only what it writes itself."""
    left = {}
    if watch.max_systems is not None:
        left["METASOLVE_MAX_SYSTEMS"] = watch.max_systems - systems_in(directory)
    if watch.max_bytes is not None:
        used = sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())
        left["METASOLVE_MAX_BYTES"] = watch.max_bytes - used
    return {key: str(max(value, 0)) for key, value in left.items()}


def systems_in(directory: Path) -> int:
    """Return how many systems a recording holds, without reading what they are."""
    manifest = directory / MANIFEST
    return manifest.read_bytes().count(b'"kind":"solve"') if manifest.is_file() else 0


_QUIETLY = Conduct()


def run(
    command: Sequence[str],
    model: str | os.PathLike[str],
    watch: Watch = _EVERYTHING,
    conduct: Conduct = _QUIETLY,
) -> int:
    """Run `command` as it is, with the settings that the model in directory `model` chooses.

    Returns
    -------
    int
        The command's exit code, as `record` has it.

    Raises
    ------
    UsageError
        If the command is empty or overrides the plug-in, or the log cannot be written.
    ModelError
        If `model` holds no model.
    PluginError
        If the plug-in cannot be built.
    """
    return call(command, _of_run(model, watch, conduct))


def is_off() -> bool:
    """Whether ``METASOLVE_OFF`` is set: the plug-in does nothing then."""
    return os.environ.get("METASOLVE_OFF", "0") not in ("", "0")


def environment(
    model: str | os.PathLike[str], watch: Watch = _EVERYTHING, conduct: Conduct = _QUIETLY
) -> dict[str, str]:
    """Return the variables with which any program runs as under `run`.

    Raises
    ------
    UsageError, ModelError, PluginError
        As `run`; or if `model` is of a whole program, which needs more than variables.
    """
    if is_of_program(model):
        told = f"{model} is of a whole program: start it with metasolve run {model} -- ..."
        raise UsageError(told)
    return {**_of_run(model, watch, conduct), **_with_plugin(())}


def check_model(directory: Path) -> None:
    """Raise a `ModelError` where a directory holds neither a model nor a prior."""
    remedy = "give a directory made by metasolve train"
    if not directory.is_dir():
        what = "is not a directory" if directory.exists() else "is not there"
        raise ModelError(f"{one_line(directory)} {what}: {remedy}")
    if not any((directory / name).is_file() for name in ("policy.txt", "prior.bin")):
        raise ModelError(f"{one_line(directory)} holds no policy.txt: {remedy}")


def is_of_program(model: str | os.PathLike[str]) -> bool:
    """Whether a model directory is of a whole program rather than of recorded systems."""
    try:
        return "case" in parse_object(read_regular(Path(model) / "model.json"))
    except (OSError, ValueError):
        return False


def uses_prior(model: str | os.PathLike[str]) -> bool:
    """Whether the prior may choose in a run with a model: not where its settings are constant."""
    try:
        return parse_object(read_regular(Path(model) / "model.json")).get("kind") != "constant"
    except (OSError, ValueError):
        return True


def _of_run(model: str | os.PathLike[str], watch: Watch, conduct: Conduct) -> dict[str, str]:
    directory = Path(model).absolute()
    check_model(directory)
    if conduct.log is not None:
        check_log(Path(conduct.log).absolute())
    for to in conduct.gathered.values():
        check_recording(to.absolute())
    variables = {"METASOLVE_MODE": "run", "METASOLVE_DIR": str(directory)}
    variables["METASOLVE_PRIOR"] = str(shipped())
    return {**variables, **watch.environment(), **conduct.environment()}


def _with_plugin(command: Sequence[str]) -> dict[str, str]:
    library = remembered.build(command, print_error)
    return with_plugin(os.environ.get("PETSC_OPTIONS", ""), library, command)


def call(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run `command` with the plug-in; stdio, arguments and exit code are its own."""
    if not command:
        raise UsageError("no command given: put it after --, as in: -- mpiexec -n 2 ./app -flags")
    environment = dict(os.environ)
    if not is_off():
        check_not_hidden(command, os.environ)
        environment |= {**variables, **_with_plugin(command)}
    try:
        child = started(command, env=environment)
    except FileNotFoundError:
        print_error(f"{one_line(command[0])}: command not found")
        return NOT_FOUND
    except OSError as error:
        print_error(f"{one_line(command[0])}: {error.strerror}")
        return NOT_EXECUTABLE
    with forwarded_to(child):
        code = child.wait()
    return 128 - code if code < 0 else code


def started(command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
    """Start a command, which has our open files as from a shell: MPI may have left one for it."""
    return subprocess.Popen(list(command), close_fds=False, **how)


def ended(code: int) -> str:
    """Say how a command ended that failed, to begin a line with; of one that did not, nothing."""
    if code <= 0:
        return ""
    number = code - 128  # as a shell tells of a signal; the command may have done so, too
    known = number in set(signal.Signals)
    sign = f", which stands for {signal.Signals(number).name}" if known else ""
    return f"the command ended with exit code {code}{sign}; "


@contextlib.contextmanager
def forwarded_to(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass signals on, except those the terminal sends to its whole group, child included."""

    def forward(number: int, _frame: object) -> None:
        typed = number in (signal.SIGINT, signal.SIGQUIT)
        if child.poll() is None and not (typed and _in_foreground()):
            child.send_signal(number)

    before = {number: signal.signal(number, forward) for number in FORWARDED}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Hold back what asks to stop, while what a command has left is written: that is soon over."""
    held = (number for number in FORWARDED if number != signal.SIGQUIT)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in held}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def is_another() -> bool:
    """Whether this process stands before another rank than the first of an MPI program."""
    first = next((os.environ[name] for name in RANKS if name in os.environ), "0")
    return first.isdecimal() and int(first) > 0


def say(message: str) -> None:
    """Print one line on stderr, once where several processes would."""
    if not is_another():
        print_error(message)


def _in_foreground() -> bool:
    with contextlib.suppress(OSError):
        terminal = os.open("/dev/tty", os.O_RDONLY)
        try:
            return os.tcgetpgrp(terminal) == os.getpgrp()
        finally:
            os.close(terminal)
    return False


def print_error(message: str) -> None:
    """Print one line on stderr, as a shell would."""
    os.write(2, f"metasolve: {message}\n".encode(errors="surrogateescape"))
