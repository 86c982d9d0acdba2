"""`OneNode`: a real SLURM of this machine alone, for as long as a test needs it.

Nothing of the machine is used but the programs: ports, keys and folders are its own, and its
daemons are children of the process that starts it, who ends them.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "srun", "sbatch", "scancel", "squeue", "sinfo")
SYSTEM = os.pathsep.join(["/usr/sbin", "/usr/local/sbin", "/sbin"])  # not in everybody's PATH
CONFIGURATION = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmUser={user}
SlurmdUser={user}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
TmpFS={folder}/tmp
SlurmdLogFile={folder}/slurmd.said
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SchedulerParameters=batch_sched_delay=0
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/completed
MpiDefault=pmix
ReturnToService=2
KillWait=10
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> list[str]:
    """Programs of SLURM and munge that are not installed."""
    return [name for name in PROGRAMS if found(name) is None]


def found(name: str) -> str | None:
    """Where a program is."""
    return shutil.which(name, path=os.environ["PATH"] + os.pathsep + SYSTEM)


class OneNode:
    """Starts when entered; left, no process of it or of its jobs remains.

    Attributes
    ----------
    environment : with which its programs are to be started.
    """

    def __init__(self) -> None:
        self._daemons: list[subprocess.Popen] = []

    def __enter__(self) -> OneNode:
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.mark = f"ONE_NODE={self.folder}"
        self.environment = {
            **os.environ,
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "ONE_NODE": str(self.folder),
        }
        try:
            self._configure()
            self._start("munged", "-F", "--force", *self._munge())
            self._wait((self.folder / "munge.socket").exists, "munged")
            self._start("slurmctld", "-D")
            self._start("slurmd", "-D", "-N", self._host())
            self._wait(lambda: "idle" in self.say("sinfo", "-h", "-o", "%T"), "the node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self.say("scancel", "--full", "--signal=KILL", "-u", str(os.getuid()))
        for daemon in reversed(self._daemons):
            _end(daemon)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def say(self, *words: str) -> str:
        """Standard output of one of SLURM's programs."""
        done = self.run(words, timeout=60)
        return done.stdout

    def run(
        self, words: Sequence[str], timeout: float = 400, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a program that talks to SLURM, such as ``sbatch --wait``."""
        return subprocess.run(
            list(words), env={**self.environment, **(env or {})}, capture_output=True,
            text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def submit(self, words: Sequence[str], env: Mapping[str, str] | None = None) -> str:
        """Submit a job script with its arguments, options of sbatch first; its number."""
        done = self.run(["sbatch", "--parsable", *words], env=env)
        if done.returncode:
            raise RuntimeError(f"sbatch: {done.stderr}")
        return done.stdout.strip()

    def state(self, job: str) -> str:
        """State in which a job ended, such as COMPLETED; empty while it has not."""
        file = self.folder / "completed"
        text = file.read_text() if file.exists() else ""
        known = re.search(rf"^JobId={job} .*JobState=(\w+)", text, re.MULTILINE)
        return known[1] if known else ""

    def ended(self, job: str, seconds: float = 600) -> str:
        """State in which a job ended, once it has."""
        self._wait(lambda: self.state(job), f"job {job}", seconds)
        return self.state(job)

    def steps(self) -> list[int]:
        """Process numbers of the daemons that hold what jobs started by srun."""
        return [pid for pid in self.processes() if re.search(r"stepd: .*\.\d+\]", _command(pid))]

    def processes(self) -> list[int]:
        """Processes of its daemons and of its jobs; programs that a test runs are none."""
        marked = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                    marked.append(int(entry.name))
        return marked

    # --- start ------------------------------------------------------------------------------

    def _configure(self) -> None:
        # tmp: PMIx names folders there after jobs, which are numbered from 1 each time, and starts
        # no rank where one is left from a job that was killed.
        for name in ("state", "spool", "tmp"):
            (self.folder / name).mkdir()
        (self.folder / "munge.key").write_bytes(secrets.token_bytes(128))
        (self.folder / "munge.key").chmod(0o400)
        controller, node = _free_ports(2)
        text = CONFIGURATION.format(
            host=self._host(), user=_user(), folder=self.folder, controller=controller, node=node,
            cpus=max(2, os.cpu_count() or 1),
        )  # fmt: skip
        (self.folder / "slurm.conf").write_text(text)

    def _munge(self) -> list[str]:
        files = {"socket": "socket", "key-file": "key", "pid-file": "pid", "seed-file": "seed"}
        words = [f"--{name}={self.folder}/munge.{end}" for name, end in files.items()]
        return [*words, f"--log-file={self.folder}/munged.log"]

    @staticmethod
    def _host() -> str:
        return socket.gethostname().split(".")[0]

    def _start(self, name: str, *words: str) -> None:
        with (self.folder / f"{name}.said").open("ab") as said:
            self._daemons.append(
                subprocess.Popen(
                    [found(name), *words],
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            )

    def _wait(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                said = [f"{each.name}: {each.read_text()[-1500:]}" for each in self._said()]
                raise TimeoutError(f"{what} is not ready after {seconds:g} s\n" + "\n".join(said))
            time.sleep(0.1)

    def _said(self) -> list[Path]:
        return sorted(self.folder.glob("*.said"))


def _end(daemon: subprocess.Popen) -> None:
    """Ask it to end; kill it where it does not."""
    daemon.terminate()
    try:
        daemon.wait(10)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""
