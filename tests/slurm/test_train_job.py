"""docs/how-to/train.sbatch under a real SLURM: the model of mpiexec, whatever happens to a job."""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
TEMPLATE = ROOT / "docs" / "how-to" / "train.sbatch"
#: Flops are counted within one preconditioner, and the same each time: so is what is learned.
SPACE = """\
[fixed]
pc_type = "sor"

[[setting]]
type = "choice"
name = "ksp_type"
values = ["cg", "gmres"]
default = "gmres"

[[setting]]
type = "real"
name = "pc_sor_omega"
low = 0.2
high = 1.9
default = 1.0
"""
OPTIONS = ["--measure", "flops", "--seed", "3"]
CALLS = 60
WORKER = f"{sys.executable}\0-m\0metasolve.farm.worker".encode()
ALWAYS_TIMED = ("expected ", "sha256 ")  # lines of policy.txt: seconds, and a checksum over them

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recording(host, tmp_path_factory):
    pytest.importorskip("petsc4py")
    pytest.importorskip("mpi4py")
    if shutil.which("mpicc") is None or not (BIN / "metasolve").exists():
        pytest.skip("the plug-in is compiled, and metasolve is called by its name")
    from metasolve.petsc.recording import record

    folder = tmp_path_factory.mktemp("slurm")
    (folder / "space.toml").write_text(SPACE)
    record([*host("time_steps"), "-n", "12", "-changing_steps", "4"], folder / "recording")
    return folder / "recording"


def words(recording, model, calls=CALLS):
    space = ["--space", str(recording.parent / "space.toml")]
    return [str(recording), str(model), *space, *OPTIONS, "--calls", str(calls)]


@pytest.fixture
def submit(slurm, recording, tmp_path):
    """`submit(model, *options of sbatch)`: the template as a job of 2 ranks; returns its number."""

    def job(model, *options, env=None, calls=CALLS):
        said = ["--ntasks-per-node=2", "--time=10", f"--output={tmp_path}/%j.log", *options]
        path = {"PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]), **(env or {})}
        return slurm.submit([*said, str(TEMPLATE), *words(recording, model, calls)], env=path)

    return job


@pytest.fixture(scope="module")
def straight(recording, run_program, tmp_path_factory):
    """The model of `mpiexec -n 2`."""
    model = tmp_path_factory.mktemp("straight") / "model"
    source, out, *more = words(recording, model)
    done = run_program([BIN / "metasolve", "train", source, "-o", out, *more], ranks=2, timeout=400)
    assert done.returncode == 0, done.stderr
    return learned(model)


def learned(model):
    """What of a model no clock decides."""
    policy = (model / "policy.txt").read_text().splitlines()
    kept = [line for line in policy if not line.startswith(ALWAYS_TIMED)]
    return (model / "weights.safetensors").read_bytes(), kept


def evaluations(model):
    """Of the log of a training, which may be running."""
    file = model / "events.jsonl"
    lines = file.read_text().split("\n")[:-1] if file.exists() else []
    return sum(json.loads(line)["event"] == "evaluation" for line in lines)


def until(condition, seconds=600.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    assert condition()


@pytest.fixture
def at_work(slurm, tmp_path):
    """`at_work(job, model, count)`: wait until so many evaluations of a running job are logged."""

    def wait(job, model, count):
        until(lambda: evaluations(model) >= count or slurm.state(job))
        assert not slurm.state(job), log(tmp_path, job)

    return wait


def log(tmp_path, job):
    return (tmp_path / f"{job}.log").read_text()


def test_a_job_learns_what_mpiexec_learns(slurm, submit, straight, tmp_path):
    job = submit(tmp_path / "model")
    assert slurm.ended(job) == "COMPLETED", log(tmp_path, job)
    assert learned(tmp_path / "model") == straight
    assert log(tmp_path, job).count("model: ") == 1  # one rank speaks
    before = (tmp_path / "model" / "events.jsonl").read_bytes()
    again = submit(tmp_path / "model")
    assert slurm.ended(again) == "COMPLETED", log(tmp_path, again)
    assert (tmp_path / "model" / "events.jsonl").read_bytes() == before


def test_a_job_that_is_signalled_ends_well_and_the_next_one_finishes(
    slurm, submit, at_work, straight, tmp_path
):
    model = tmp_path / "model"
    first = submit(model)
    at_work(first, model, 10)
    slurm.say("scancel", "--signal=USR1", first)
    assert slurm.ended(first) == "COMPLETED", log(tmp_path, first)
    assert "the same command goes on from there" in log(tmp_path, first)
    assert evaluations(model) < CALLS
    assert not (model / "model.json").exists()
    second = submit(model)
    assert slurm.ended(second) == "COMPLETED", log(tmp_path, second)
    assert learned(model) == straight


def test_a_killed_step_daemon_costs_the_job_and_nothing_that_was_logged(
    slurm, submit, at_work, straight, tmp_path
):
    """Its ranks end, but srun is not told: the job waits until somebody cancels it."""
    model = tmp_path / "model"
    first = submit(model)
    at_work(first, model, 10)
    for pid in slurm.steps():
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(command(pid).startswith(WORKER) for pid in slurm.processes()))
    slurm.say("scancel", first)
    assert slurm.ended(first) == "CANCELLED"
    kept = evaluations(model)
    assert not (model / "model.json").exists()
    second = submit(model)
    assert slurm.ended(second) == "COMPLETED", log(tmp_path, second)
    assert evaluations(model) > kept
    assert learned(model) == straight


def command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_a_time_limit_loses_nothing_that_was_logged(slurm, submit, at_work, tmp_path):
    """A minute is the least that SLURM limits; ranks get SIGTERM, and end well in KillWait."""
    model = tmp_path / "model"
    first = submit(model, "--time=1", "--signal=USR1@0", calls=20_000)
    assert slurm.ended(first) == "TIMEOUT", log(tmp_path, first)
    kept = evaluations(model)
    assert kept > 0
    second = submit(model, calls=20_000)
    at_work(second, model, kept + 1)
    slurm.say("scancel", "--signal=USR1", second)
    assert slurm.ended(second) == "COMPLETED", log(tmp_path, second)


def test_a_training_without_workers_fails_the_job(slurm, submit, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nif 'metasolve.farm.worker' in sys.orig_argv:\n    sys.exit('no MPI here')\n"
    )
    paths = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    job = submit(tmp_path / "model", env={"PYTHONPATH": os.pathsep.join(paths)})
    assert slurm.ended(job) == "FAILED"
    assert "were lost" in log(tmp_path, job)
    assert "nothing beats" not in log(tmp_path, job)
    assert not (tmp_path / "model" / "model.json").exists()
