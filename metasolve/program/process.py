"""One run in a directory of its own; afterwards no file and no process of it is left."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from metasolve.errors import UsageError
from metasolve.farm.singleton import program_environment
from metasolve.program.start import Start

_PREFIX = "metasolve-run-"
_GRACE = 2.0  # seconds between asking to stop and killing: mpiexec stops its ranks in it


@dataclass(frozen=True)
class Finished:
    """What is known of a run that has ended; its files exist only as long as its scratch does.

    Attributes
    ----------
    folder : the run's directory.
    exit_code : as a shell gives it, 128 + n after signal n; None if time ran out.
    wall, cpu : seconds; CPU time is that of all processes that were waited for.
    """

    folder: Path
    exit_code: int | None
    wall: float
    cpu: float

    @property
    def stdout(self) -> str:
        """All of standard output."""
        return _text(self.folder.parent / "stdout")

    @property
    def stderr(self) -> str:
        """All of standard error."""
        return _text(self.folder.parent / "stderr")


def _text(path: Path) -> str:
    return path.read_text(errors="replace")


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory for one run, removed afterwards whatever the program made of it."""
    top = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        (top / "run").mkdir()
        yield top / "run"
    finally:
        shutil.rmtree(top, onerror=_forced)


def _forced(_function: object, path: str, _info: object) -> None:
    """Remove what a program made read-only."""
    with contextlib.suppress(OSError):
        Path(path).parent.chmod(0o700)
        if Path(path).is_dir() and not Path(path).is_symlink():
            Path(path).chmod(0o700)
            shutil.rmtree(path, ignore_errors=True)
        else:
            Path(path).unlink()


def run(start: Start, folder: Path, limit: float) -> Finished:
    """Run a program in `folder` to its end, or for `limit` seconds.

    Standard input is empty; output goes to files next to the folder.

    Raises
    ------
    UsageError
        If the program cannot be started.
    """
    for name, text in start.files.items():
        (folder / name).write_text(text)
    for path in start.copies:
        shutil.copy2(path, folder / path.name)
    with (folder.parent / "stdout").open("wb") as out, (folder.parent / "stderr").open("wb") as err:
        began = time.perf_counter()
        try:
            child = subprocess.Popen(
                start.words,
                cwd=folder,
                env={**program_environment(os.environ, start.words), **start.environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(
                f"command: cannot start {start.words[0]!r}: {error.strerror}; correct the command"
            ) from error
        stopped, status, cpu = _wait(child, limit)
        wall = time.perf_counter() - began
    return Finished(folder, None if stopped else _code(status), wall, cpu)


def _wait(child: subprocess.Popen[bytes], limit: float) -> tuple[bool, int, float]:
    """Whether time ran out, wait status, CPU seconds; the whole session is gone afterwards."""
    done, expired = threading.Event(), threading.Event()

    def watch() -> None:
        if done.wait(limit):
            return
        expired.set()
        _signal_group(child.pid, signal.SIGTERM)
        if not done.wait(_GRACE):
            kill_session(child.pid)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    status, usage = -signal.SIGKILL, None
    try:
        _, status, usage = os.wait4(child.pid, 0)
    finally:
        done.set()
        watcher.join()
        _signal_group(child.pid, signal.SIGKILL)
        if expired.is_set() or usage is None:
            kill_session(child.pid)
        child.returncode = status if usage is not None else child.wait()
    return expired.is_set(), status, usage.ru_utime + usage.ru_stime


def _code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def kill_session(session: int) -> None:
    """Kill every process of a session, those in process groups of their own included (Linux)."""
    _signal_group(session, signal.SIGKILL)
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # pid (command) state parent group session: the command may hold anything
            if int(entry.read_text().rpartition(")")[2].split()[3]) == session:
                os.kill(int(entry.parent.name), signal.SIGKILL)


def sweep() -> None:
    """Remove what a killed training left behind: its scratch directory and what still runs in it.

    Only runs of processes that no longer exist are touched.
    """
    for top in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = top.name.removeprefix(_PREFIX).partition("-")[0]
        if not owner.isdigit() or _exists(int(owner)):
            continue
        for link in Path("/proc").glob("[0-9]*/cwd"):
            with contextlib.suppress(OSError):
                if link.readlink().is_relative_to(top):
                    os.kill(int(link.parent.name), signal.SIGKILL)
        shutil.rmtree(top, ignore_errors=True)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
