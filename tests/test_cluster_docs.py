"""The SLURM template of the manual works, with a stand-in for srun where there is no SLURM."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
TEMPLATE = ROOT / "docs" / "train.sbatch"
MANUAL = (ROOT / "docs" / "cluster.md").read_text()
BATCH = re.compile(r"^#SBATCH --(?P<name>[a-z-]+)=(?P<value>\S+)$")
#: What sbatch(1) calls its options; those of ours must be among them.
KNOWN = {
    "job-name", "nodes", "ntasks-per-node", "cpus-per-task", "threads-per-core", "time", "signal",
    "open-mode", "output",
}  # fmt: skip
SRUN = r"""#!/bin/bash
# Stands in for srun: the options that the template uses, then the program, by mpiexec.
while [[ $1 == --* ]]; do
  case $1 in
    --ntasks=*) ranks=${1#--ntasks=} ;;
    --cpu-bind=cores | --kill-on-bad-exit=1) ;;
    *) echo "srun: unrecognized option $1" >&2; exit 1 ;;
  esac
  shift
done
exec mpiexec -n "$ranks" "$@"
"""


def directives():
    lines = TEMPLATE.read_text().splitlines()
    return [line for line in lines if line.startswith("#SBATCH")]


def options():
    return {found["name"]: found["value"] for found in map(BATCH.match, directives())}


def test_every_directive_is_one_option_that_sbatch_knows():
    assert all(BATCH.match(line) for line in directives())
    assert set(options()) == KNOWN


def test_directives_come_before_the_first_command():
    """SLURM stops reading them there."""
    lines = TEMPLATE.read_text().splitlines()
    first = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    assert not [line for line in lines[first:] if line.startswith("#SBATCH")]
    assert lines[0] == "#!/bin/bash"


def test_slurm_warns_the_ranks_in_time_and_not_the_script():
    """Without B: the signal goes to the job's steps; the margin covers the longest call."""
    number, seconds = options()["signal"].split("@")
    assert hasattr(signal, f"SIG{number}")
    assert int(seconds) >= 60


def test_it_is_bash_and_says_how_it_is_used():
    subprocess.run(["bash", "-n", str(TEMPLATE)], check=True)
    done = subprocess.run(["bash", str(TEMPLATE)], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "usage: sbatch" in done.stderr


def test_the_manual_shows_the_template_and_its_links_lead_somewhere():
    assert "](train.sbatch)" in MANUAL
    for link in re.findall(r"\]\(([^)#]+)", MANUAL):
        assert "://" in link or (ROOT / "docs" / link).exists(), link


@pytest.fixture(scope="module")
def recording(host, tmp_path_factory):
    """A recording of a few small systems."""
    pytest.importorskip("petsc4py")
    pytest.importorskip("mpi4py")
    if shutil.which("mpicc") is None or shutil.which("mpiexec") is None:
        pytest.skip("programs are compiled and started by MPI's tools")
    if not (BIN / "metasolve").exists():
        pytest.skip("metasolve is not installed next to this interpreter")
    from metasolve.petsc.recording import record

    folder = tmp_path_factory.mktemp("cluster") / "recording"
    record(host("two_ksps"), folder)
    return folder


@pytest.fixture
def job(tmp_path, recording):
    """`job(*options)`: the command that runs the template, and the environment a job would have."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "srun").write_text(SRUN)
    (programs / "srun").chmod(0o755)
    environment = {
        "PATH": os.pathsep.join([str(programs), str(BIN), os.environ["PATH"]]),
        "SLURM_NTASKS": "2",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMPI_MCA_hwloc_base_binding_policy": "none",
        "OMPI_MCA_mpi_yield_when_idle": "1",
    }

    def words(*more):
        return ["bash", str(TEMPLATE), str(recording), str(tmp_path / "model"), *more], environment

    return words


def events(folder):
    """Complete lines of the log of a training, which may be running."""
    file = folder / "events.jsonl"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return [json.loads(line) for line in lines]


def evaluations(folder):
    return sum(each["event"] == "evaluation" for each in events(folder))


def processes_of(job):
    """What srun would signal: everything in the job but the launcher, workers included."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            parents[int(status.parent.name)] = int(
                re.search(r"PPid:\s+(\d+)", status.read_text())[1]
            )
    family = [job]
    for pid in family:
        family += [child for child, parent in parents.items() if parent == pid]
    return family[1:]


def wait_for(condition, process, seconds=400.0):
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


@pytest.mark.slow
def test_a_job_that_is_signalled_ends_well_and_the_next_one_finishes(job, tmp_path, run_program):
    """SIGUSR1: exit 0, evaluations kept; again: finished; a third time: nothing left to do."""
    model = tmp_path / "model"
    command, environment = job("--calls", "40", "--measure", "iterations")
    with (tmp_path / "said.txt").open("w") as said:
        first = subprocess.Popen(
            command, env={**os.environ, **environment}, stdout=said, stderr=said,
            start_new_session=True,
        )  # fmt: skip
        try:
            wait_for(lambda: evaluations(model) >= 8, first)
            for pid in processes_of(first.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGUSR1)
            code = first.wait(timeout=120)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(first.pid, signal.SIGKILL)
    assert code == 0, (tmp_path / "said.txt").read_text()
    kept = evaluations(model)
    assert kept < 40
    assert not (model / "model.json").exists()
    done = run_program(command, env=environment, timeout=400)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("model: ") == 1  # one rank speaks
    assert events(model)[-1]["event"] == "finished"
    assert 40 >= evaluations(model) > kept
    before = (model / "events.jsonl").read_bytes()
    again = run_program(command, env=environment, timeout=120)
    assert again.returncode == 0, again.stderr
    assert (model / "events.jsonl").read_bytes() == before
