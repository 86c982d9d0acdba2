import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metasolve.errors import ModelError, UsageError
from metasolve.petsc import launch
from metasolve.petsc.conduct import Conduct, Watch
from metasolve.production import journal
from metasolve.production.journal import Summary

PYTHON = [sys.executable, "-c"]
LIBRARY = Path("/cache/libmetasolve.so")
SLEEP = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(42))
print("ready", flush=True)
time.sleep(60)
"""
RECORD = """
import sys
from metasolve.petsc import launch
sys.exit(launch.record(sys.argv[2:], sys.argv[1]))
"""


@pytest.fixture(autouse=True)
def built(monkeypatch):
    """Whatever is launched here never uses PETSc: the plug-in need not exist."""
    monkeypatch.setattr(launch.remembered, "build", lambda *_: LIBRARY)


@pytest.mark.parametrize("code", [0, 1, 3, 77])
def test_the_exit_code_is_the_commands(tmp_path, code):
    assert launch.record([*PYTHON, f"raise SystemExit({code})"], tmp_path) == code


def test_a_signal_is_told_as_a_shell_does(tmp_path):
    command = [*PYTHON, "import os; os.kill(os.getpid(), 9)"]
    assert launch.record(command, tmp_path) == 128 + signal.SIGKILL


def test_not_found_and_not_executable_as_a_shell_says(tmp_path, capfd):
    (tmp_path / "text").write_text("no program")
    assert launch.record([str(tmp_path / "missing")], tmp_path) == 127
    assert launch.record([str(tmp_path / "text")], tmp_path) == 126
    assert len(capfd.readouterr().err.splitlines()) == 2


def test_only_the_environment_differs(tmp_path, capfd, monkeypatch):
    monkeypatch.setenv("PETSC_OPTIONS", "-ksp_view")
    command = [*PYTHON, "import os, sys; print(sys.argv[1:], dict(os.environ))", "-a", "b c", ""]
    watch = Watch(prefix="a_", every=2, max_systems=3, max_bytes=4)
    launch.record(command, tmp_path / "recording", watch)
    arguments, _, environment = capfd.readouterr().out.partition("] ")
    assert arguments == "['-a', 'b c', ''"
    seen = eval(environment)  # noqa: S307 (printed one line above)
    mine = {key: value for key, value in seen.items() if key.startswith("METASOLVE_")}
    assert mine == {
        "METASOLVE_MODE": "record",
        "METASOLVE_DIR": str(tmp_path / "recording"),
        "METASOLVE_PREFIX": "a_",
        "METASOLVE_EVERY": "2",
        "METASOLVE_MAX_SYSTEMS": "3",
        "METASOLVE_MAX_BYTES": "4",
    }
    assert seen["PETSC_OPTIONS"] == f"-ksp_view -dll_append {LIBRARY}"


def test_a_command_that_would_hide_the_plugin_is_refused(tmp_path):
    with pytest.raises(UsageError, match="PETSC_OPTIONS"):
        launch.record(["app", "-dll_append", "x"], tmp_path)


def unwritable():
    """Places where not even root can write."""
    return [
        ("/proc/nowhere", "denied|No such|Operation not"),
        ("/dev/null/below", "Not a directory"),
    ]


@pytest.mark.parametrize(("place", "why"), unwritable())
def test_a_recording_that_cannot_be_written_is_refused_first(place, why):
    with pytest.raises(UsageError, match=f"{place} cannot be written .*({why}).*: "):
        launch.record(["app"], place)


@pytest.mark.parametrize(("place", "why"), [*unwritable(), ("/nowhere/at/all", "No such file")])
def test_a_log_that_cannot_be_written_is_refused_first(tmp_path, place, why):
    (tmp_path / "policy.txt").write_text("")
    with pytest.raises(UsageError, match=f"--log {place} cannot be written .*({why})"):
        launch.run(["app"], tmp_path, conduct=Conduct(place))
    with pytest.raises(UsageError, match="it is a folder"):
        launch.run(["app"], tmp_path, conduct=Conduct(tmp_path))


def test_looking_at_a_log_leaves_nothing_behind(tmp_path):
    (tmp_path / "policy.txt").write_text("")
    log = tmp_path / "run.jsonl"
    assert launch.run([*PYTHON, ""], tmp_path, conduct=Conduct(log)) == 0
    assert not log.exists()
    assert launch.run([*PYTHON, ""], tmp_path, conduct=Conduct("/dev/null")) == 0


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "a pipe"])
def test_no_lines_are_waited_for_from_a_log_that_is_no_file(tmp_path, device):
    """A pipe would give none, and /dev/zero an endless one: until there is no memory left."""
    path = Path(device)
    if device == "a pipe":
        path = tmp_path / "pipe"
        os.mkfifo(path)
    assert list(journal.read(path)) == []
    assert "device" in journal.told(journal.summed(path, ()))


def test_a_message_stays_one_line_whatever_the_names_hold(tmp_path):
    with pytest.raises(ModelError) as caught:
        launch.run(["app"], tmp_path / "two\nlines")
    assert "\n" not in str(caught.value)


def test_names_are_resolved_before_the_program_changes_folder(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    command = [*PYTHON, "import os; os.chdir('/'); print(os.environ['METASOLVE_DIR'])"]
    launch.record(command, "here")
    assert capfd.readouterr().out.strip() == str(tmp_path / "here")


def test_wrong_usage_names_the_remedy(tmp_path):
    with pytest.raises(UsageError, match="mpiexec"):
        launch.record([], tmp_path)
    with pytest.raises(UsageError, match="max-bytes=0"):
        Watch(max_bytes=0)
    with pytest.raises(UsageError, match="budget"):
        Conduct(budget=-1)
    with pytest.raises(ModelError, match="metasolve train"):
        launch.run(["app"], tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="name another place"):
        launch.record(["app"], tmp_path / "file")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_command(tmp_path, number):
    code = SLEEP.replace("signal.SIGTERM", f"signal.{number.name}")
    words = [sys.executable, "-c", RECORD, str(tmp_path), *PYTHON, code]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(0.1)
        os.kill(process.pid, number)
        assert process.wait(20) == 42


def test_launching_is_quick_because_little_is_imported():
    code = (
        "import sys, metasolve.petsc.launch\n"
        "heavy = ('torch', 'petsc4py', 'mpi4py', 'scipy', 'pydantic')\n"
        "print(*(name for name in heavy if name in sys.modules))"
    )
    done = subprocess.run([*PYTHON, code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_run_is_summed_up_in_a_line():
    lines = [{"source": "model", "why": ""}] * 3 + [
        {"source": "fallback", "why": "DIVERGED_DTOL"},
        {"source": "refused", "why": "log_rows"},
        {"source": "refused", "why": "log_rows"},
    ]
    assert str(Summary.of(lines)) == (
        "6 solves: 3 model, 1 fallback [DIVERGED_DTOL (1)], 2 refused [log_rows (2)]"
    )
    nothing = journal.told(Summary.of([]))
    assert "doctor" in nothing
    assert nothing.startswith(str(Summary.of([])))


def test_a_share_a_class_and_prefixes_are_checked_first():
    told = Conduct(canary=0.05, off=["- 8 1 2 1", "a_ 64 1 -1 2"]).environment()
    assert told["METASOLVE_CANARY"] == "0.05"
    assert told["METASOLVE_OFF_CLASSES"] == "- 8 1 2 1;a_ 64 1 -1 2"
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="canary"):
            Conduct(canary=share)
    for useless in ({"canary": 0.1}, {"keep_slow": Path("x")}, {"keep_refused": Path("x")}):
        with pytest.raises(UsageError, match=r"--advise tries nothing.*leave one out"):
            Conduct(advise=True, **useless)
    with pytest.raises(UsageError, match=r"--deterministic.*--canary"):
        Conduct(deterministic=True, canary=0.1)
    for name in ("a_", "- 8 1 2", "a;b 8 1 2 1", ""):
        with pytest.raises(UsageError, match="metasolve inspect"):
            Conduct(off=[name])
    with pytest.raises(UsageError, match="prefix"):
        Watch(prefix="a" * 600)


def test_a_command_has_the_open_files_that_a_shell_would_leave_it(tmp_path):
    """MPICH's launcher talks to each rank over one."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    launch.record([*PYTHON, f"import os; os.write({write}, b'here')"], tmp_path)
    assert os.read(read, 4) == b"here"
    os.close(read)
    os.close(write)
