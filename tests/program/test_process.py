"""Runs: nothing of them is left, whatever they did."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metasolve.errors import UsageError
from metasolve.program.process import run, scratch, sweep
from metasolve.program.start import Start


def sh(text):
    return Start(["sh", "-c", text])


def gone(pid):
    """Whether a process has ended, zombies included, or does so soon."""
    for _ in range(200):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_output_code_and_time_are_those_of_the_run():
    with scratch() as folder:
        done = run(sh("echo out; echo err >&2; touch made; cat; exit 7"), folder, 20)
        assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 7)
        assert (folder / "made").exists()
        assert done.wall > 0
    assert not folder.parent.exists()


def test_cpu_time_counts_the_whole_tree():
    busy = "for i in 1 2; do sh -c 'i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done'; done"
    with scratch() as folder:
        done = run(sh(busy), folder, 60)
    assert done.cpu > 0.02


def test_a_signal_is_an_exit_code_as_in_a_shell():
    with scratch() as folder:
        assert run(sh("kill -SEGV $$"), folder, 20).exit_code == 128 + signal.SIGSEGV


@pytest.mark.parametrize("stubborn", ["", "trap '' TERM; "])
def test_time_out_ends_every_process_of_the_run(stubborn):
    # setsid would leave the session; a process group of its own, as mpiexec gives ranks, must not.
    own_group = f"{sys.executable} -c 'import os,time; os.setpgid(0, 0); time.sleep(60)'"
    with scratch() as folder:
        text = f"{stubborn}{own_group} & echo $! > pids; sleep 60 & echo $! >> pids; wait; sleep 60"
        done = run(sh(text), folder, 1.0)
        pids = (folder / "pids").read_text().split()
        assert done.exit_code is None
    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_what_a_run_leaves_in_the_background_is_ended():
    with scratch() as folder:
        done = run(sh("sleep 60 & echo $! > pid"), folder, 20)
        assert done.exit_code == 0
        assert gone((folder / "pid").read_text().strip())


def test_read_only_leavings_are_removed():
    with scratch() as folder:
        run(sh("mkdir -p a/b; touch a/b/c; chmod -R a-w a"), folder, 20)
    assert not folder.parent.exists()


def test_the_environment_is_added_to_and_ours_is_untouched(monkeypatch):
    monkeypatch.setenv("KEPT", "1")
    before = dict(os.environ)
    with scratch() as folder:
        done = run(Start(["sh", "-c", "echo $KEPT $ADDED"], {"ADDED": "2"}), folder, 20)
        assert done.stdout == "1 2\n"
    assert dict(os.environ) == before


def test_a_program_that_cannot_start_is_named():
    with scratch() as folder, pytest.raises(UsageError, match="cannot start '/no/such': No such"):
        run(Start(["/no/such"]), folder, 20)


def test_what_a_killed_training_left_is_swept(scratch_home):
    code = (
        "from metasolve.program.process import *\nfrom metasolve.program.start import *\n"
        "with scratch() as f: run(Start(['sh', '-c', 'echo $$ > pid; sleep 60']), f, 60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code])
    pids = []
    for _ in range(2000):
        pids = [p.read_text().strip() for p in scratch_home.rglob("pid")]
        if any(pids):
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    try:
        assert list(scratch_home.iterdir())
        sweep()
        assert not list(scratch_home.iterdir())
        assert gone(pids[0])
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pids[0]), signal.SIGKILL)


def test_the_runs_of_living_processes_are_not_swept(scratch_home):
    with scratch() as folder:
        sweep()
        assert folder.exists()
